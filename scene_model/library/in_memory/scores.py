"""How well photos match labels: the highest score of one of them, for the order by match."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, func, select

from scene_model.library.in_memory.changes import Kept, Numbers, listed, parsed_numbers
from scene_model.library.sort_order import Sort, label_scores

Scores = npt.NDArray[np.float64]


def kept_scores(reader: Engine, version: Callable[[], int], sort: Sort) -> Kept[Scores]:
    """Return the highest `label_scores` by photo number; reader, version: as for `Kept`."""
    scores = label_scores(sort)
    query = select(func.group_concat(scores.c.photo), func.group_concat(scores.c.score))

    def read(connection: Connection) -> Scores:
        return _highest(np.empty(0), connection.execute(query).one())

    def update(connection: Connection, data: Scores, changed: Numbers) -> Scores:
        remaining = data.copy()
        remaining[changed[changed < len(data)]] = 0
        of_changed = query.where(scores.c.photo.in_(listed(changed)))
        return _highest(remaining, connection.execute(of_changed).one())

    return Kept(reader, version, read, update)


def _highest(before: Scores, texts: Any) -> Scores:
    numbers, values = parsed_numbers(texts[0]), np.fromstring(texts[1] or "", np.float64, sep=",")
    result = np.zeros(max(len(before), int(numbers.max(initial=-1)) + 1))
    result[: len(before)] = before
    np.maximum.at(result, numbers, values)
    return result
