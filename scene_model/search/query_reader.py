"""SQL conditions of query lines for one library and model, with a cache."""

import datetime
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from scene_model.classifier.model import CurrentModel
from scene_model.library.store import Library
from scene_model.search.query import parse_query

Condition = ColumnElement[bool]

_CACHED_LINES = 16


class QueryReader:
    """Parses query lines, and again only after the library, the model or the day changed."""

    def __init__(self, library: Library, model: CurrentModel) -> None:
        """Start with an empty cache."""
        self._library, self._model = library, model
        self._conditions: dict[tuple[Any, ...], Condition] = {}

    def where(self, line: str, today: datetime.date) -> Condition | None:
        """Return the condition of a query line, None for an empty one; raises QueryError."""
        if not line.strip():
            return None
        key = (line, self._library.version(), self._model.classifier.bundle_id, today)
        condition = self._conditions.get(key)
        if condition is None:
            condition = self._parse(line, today)
            # Replaced, not changed in place: threads may share a gallery.
            latest = [*self._conditions.items()][1 - _CACHED_LINES :]
            self._conditions = dict(latest) | {key: condition}
        return condition

    def _parse(self, line: str, today: datetime.date) -> Condition:
        # A taught label takes precedence over an alias of the model with the same name.
        taught = {label: label for label in self._library.taught_labels()}
        vocabulary = self._model.vocabulary
        if taught:
            vocabulary = replace(vocabulary, names=taught | vocabulary.names)
        return parse_query(line, vocabulary, self._model.albums, today)
