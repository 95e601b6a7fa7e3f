"""SQL conditions of query lines for one library and model, with a cache."""

import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, union

from scene_model.classifier.model import CurrentModel
from scene_model.classifier.vocabulary import fold
from scene_model.library.schema import class_decisions, tag_decisions
from scene_model.library.store import Library
from scene_model.search.plain_words import PlainLine
from scene_model.search.query import parse_query, plain_line
from scene_model.search.query_tree import Query, read_query
from scene_model.search.words import as_written, ids_for_words

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

    def labels_of_words(self, line: str) -> frozenset[str]:
        """Return the labels that the words of a line find; none without words.

        Raises QueryError.
        """
        return ids_for_words(self.tree(line), self._model.vocabulary)

    def tree(self, line: str) -> Query:
        """Return a line as a tree, without the words that are passed over; raises QueryError."""
        return read_query(self.plain(line).line)

    def plain(self, line: str) -> PlainLine:
        """Return a line as `read_query` reads it, and the words that are passed over."""
        return plain_line(line, self._model.vocabulary, self._own_labels)

    def _parse(self, line: str, today: datetime.date) -> Condition:
        return parse_query(
            line, self._model.vocabulary, self._model.albums, today, self._own_labels
        )

    def _own_labels(self, text: str) -> set[str]:
        """Return the labels of this name that people taught, or decided about on any photo."""
        taught = {label for label in self._library.taught_labels() if fold(label) == fold(text)}
        decided = union(
            *(
                select(table.c.label).where(table.c.label.in_(sorted(as_written(text))))
                for table in (tag_decisions, class_decisions)
            )
        )
        with self._library.database.reader.begin() as connection:
            return {*taught, *connection.execute(decided).scalars()}
