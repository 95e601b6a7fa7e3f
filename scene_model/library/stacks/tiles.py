"""Which photos of a query are tiles: a stack shows as its pick.

A photo of a stack is left out of a list of photos where the pick of the stack is in that list too.
Where it is not, the photo shows for itself: `is:raw` finds the RAW file of a RAW and a JPEG.
"""

import json

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Select, func, select

from scene_model.library.database.schema import photos, stack_photos

Numbers = npt.NDArray[np.int32]

_IS_HIDDEN = stack_photos.c.tile != stack_photos.c.photo
# The numbers of all photos that are no tile of their own, and those of their tiles, as two texts.
HIDDEN_AND_TILES: Select[tuple[str, str]] = select(
    func.group_concat(stack_photos.c.photo), func.group_concat(stack_photos.c.tile)
).where(_IS_HIDDEN)


def is_tile() -> ColumnElement[bool]:
    """The photo is a tile where all photos are shown."""
    return photos.c.number.not_in(select(stack_photos.c.photo).where(_IS_HIDDEN))


def without_hidden(numbers: Numbers, hidden: Numbers, tiles: Numbers) -> Numbers:
    """Return the numbers of the tiles among photos, in their order.

    hidden, tiles: of the same length, the photos that are no tile of their own and their tiles.
    """
    if not len(hidden) or not len(numbers):
        return numbers
    is_listed = np.zeros(int(max(numbers.max(), tiles.max(), hidden.max())) + 1, bool)
    is_listed[numbers] = True
    is_listed[hidden[is_listed[tiles]]] = False
    shown: Numbers = numbers[is_listed[numbers]]
    return shown


def with_hidden(connection: Connection, photo_ids: list[str]) -> list[str]:
    """Return photos with those behind them: all of its stack outside the trash for a pick.

    In the order given; each once. Other photos of a stack stand for themselves alone.
    """
    chosen = func.json_each(json.dumps(photo_ids)).table_valued("key", "value")
    behind, member = stack_photos.alias(), photos.alias()
    rows = connection.execute(
        select(chosen.c.value, member.c.id)
        .join(photos, photos.c.id == chosen.c.value)
        .join(behind, behind.c.tile == photos.c.number)
        .join(stack_photos, stack_photos.c.photo == photos.c.number)
        .where(behind.c.stack_id == stack_photos.c.stack_id)
        .join(member, member.c.number == behind.c.photo)
        .where(member.c.trashed_at.is_(None), behind.c.photo != photos.c.number)
        .order_by(chosen.c.key, behind.c.position, behind.c.photo)
    ).all()
    members: dict[str, list[str]] = {}
    for photo_id, member_id in rows:
        members.setdefault(photo_id, []).append(member_id)
    whole = [each for photo_id in photo_ids for each in (photo_id, *members.get(photo_id, ()))]
    return list(dict.fromkeys(whole))
