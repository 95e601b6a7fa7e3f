"""SQL conditions of query lines for one library and model, with a cache."""

import datetime
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select, union

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.model import CurrentModel
from scene_model.classifier.vocabulary import fold
from scene_model.library.albums.own_albums import OwnAlbum, own_albums
from scene_model.library.database.schema import class_decisions, tag_decisions
from scene_model.library.rules.rule_rows import rule_labels
from scene_model.library.sort_order import BEST_MATCH, Sort, SortKey
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripRow, all_trips
from scene_model.search.own_albums import album_line
from scene_model.search.plain_words import PlainLine
from scene_model.search.query import parse_query, plain_line, read_in_one_sentence, read_line
from scene_model.search.query_tree import Query, read_query
from scene_model.search.sentences.sentence_finder import SentenceFinder
from scene_model.search.sentences.sentence_terms import sentences_of
from scene_model.search.words import as_written, ids_for_words

Condition = ColumnElement[bool]
Cached = TypeVar("Cached")

_CACHED_LINES = 16


def _latest(cache: dict[tuple[Any, ...], Cached]) -> dict[tuple[Any, ...], Cached]:
    return dict([*cache.items()][1 - _CACHED_LINES :])


class QueryReader:
    """Parses query lines, and again only after the library, the model or the day changed."""

    def __init__(
        self,
        library: Library,
        model: CurrentModel,
        albums_of: Library | None = None,
        for_rules: bool = False,
    ) -> None:
        """Start with an empty cache.

        albums_of: the library whose albums and trips count; None for this. for_rules: words are no
        sentences, whatever model is added later; only ``like:`` is one.
        """
        self._library, self._model = library, model
        self._albums_of = library if albums_of is None else albums_of
        self._conditions: dict[tuple[Any, ...], Condition] = {}
        self._own_albums: tuple[int, list[OwnAlbum]] | None = None
        self._trips: tuple[int, list[TripRow]] | None = None
        self._rules: AlbumRules | None = None
        self._sentences = SentenceFinder(library, model, for_rules)
        self._trees: dict[tuple[Any, ...], Query] = {}

    def where(self, line: str, today: datetime.date) -> Condition | None:
        """Return the condition of a query line, None for an empty one; raises QueryError."""
        if not line.strip():
            return None
        rules = self._model.albums
        if rules is not self._rules:
            self._rules, self._conditions = rules, {}
        key = (*self._key(line), today)
        condition = self._conditions.get(key)
        if condition is None:
            condition = self._parse(line, today, self.own_albums())
            # Replaced, not changed in place: threads may share a gallery.
            self._conditions = _latest(self._conditions) | {key: condition}
        return condition

    def labels_of_words(self, line: str) -> frozenset[str]:
        """Return the labels that the words of a line find; none without words.

        Raises QueryError.
        """
        return ids_for_words(self._resolved(line), self._model.vocabulary)

    def sentences(self, line: str) -> tuple[str, ...]:
        """Return the sentences that the photos of a line are like; raises QueryError."""
        return sentences_of(self._resolved(line))

    def in_one_sentence(self, line: str) -> Query | None:
        """Return a line as a tree in which its words are one sentence; raises QueryError.

        None without a search model, and where they are no labels of the model, or only one.
        """
        finder = self._sentences.in_use()
        if finder is None:
            return None
        return read_in_one_sentence(line, self._model.vocabulary, self._own_labels, finder)

    def match_order(self, line: str) -> Sort | None:
        """Return the order of the best match; None for a line without words. Raises QueryError.

        By the sentences of the line, else by the labels of its words.
        """
        sentences = self.sentences(line)
        if sentences:
            scores = self._sentences.scores(sentences)
            if scores is not None:
                return Sort(SortKey.MATCH, scores=scores)
        labels = self.labels_of_words(line)
        return Sort(SortKey.MATCH, labels=labels) if labels else None

    def tree(self, line: str) -> Query:
        """Return a line as a tree, without the words that are passed over; raises QueryError."""
        return read_query(self.plain(line).line)

    def plain(self, line: str) -> PlainLine:
        """Return a line as `read_query` reads it, and the words that are passed over."""
        return plain_line(line, self._model.vocabulary, self._own_labels)

    def own_albums(self) -> list[OwnAlbum]:
        """Return the albums that people made, sorted by name."""
        version, cached = self._albums_of.version(), self._own_albums
        if cached is None or cached[0] != version:
            cached = self._own_albums = (version, own_albums(self._albums_of))
        return cached[1]

    def trips(self) -> list[TripRow]:
        """Return the trips that did not end, also hidden ones, the newest first."""
        version, cached = self._albums_of.version(), self._trips
        if cached is None or cached[0] != version:
            cached = self._trips = (version, all_trips(self._albums_of))
        return cached[1]

    def check_followed(self, name: str, query: str, today: datetime.date) -> None:
        """Check that an album of this name can follow a query; raises QueryError.

        It must be readable, and must not lead back to the album.
        """
        others = [album for album in self.own_albums() if fold(album.name) != fold(name)]
        follower = OwnAlbum(0, name, query, str(BEST_MATCH), None)
        self._parse(album_line(name), today, [follower, *others])

    def _resolved(self, line: str) -> Query:
        """Return a line as a tree with its sentences; cached."""
        key = self._key(line)
        tree = self._trees.get(key)
        if tree is None:
            finder = self._sentences.in_use()
            tree = read_line(line, self._model.vocabulary, self._own_labels, finder)
            self._trees = _latest(self._trees) | {key: tree}
        return tree

    def _key(self, line: str) -> tuple[Any, ...]:
        model = self._model
        return line, self._library.version(), model.classifier.bundle_id, self._sentences.stamp()

    def _parse(self, line: str, today: datetime.date, albums: Sequence[OwnAlbum]) -> Condition:
        return parse_query(
            line,
            self._model.vocabulary,
            self._model.albums,
            today,
            self._own_labels,
            albums,
            self.trips(),
            self._sentences.in_use(),
        )

    def _own_labels(self, text: str) -> set[str]:
        """Return the labels of this name that people taught, or decided about on any photo.

        Or made a rule for: a rule finds what an earlier one does in the same transaction.
        """
        named = {*self._library.taught_labels(), *rule_labels(self._library)}
        taught = {label for label in named if fold(label) == fold(text)}
        decided = union(
            *(
                select(table.c.label).where(table.c.label.in_(sorted(as_written(text))))
                for table in (tag_decisions, class_decisions)
            )
        )
        with self._library.database.reader.begin() as connection:
            return {*taught, *connection.execute(decided).scalars()}
