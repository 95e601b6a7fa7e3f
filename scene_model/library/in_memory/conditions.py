"""Which photos match an SQL condition: its parts are lists of photos, which are combined.

SQLite would test photo by photo, for each in all lists of the parts. To combine a million bits
takes a millisecond, so a condition costs as much as finding its lists, each by its own index.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    Alias,
    BinaryExpression,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Engine,
    Select,
    and_,
    select,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    BooleanClauseList,
    False_,
    Grouping,
    True_,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import (
    ScalarSelect,
    SelectBase,
    TableValuedAlias,
)

from scene_model.library.database.schema import ORDER_INDEXES, effective_tags, photos
from scene_model.library.in_memory.changes import (
    BY_NUMBER,
    Kept,
    Mask,
    Numbers,
    is_listed,
    listed,
    resized,
    run_numbers,
)
from scene_model.library.in_memory.names import Names

# A million photos take 1 MB in each.
_MOST_LISTS = 64
# Characters of a query with its values. A longer one, such as for the ids of a selection, is not
# kept, because it takes memory itself and hardly anybody repeats it; nor is a mere list of numbers.
_LONGEST_KEY = 10_000
_UNIONS = ("UNION", "UNION ALL")
# The indexes for conditions on few columns, and whether they list only photos outside the trash.
_SHORT_INDEXES: dict[frozenset[Column[Any]], tuple[str, bool]] = {
    frozenset({photos.c.camera}): ("photos_by_camera", False),
    frozenset({photos.c.decided_tags}): ("photos_by_decided_tags", False),
    frozenset({photos.c.photo_class}): ("photos_by_class", True),
    frozenset({photos.c.auto_group, photos.c.human_class, photos.c.photo_class}): (
        "photos_by_group",
        True,
    ),
    **{
        frozenset({photos.c[column]}): (str(index.name), True)
        for column, index in ORDER_INDEXES.items()
    },
}
# Partial indexes, which SQLite finds by itself where they serve.
_PARTIALLY_INDEXED = (
    frozenset({photos.c.human_class}),
    frozenset({photos.c.latitude, photos.c.longitude}),
)
_COVERED = frozenset(
    getattr(expression, "element", expression)
    for expression in ORDER_INDEXES["added_at"].expressions
)


AffectedBy = Callable[[Connection, Numbers], Numbers | None]


@dataclass(frozen=True)
class ListUpdate:
    """How to update the list of a query when others decide, too, whether a photo is listed.

    A query has one as its execution option `LIST_UPDATE`. affected: for changed photos, returns
    these and all others that a change of them may add or remove; None where that is unknown.
    query: a query with the same result that is quick for a few photos, restricted by ``photo``.
    """

    affected: AffectedBy
    query: Select[tuple[int]]
    photo: ColumnElement[int]


LIST_UPDATE = "list_update"
# The execution option of a query for texts, such as all that contain a word: whether a text is
# among them depends on that text alone.
OF_OWN_VALUE = "of_own_value"


class Conditions:
    """Finds the photos of conditions; keeps the latest lists of parts, which follow the library."""

    def __init__(self, reader: Engine, version: Callable[[], int], names: Kept[Names]) -> None:
        """reader, version: as for `Kept`. names: of all photos."""
        self._reader, self._version, self._names = reader, version, names
        self._lock = threading.Lock()
        self._lists: dict[str, Kept[Mask]] = {}

    def matching(self, where: Any, size: int) -> Mask:
        """Return which photos match a condition, as an array of ``size`` by their numbers.

        Only the values of photos outside the trash mean something.
        """
        if isinstance(where, Grouping):
            return self.matching(where.element, size)
        if isinstance(where, True_ | False_):
            return np.full(size, isinstance(where, True_))
        if isinstance(where, UnaryExpression) and where.operator is operators.inv:
            return ~self.matching(where.element, size)
        if isinstance(where, BooleanClauseList):
            return self._combined(where, size)
        if _is_list(where):
            is_in = self._selected(where.right.element, size)
            return is_in if where.operator is operators.in_op else ~is_in
        text = _part_of_name(where)
        if text is not None:
            return is_listed(self._names.get().containing(text), size)
        return self._of_columns(where, size)

    def _combined(self, where: BooleanClauseList, size: int) -> Mask:
        parts: Sequence[Any] = where.clauses
        if where.operator is not operators.and_:
            return _any([self.matching(part, size) for part in parts])
        # Conditions on columns alone are tested at once: they need no list.
        on_columns = [part for part in parts if not _has_list(part)]
        masks = [self.matching(part, size) for part in parts if _has_list(part)]
        if len(on_columns) == 1:
            masks.append(self.matching(on_columns[0], size))
        elif on_columns:
            masks.append(self._of_columns(and_(*on_columns), size))
        result: Mask = np.logical_and.reduce(masks)
        return result

    def _selected(self, query: Any, size: int) -> Mask:
        """Return the photos whose numbers a query selects."""
        if isinstance(query, CompoundSelect) and query.keyword.value in _UNIONS:
            return _any([self._selected(part, size) for part in query.selects])
        list_update = query.get_execution_options().get(LIST_UPDATE)
        if list_update is not None:
            return self._listed(
                query, list_update.query, list_update.photo, size, list_update.affected
            )
        return self._listed(query, query, _photo_of(query), size)

    def _of_columns(self, where: ColumnElement[bool], size: int) -> Mask:
        numbers = select(photos.c.number).where(where)
        photo = None if _has_query(where) else photos.c.number
        query_of_few = numbers.with_hint(*BY_NUMBER)
        return self._listed(_by_index(numbers, where), query_of_few, photo, size)

    def _listed(
        self,
        query: Any,
        query_of_few: Any,
        photo: ColumnElement[Any] | None,
        size: int,
        affected: AffectedBy | None = None,
    ) -> Mask:
        """Return the photos whose numbers a query selects.

        query_of_few: the query that is quick for a few photos. photo: its column of their numbers,
        if nothing but a photo itself decides whether it is listed, so that its list can be kept.
        affected: see `ListUpdate`.
        """
        compiled = query.compile(self._reader)
        key = f"{compiled}\n{compiled.params!r}"
        if len(key) > _LONGEST_KEY or _is_bound_list(query):
            return resized(self._kept(query, query_of_few, photo, affected).get(), size)
        with self._lock:
            kept = self._lists.pop(key, None) or self._kept(query, query_of_few, photo, affected)
            self._lists[key] = kept  # the last is the latest
            while len(self._lists) > _MOST_LISTS:
                self._lists.pop(next(iter(self._lists)))
        return resized(kept.get(), size)

    def _kept(
        self,
        query: Any,
        query_of_few: Any,
        photo: ColumnElement[Any] | None,
        affected: AffectedBy | None,
    ) -> Kept[Mask]:
        def read(connection: Connection) -> Mask:
            numbers = run_numbers(connection, query)
            return is_listed(numbers, int(numbers.max(initial=-1)) + 1)

        def update(connection: Connection, mask: Mask, changed: Numbers) -> Mask:
            numbers = changed if affected is None else affected(connection, changed)
            if photo is None or numbers is None:
                return read(connection)
            new = resized(mask, int(max(numbers.max() + 1, len(mask)))).copy()
            new[numbers] = False
            new[run_numbers(connection, query_of_few.where(photo.in_(listed(numbers))))] = True
            return new

        return Kept(self._reader, self._version, read, update, follows_all=photo is not None)


def _any(masks: Sequence[Mask]) -> Mask:
    result: Mask = np.logical_or.reduce(masks)
    return result


def _photo_of(query: Any) -> Any:
    """Return the column that a query for photos is restricted by; None if it reads other rows."""
    tables = query.get_final_froms() if isinstance(query, Select) else ()
    if len(tables) != 1 or _has_query(query.whereclause):
        return None
    if tables[0] is effective_tags:
        return effective_tags.c.photo
    is_photos = isinstance(tables[0], Alias) and tables[0].element is photos
    return tables[0].c.number if is_photos else None


def _has_query(where: Any) -> bool:
    """Whether a condition looks at other rows than that of the photo; its own lists do not."""
    if where is None:
        return False
    if isinstance(where, SelectBase | ScalarSelect) and not _is_bound_list(where):
        query: Any = where.element if isinstance(where, ScalarSelect) else where
        return not query.get_execution_options().get(OF_OWN_VALUE)
    return any(_has_query(child) for child in where.get_children())


def _is_bound_list(query: Any) -> bool:
    """Whether a query reads a list that is bound as a value, see `is_one_of`."""
    query = query.element if isinstance(query, ScalarSelect) else query
    return isinstance(query, Select) and all(
        isinstance(source, TableValuedAlias) for source in query.get_final_froms()
    )


def _has_list(where: ColumnElement[bool]) -> bool:
    return any(_is_list(node) for node in visitors.iterate(where))


def _is_list(node: Any) -> bool:
    """Whether a condition is that the photo's number is, or is not, among selected ones."""
    return (
        isinstance(node, BinaryExpression)
        and node.operator in (operators.in_op, operators.not_in_op)
        and node.left is photos.c.number
        and isinstance(node.right, ScalarSelect)
    )


def _part_of_name(where: Any) -> str | None:
    """Return the text of the condition that a name contains one, see `name_contains`."""
    function = getattr(where, "left", None)
    if not isinstance(function, FunctionElement) or where.operator is not operators.gt:
        return None
    column, *texts = function.clauses
    if getattr(function, "name", "") != "instr" or column is not photos.c.folded_name:
        return None
    text = getattr(texts[0], "value", None)
    is_line = isinstance(text, str) and text != "" and "\n" not in text
    return text if is_line and where.right.value == 0 else None


def _by_index(numbers: Any, where: ColumnElement[bool]) -> Any:
    """Restrict a query to photos outside the trash, by a short index if there is one."""
    columns = {node for node in visitors.iterate(where) if isinstance(node, Column)}
    own = frozenset(column for column in columns if column.table is photos)
    if own in _PARTIALLY_INDEXED:
        return numbers
    index, is_outside_trash = _SHORT_INDEXES.get(own, (None, True))
    if index is None and own <= _COVERED:
        index = str(ORDER_INDEXES["added_at"].name)
    if is_outside_trash:
        numbers = numbers.where(photos.c.trashed_at.is_(None))
    if index is None:
        return numbers
    return numbers.with_hint(photos, f"INDEXED BY {index}", "sqlite")
