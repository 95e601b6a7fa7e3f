"""A session's hold on the library: what it looks at, what it has selected."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scene_model.classifier.labels import HUMAN
from scene_model.classifier.model import CurrentModel
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library import edits
from scene_model.library.photo_query import IdsInOrder
from scene_model.library.records import PhotoRecord
from scene_model.library.sort_order import NEWEST_ADDED, Sort
from scene_model.library.store import Library
from scene_model.search.paging import Page, page_after
from scene_model.search.query_reader import Condition, QueryReader
from scene_model.search.saved_searches import SavedSearch, save_search
from scene_model.statistics.folder_sizes import (
    FolderSize,
    sizes_by_class,
    sizes_by_head,
    sizes_by_tag,
)
from scene_model.statistics.tag_counts import count_by_tag


@dataclass
class Gallery:
    """One visitor's gallery; what must last lies in the library, not here.

    model: holds the model in use. query: the current query line. sort: the order photos are
    shown in. today: tells the day that ``added:today`` means.
    selection: ids of selected photos, in the order selected.
    """

    library: Library
    model: CurrentModel
    query: str = ""
    sort: Sort = NEWEST_ADDED
    today: Callable[[], datetime.date] = datetime.date.today
    selection: list[str] = field(default_factory=list)
    _reader: QueryReader = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the reader of query lines, which caches the latest of them."""
        self._reader = QueryReader(self.library, self.model)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of the model in use, which may be another than when the session began."""
        return self.model.vocabulary

    def select(self, photo_ids: Sequence[str]) -> None:
        """Replace the selection."""
        self.selection = list(photo_ids)

    def select_between(self, first: str, last: str) -> None:
        """Add all photos of the current query from one to another, whichever comes first."""
        ids = self.ids()
        if first in ids and last in ids:
            start, end = sorted((ids.index(first), ids.index(last)))
            self.selection = list(dict.fromkeys([*self.selection, *ids[start : end + 1]]))
        elif last in ids:
            self.selection = list(dict.fromkeys([*self.selection, last]))

    def count(self, query: str | None = None) -> int:
        """Count the photos of a query (the current one unless given); raises QueryError."""
        return self.library.count(self._where(query), sort=self.sort)

    def count_by_class(self, query: str | None = None) -> dict[str, int]:
        """Count the photos of a query by class; raises QueryError."""
        return self.library.count_by_class(self._where(query))

    def count_by_tag(self, query: str | None = None, limit: int | None = None) -> dict[str, int]:
        """Count the photos of a query by the tags on their faces; raises QueryError."""
        return count_by_tag(self.library, self._where(query), self.face_heads, limit)

    def count_by_any_tag(self) -> dict[str, int]:
        """Count all photos by the tags of every head, objects too: what search finds."""
        return count_by_tag(self.library, None, (HUMAN, *self.model.classifier.heads))

    @property
    def face_heads(self) -> tuple[str, ...]:
        """Whose tags stand on a photo's face: people's, the class head's and the tag head's."""
        bundle = self.model.classifier.bundle
        return (HUMAN, bundle.class_head, *filter(None, [bundle.tag_head]))

    def folder_sizes(
        self, query: str, by_tag: bool = False, head: str | None = None
    ) -> list[FolderSize]:
        """What folders of a query's photos would hold, by class unless told; raises QueryError."""
        where = self._where(query)
        if by_tag:
            return sizes_by_tag(self.library, where)
        if head is not None:
            return sizes_by_head(self.library, where, head)
        return sizes_by_class(self.library, where)

    def id_at(self, index: int, query: str | None = None) -> str | None:
        """The photo at a place of a query, from 0, in the current order; None where none is."""
        if index < 0:
            return None
        found = self.library.find(self._where(query), limit=1, offset=index, sort=self.sort)
        return found[0] if found else None

    def ids(self, query: str | None = None, limit: int | None = None) -> list[str]:
        """Ids of the photos of a query, in the current order; raises QueryError."""
        return self.library.find(self._where(query), limit, sort=self.sort)

    def all_ids(self, query: str | None = None) -> IdsInOrder:
        """As `ids`, for exports: they are not all held in memory. Raises QueryError."""
        return self.library.ids_in_order(self._where(query), self.sort)

    def page(self, number: int, size: int, query: str | None = None) -> list[PhotoRecord]:
        """Photos of one page, counted from 1, in the current order; raises QueryError."""
        ids = self.library.find(
            self._where(query), limit=size, offset=(number - 1) * size, sort=self.sort
        )
        return list(self.library.records(ids))

    def page_after(self, cursor: str | None, size: int, query: str | None = None) -> Page:
        """Ids of the photos after a cursor, in the current order.

        Raises QueryError, or InvalidCursor.
        """
        return page_after(self.library, self._where(query), self.sort, cursor, size)

    def save_search(self, name: str, query: str) -> SavedSearch:
        """Keep a query and the current order under a name.

        Raises QueryError, InvalidSearchName or SearchNameTaken.
        """
        self._where(query)
        return save_search(self.library, name, query, self.sort)

    def add_tag(self, photo_ids: Sequence[str], typed: str) -> edits.EditDone:
        """Tag photos with what a person typed; a known name becomes its label id."""
        return edits.add_tag(
            self.library, photo_ids, self.vocabulary.canonical(edits.clean_tag(typed))
        )

    def set_class(self, photo_ids: Sequence[str], typed: str | None) -> edits.EditDone:
        """File photos under what a person chose or typed; None: back to automatic."""
        label = None if typed is None else self.vocabulary.canonical(edits.clean_tag(typed))
        return edits.set_class(self.library, photo_ids, label)

    def _where(self, query: str | None) -> Condition | None:
        return self._reader.where(self.query if query is None else query, self.today())
