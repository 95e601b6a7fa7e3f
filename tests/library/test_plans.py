"""Pages are read from the covering index of their order; edits read no photos but their own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, event

from scene_model.library.clutter import is_apart
from scene_model.library.clutter_rows import clutter_groups, count_apart, count_unjudged
from scene_model.library.edits import set_favourite, undo
from scene_model.library.schema import ORDER_INDEXES, photos
from scene_model.library.sort_order import SORTS, Sort
from scene_model.library.store import Library
from scene_model.search.conditions import has_chosen_class, has_class, has_tag, name_contains
from scene_model.search.conditions import was_edited as edited
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


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder: Path = tmp_path_factory.mktemp("plans")
    with Library(folder / "library") as opened:
        yield opened


@pytest.fixture
def plans(library: Library) -> Iterator[list[str]]:
    """The query plans of the SELECT statements executed from now on."""
    collected: list[str] = []

    @event.listens_for(library.database.reader, "before_cursor_execute")
    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            collected.append("\n".join(row[3] for row in cursor.fetchall()))

    yield collected
    event.remove(library.database.reader, "before_cursor_execute", explain)


@pytest.mark.parametrize("condition", [None, *CONDITIONS])
@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_pages_are_read_in_order(
    library: Library, plans: list[str], sort: Sort, condition: str | None
) -> None:
    where = None if condition is None else CONDITIONS[condition]
    library.clear_query_cache()
    library.find(where, limit=36, offset=72, sort=sort)
    (plan,) = plans
    assert any(f"{index.name}" in plan for index in ORDER_INDEXES.values())
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
    assert "USE TEMP B-TREE FOR RIGHT PART" not in plan


def test_clutter_is_read_from_its_own_index(library: Library, plans: list[str]) -> None:
    clutter_groups(library.database)
    count_apart(library.database)
    count_unjudged(library.database)
    assert ["photos_with_clutter" in plan for plan in plans] == [True, True, False]
    assert "photos_by_clutter_rule" in plans[2]


def test_repeated_queries_are_cached(library: Library, plans: list[str]) -> None:
    library.clear_query_cache()
    library.count(CONDITIONS["word"])
    library.find(CONDITIONS["word"], limit=36)
    assert len(plans) == 1, "the count cached the ids"
    library.find(CONDITIONS["word"], limit=36, offset=36)
    assert len(plans) == 1
    library.choose("bundle", "a")
    library.count(CONDITIONS["word"])
    assert len(plans) == 2, "the library was changed"


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
