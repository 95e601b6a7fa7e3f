"""One session's query, order and selection over the library."""

import datetime
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from scene_model.classifier.model import CurrentModel
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.errors import InvalidAlbum, QueryError
from scene_model.library import edits
from scene_model.library.albums.album_edits import clean_album_name, create_query_album
from scene_model.library.albums.own_albums import OwnAlbum
from scene_model.library.groups import count_by_group
from scene_model.library.own_labels import LibraryModel
from scene_model.library.photo_query import IdsInOrder
from scene_model.library.records import PhotoRecord
from scene_model.library.sort_order import BEST_MATCH, NEWEST_ADDED, Sort, SortKey
from scene_model.library.stacks.stack_rows import photos_behind
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripRow
from scene_model.search.albums import AlbumEntry, PhotoAlbum, albums_with, list_albums
from scene_model.search.conditions import has_id, has_tag
from scene_model.search.no_result import NoResult, WordsWithPhotos, explain_no_result
from scene_model.search.own_albums import only_album
from scene_model.search.paging import Page, page_after
from scene_model.search.place_names import PlaceName, place_names
from scene_model.search.query_reader import Condition, QueryReader
from scene_model.search.query_values import Box
from scene_model.search.saved_searches import SavedSearch, save_search
from scene_model.statistics.folder_sizes import (
    FolderSize,
    sizes_by_class,
    sizes_by_group,
    sizes_by_head,
    sizes_by_tag,
    sizes_by_trip,
)
from scene_model.statistics.map_clusters import Cluster, Places, clusters, places
from scene_model.statistics.months import count_by_month
from scene_model.statistics.tag_counts import count_by_any_tag, count_by_tag


@dataclass
class Gallery:
    """One session's gallery. Nothing durable is stored here; that is in the library.

    model: the model in use, which may change during a session. query: the current query line.
    sort: the order of photos, as chosen; see `shown_order`. today: returns the day that
    ``added:today`` means. selection: ids of selected photos, in the order of selection.
    """

    library: Library
    model: CurrentModel
    query: str = ""
    sort: Sort = BEST_MATCH
    today: Callable[[], datetime.date] = datetime.date.today
    selection: list[str] = field(default_factory=list)
    _library_model: LibraryModel = field(init=False, repr=False, compare=False)
    _reader: QueryReader = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Create the parser of query lines, which caches the latest conditions."""
        self._library_model = LibraryModel(self.library, self.model)
        self._reader = QueryReader(self.library, self._library_model)

    @property
    def vocabulary(self) -> Vocabulary:
        """Vocabulary of the model in use, with the labels that people made."""
        return self._library_model.vocabulary

    def select(self, photo_ids: Sequence[str]) -> None:
        """Replace the selection."""
        self.selection = list(photo_ids)

    def select_between(self, first: str, last: str) -> None:
        """Add the photos of the current query between two photos, in either order.

        Where ``first`` is no longer in the query, only ``last`` is added.
        """
        ids = list(self.tile_ids())
        if first in ids and last in ids:
            start, end = sorted((ids.index(first), ids.index(last)))
            self.selection = list(dict.fromkeys([*self.selection, *ids[start : end + 1]]))
        elif last in ids:
            self.selection = list(dict.fromkeys([*self.selection, last]))

    def count(self, query: str | None = None) -> int:
        """Count the photos of a query, by default the current one; raises QueryError."""
        return self.library.count(self._where(query), sort=self._order(query))

    def count_by_class(self, query: str | None = None) -> dict[str, int]:
        """Count the photos of a query by class; raises QueryError."""
        return self.library.count_by_class(self._where(query))

    def count_by_group(self, query: str | None = None) -> dict[str, int]:
        """Count the photos of a query by group; raises QueryError."""
        return count_by_group(self.library, self.vocabulary, self._where(query))

    def count_by_tag(self, query: str | None = None, limit: int | None = None) -> dict[str, int]:
        """Count the photos of a query by the tags they show; raises QueryError."""
        return count_by_tag(self.library, self._where(query), limit)

    def count_by_any_tag(self) -> dict[str, int]:
        """Count all photos by the tags of every head, including objects."""
        return count_by_any_tag(self.library)

    def place_names(self) -> list[PlaceName]:
        """Return the names of the places, regions and countries of all photos."""
        return place_names(self.library)

    def count_with_any(self, labels: Collection[str]) -> int:
        """Count the photos that have any of the labels as a tag."""
        return self.library.count(has_tag(labels))

    def folder_sizes(
        self,
        query: str,
        by_tag: bool = False,
        head: str | None = None,
        by_group: bool = False,
        by_trip: bool = False,
    ) -> list[FolderSize]:
        """Count the photos of a query by export folder; raises QueryError.

        Folders are classes by default, tags (by_tag), groups (by_group), trips (by_trip) or the
        labels of one head.
        """
        where = self._where(query)
        if by_trip:
            return sizes_by_trip(self.library, where)
        if by_tag:
            return sizes_by_tag(self.library, where)
        if by_group:
            return sizes_by_group(self.library, where, self.vocabulary)
        if head is not None:
            return sizes_by_head(self.library, where, head)
        return sizes_by_class(self.library, where)

    def ids_from(self, index: int, limit: int, query: str | None = None) -> list[str]:
        """Return up to `limit` tiles of a query from an index (from 0); raises QueryError."""
        where, sort = self._where(query), self._order(query)
        return self.library.find_tiles(where, limit, index, sort)

    def places(self, query: str | None = None) -> Places:
        """Count the photos of a query that have a place; raises QueryError."""
        return places(self.library, self._where(query))

    def map_clusters(self, box: Box, zoom: int, query: str | None = None) -> list[Cluster]:
        """Return the clusters of a query's photos on a map; see `map_clusters.clusters`.

        Raises QueryError.
        """
        return clusters(self.library, box, zoom, self._where(query))

    def ids(self, query: str | None = None, limit: int | None = None) -> list[str]:
        """Return the ids of the photos of a query, in the current order; raises QueryError."""
        return self.library.find(self._where(query), limit, sort=self._order(query))

    def count_tiles(self, query: str | None = None) -> int:
        """Count the tiles of a query: a stack shows as one of its photos; raises QueryError."""
        return self.library.count_tiles(self._where(query), self._order(query))

    def tile_ids(self, query: str | None = None) -> IdsInOrder:
        """Return the ids of all tiles of a query, in the current order; raises QueryError."""
        return self.library.tiles_in_order(self._where(query), self._order(query))

    def selected_photos(self) -> list[str]:
        """Return the ids of the selection, with the photos behind the picks of stacks."""
        return photos_behind(self.library, self.selection)

    def all_ids(self, query: str | None = None) -> IdsInOrder:
        """Like `ids`, for exports: the ids are not all in memory. Raises QueryError."""
        return self.library.ids_in_order(self._where(query), self._order(query))

    def page(self, number: int, size: int, query: str | None = None) -> list[PhotoRecord]:
        """Return one page of tiles (from 1), in the current order; raises QueryError."""
        return self.photos_between((number - 1) * size, number * size, query)

    def photos_between(self, start: int, stop: int, query: str | None = None) -> list[PhotoRecord]:
        """Return tiles by index in the current order, ``stop`` excluded; raises QueryError."""
        return list(self.library.records(self.ids_from(start, stop - start, query)))

    def count_by_month(
        self, date: Literal["taken", "added"], descending: bool, query: str | None = None
    ) -> list[tuple[str, int]]:
        """Count the tiles of a query by month, see `months.count_by_month`; raises QueryError."""
        return count_by_month(self.library, self._where(query), date, descending)

    def page_after(self, cursor: str | None, size: int, query: str | None = None) -> Page:
        """Return the ids of the photos after a cursor, in the current order.

        Raises QueryError or InvalidCursor.
        """
        return page_after(self.library, self._where(query), self._order(query), cursor, size)

    def save_search(self, name: str, query: str) -> SavedSearch:
        """Save a query and the current order under a name.

        Raises QueryError, InvalidSearchName or SearchNameTaken.
        """
        self._where(query)
        return save_search(self.library, name, query, self.sort)

    def add_tag(self, photo_ids: Sequence[str], typed: str) -> edits.EditResult:
        """Tag photos with typed text; see `Vocabulary.canonical`."""
        return edits.add_tag(
            self.library, photo_ids, self.vocabulary.canonical(edits.clean_tag(typed))
        )

    def set_class(self, photo_ids: Sequence[str], typed: str | None) -> edits.EditResult:
        """Set the class of photos to typed text; None restores the automatic class."""
        label = None if typed is None else self.vocabulary.canonical(edits.clean_tag(typed))
        return edits.set_class(self.library, photo_ids, label)

    def labels_of_words(self, query: str | None = None) -> frozenset[str]:
        """Return the labels that the words of a query find; raises QueryError."""
        return self._reader.labels_of_words(self.query if query is None else query)

    def explain_no_result(self, query: str) -> NoResult:
        """Explain why a query finds nothing, and what finds something; raises QueryError."""
        words = WordsWithPhotos(self.vocabulary, self.count_by_any_tag())
        return explain_no_result(
            self._reader.tree(query),
            self._count_or_0,
            words,
            self._reader.in_one_sentence(query),
        )

    def passed_over(self, query: str) -> tuple[str, ...]:
        """Return the small words of a query that are not searched for, as typed; for any text."""
        return self._reader.plain(query).passed_over

    def has_words(self, query: str) -> bool:
        """Whether a query has words, so that its photos match better or worse; for any text."""
        try:
            return bool(self.labels_of_words(query) or self.sentences(query))
        except QueryError:
            return False

    def sentences(self, query: str) -> tuple[str, ...]:
        """Return the sentences that the photos of a query are like; raises QueryError."""
        return self._reader.sentences(query)

    def shown_order(self, query: str) -> Sort:
        """Return the order in which the photos of a query are, as people choose it.

        The best match is the newest first in a query without words and without an album of a
        person.
        """
        is_newest = self.sort == BEST_MATCH and not (
            self.has_words(query) or self.has_album_order(query)
        )
        return NEWEST_ADDED if is_newest else self.sort

    def has_album_order(self, query: str) -> bool:
        """Whether a query without words has the order of an album; for any text."""
        try:
            return not self.has_words(query) and self._album_order(query) is not None
        except QueryError:
            return False

    def own_albums(self) -> list[OwnAlbum]:
        """Return the albums that people made, sorted by name."""
        return self._reader.own_albums()

    def trips(self) -> list[TripRow]:
        """Return the trips that did not end, also hidden ones, the newest first."""
        return self._reader.trips()

    def albums(self) -> list[AlbumEntry]:
        """List all albums: those that people made, then those of the rules."""
        in_order = replace(self, sort=BEST_MATCH)
        return list_albums(
            self.library,
            self.own_albums(),
            self.model.albums,
            in_order.count,
            lambda line: next(iter(in_order.ids_from(0, 1, line)), None),
        )

    def albums_with(self, photo: PhotoRecord) -> list[PhotoAlbum]:
        """Return the albums that a photo is in, and why."""
        is_photo = has_id(photo.id)

        def is_in(line: str) -> bool:
            where = self._where(line)
            return bool(self.library.count(is_photo if where is None else is_photo & where))

        albums = albums_with(self.library, photo, self.own_albums(), self.model.albums, is_in)
        return list(albums)

    def make_query_album(self, name: str, query: str, sort: Sort = BEST_MATCH) -> int:
        """Make an album that follows a query from now on; returns its id.

        Raises QueryError when the query cannot be read or leads back to the album; InvalidAlbum or
        AlbumNameTaken.
        """
        name = clean_album_name(name)
        if not query.strip():
            raise InvalidAlbum("The album has no search to follow. Type a query first.")
        self._reader.check_followed(name, query, self.today())
        return create_query_album(self.library, name, query, sort)

    def _count_or_0(self, query: str) -> int:
        """Count the photos of a query that was made from another one and may be too long."""
        try:
            return self.library.count(self._where(query))
        except QueryError:
            return 0

    def _order(self, query: str | None) -> Sort:
        if self.sort.key is not SortKey.MATCH:
            return self.sort
        line = self.query if query is None else query
        return self._reader.match_order(line) or self._album_order(line) or NEWEST_ADDED

    def _album_order(self, query: str) -> Sort | None:
        """Return the order of the person's album that a query names; None without exactly one."""
        if "album:" not in query.lower():
            return None
        album = only_album(self._reader.tree(query), self.own_albums())
        if album is None:
            return None
        if album.order is None:
            return Sort(SortKey.ALBUM, album=album.id)
        if album.order != BEST_MATCH:
            return album.order
        return self._reader.match_order(album.query or "") or NEWEST_ADDED

    def _where(self, query: str | None) -> Condition | None:
        return self._reader.where(self.query if query is None else query, self.today())
