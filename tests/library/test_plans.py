"""Pages are read from indexes, once; then changed photos alone, and edits read no others."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, event

from scene_model.library.clutter.clutter_rows import clutter_groups, count_apart, count_unjudged
from scene_model.library.clutter.conditions import is_apart
from scene_model.library.database.schema import ORDER_INDEXES, photos
from scene_model.library.edits import set_favourite, undo
from scene_model.library.sort_order import SORTS, Sort
from scene_model.library.store import Library
from scene_model.search.conditions import has_chosen_class, has_class, has_tag, name_contains
from scene_model.search.conditions import was_edited as edited
from scene_model.statistics.months import count_by_month
from scene_model.statistics.tag_counts import count_by_tag
from tests.library.rows import Row, put

CONDITIONS: dict[str, ColumnElement[bool]] = {
    "tag": has_tag(["sea"]),
    "class": has_class(["sea"]),
    "word": has_tag(["sea"]) | has_chosen_class(["sea"]) | name_contains("sea"),
    "edited": edited(),
    "score": photos.c.class_score >= 0.8,
    "favourite": photos.c.favourite.is_(True),
    "rating": photos.c.rating >= 4,
    "place": photos.c.latitude.is_not(None),
    "not apart": ~is_apart(),
}
# Orders and conditions are read apart from each other.
SEARCHES = [(sort, "word") for sort in SORTS] + [(SORTS[0], name) for name in CONDITIONS]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder: Path = tmp_path_factory.mktemp("plans")
    with Library(folder / "library") as opened:
        put(opened, [Row("a.jpg"), Row("sea.jpg", tags=[("scenes", "sea", 0.9)])])
        yield opened


@contextlib.contextmanager
def plans_of(library: Library) -> Iterator[list[str]]:
    """Collect the query plans of the SELECT statements that are executed meanwhile."""
    collected: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            collected.append("\n".join(row[3] for row in cursor.fetchall()))

    event.listen(library.database.reader, "before_cursor_execute", explain)
    yield collected
    event.remove(library.database.reader, "before_cursor_execute", explain)


@pytest.fixture
def plans(library: Library) -> Iterator[list[str]]:
    """The query plans of the SELECT statements executed from now on."""
    with plans_of(library) as collected:
        yield collected


def _steps(plans: list[str], table: str) -> list[str]:
    """The steps of query plans that read a table, by whatever alias."""
    lines = [line for plan in plans for line in plan.splitlines()]
    return [line for line in lines if re.match(rf"(SCAN|SEARCH) {table}(_\d+)?\b", line)]


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_the_first_pages_are_read_in_order(library: Library, plans: list[str], sort: Sort) -> None:
    library.find(None, limit=36, offset=72, sort=sort)
    library.find_tiles(None, 36, 72, sort)
    in_order = _steps(plans, "photos")
    assert len(in_order) == 2
    assert all(
        any(f"{index.name}" in step for index in ORDER_INDEXES.values()) for step in in_order
    )
    assert not any("USE TEMP B-TREE" in plan for plan in plans)


@pytest.mark.parametrize(("sort", "condition"), SEARCHES, ids=str)
def test_what_stays_in_memory_is_read_from_indexes(
    library: Library, sort: Sort, condition: str
) -> None:
    with Library(library.folder) as opened, plans_of(opened) as plans:
        opened.count(CONDITIONS[condition], sort=sort)
    steps = _steps(plans, "photos") + _steps(plans, "held_tags")
    assert len(steps) >= 2, "the order, and the photos of the condition"
    assert [step for step in steps if " USING " not in step] == []
    assert not any("USE TEMP B-TREE" in plan for plan in plans)


@pytest.mark.parametrize(("sort", "condition"), SEARCHES, ids=str)
def test_after_a_change_only_the_changed_photos_are_read(
    library: Library, plans: list[str], sort: Sort, condition: str
) -> None:
    library.count(CONDITIONS[condition], sort=sort)
    set_favourite(library, [Row("a.jpg").id], not library.photo(Row("a.jpg").id).favourite)
    plans.clear()
    library.count(CONDITIONS[condition], sort=sort)
    steps = _steps(plans, "photos") + _steps(plans, "held_tags")
    assert len(steps) >= 2, "the order, and the photos of the condition"
    by_number = re.compile(r"\b(rowid=\?|label=\? AND photo=\?)")
    assert [step for step in steps if not by_number.search(step)] == []


@pytest.fixture(scope="module")
def library_sizes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Library]]:
    """A library of 40 photos, and one of 400."""
    with contextlib.ExitStack() as stack:
        libraries = [stack.enter_context(Library(tmp_path_factory.mktemp("size"))) for _ in "12"]
        for library, count in zip(libraries, (40, 400), strict=True):
            tags = [("scenes", "sea", 0.9)]
            put(library, [Row(f"{number}.jpg", tags=tags) for number in range(count)])
        yield libraries


def _click(library: Library, where: ColumnElement[bool]) -> None:
    library.count(where)
    library.find(where, limit=5)
    library.count_by_class(where)
    count_by_tag(library, where)
    count_by_month(library, where, "taken", True)


def _work_of_a_click(library: Library, where: ColumnElement[bool]) -> int:
    """Count tens of instructions of SQLite's virtual machine, after one photo was changed."""
    _click(library, where)
    photo_id = Row("0.jpg").id
    set_favourite(library, [photo_id], not library.photo(photo_id).favourite)
    calls: list[None] = []

    def count_in(connection: Any) -> None:
        raw = connection.connection.driver_connection
        raw.set_progress_handler(lambda: calls.append(None), 10)

    event.listen(library.database.reader, "begin", count_in)
    _click(library, where)
    event.remove(library.database.reader, "begin", count_in)
    return len(calls)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_click_after_a_change_costs_the_same_in_a_larger_library(
    library_sizes: list[Library], condition: str
) -> None:
    work = [_work_of_a_click(library, CONDITIONS[condition]) for library in library_sizes]
    assert 0 < work[1] < 1.2 * work[0]


def test_clutter_is_read_from_its_own_index(library: Library, plans: list[str]) -> None:
    clutter_groups(library.database)
    count_apart(library.database)
    count_unjudged(library.database)
    assert ["photos_with_clutter" in plan for plan in plans] == [True, True, False]
    assert "photos_by_clutter_rule" in plans[2]


def test_repeated_queries_are_cached(library: Library, plans: list[str]) -> None:
    library.count(CONDITIONS["word"])
    plans.clear()
    library.find(CONDITIONS["word"], limit=36)
    library.find(CONDITIONS["word"], limit=1)
    ids_of_page = "SEARCH photos USING INTEGER PRIMARY KEY (rowid=?)"
    assert plans == [ids_of_page] * 2, "the count cached the numbers"
    library.choose("bundle", "a")
    plans.clear()
    library.count(CONDITIONS["word"])
    assert plans, "the library was changed"
    assert set(plans) == {"SEARCH photo_changes"}, "but no photo"


def test_an_edit_of_a_photo_reads_no_other(library: Library) -> None:
    put(library, [Row("a.jpg"), Row("b.jpg")])
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(f"{row[3]}: {statement}" for row in cursor.fetchall())

    with contextlib.ExitStack() as stack:
        event.listen(library.database.writer, "before_cursor_execute", explain)
        stack.callback(event.remove, library.database.writer, "before_cursor_execute", explain)
        set_favourite(library, [Row("a.jpg").id], True)
        undo(library)
    assert any("SEARCH photos" in plan for plan in plans)
    # Both read the ids of all photos.
    reading_all = ("SCAN photos", "USING INDEX sqlite_autoindex_photos_1 FOR IN-OPERATOR")
    assert [plan for plan in plans if plan.startswith(reading_all)] == []
