"""Sort orders are complete and stable."""

import sqlite3
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import event

from scene_model.errors import QueryError
from scene_model.library.sort_order import BEST_MATCH, SORTS, Sort, SortKey
from scene_model.library.store import Library
from scene_model.search.conditions import has_tag
from tests.library.libraries import add_rows
from tests.library.rows import Row, put

ROWS = [
    Row("b.jpg", taken_at="2024-01-02T10:00:00", auto_score=0.4, added_at="2024-02-01T10:00:00"),
    Row("A.jpg", taken_at="2024-01-02T10:00:00", auto_score=0.6, added_at="2024-02-01T10:00:00"),
    Row("É.jpg", taken_at="2023-12-31T23:00:00+02:00", human_class="x"),
    Row("e.jpg", auto_class="unsure", auto_source="none", auto_score=0.0),
    Row("c.jpg", auto_score=0.6, added_at="2024-03-01T10:00:00"),
    Row("gone.jpg", trashed=True),
]
BY_ID = {row.id: row.name[0] for row in ROWS}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-added", "eÉcAb"),
        ("added", "bAcÉe"),
        ("-taken", "AbÉce"),
        ("taken", "ÉbAec"),
        ("name", "AbceÉ"),
        ("-name", "ÉecbA"),
        ("-score", "ÉAcbe"),
        ("score", "ebcAÉ"),
    ],
)
def test_orders(library: Library, sort: str, expected: str) -> None:
    for rows in list(permutations(ROWS))[::97]:
        put(library, rows)
        ids = library.find(sort=Sort.read(sort))
        assert "".join(BY_ID[i] for i in ids) == expected
        pages = [library.find(limit=2, offset=o, sort=Sort.read(sort)) for o in (0, 2, 4)]
        assert [i for page in pages for i in page] == ids


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_equal_photos_keep_one_order(library: Library, sort: Sort) -> None:
    put(library, [Row(f"{i}", more={"folded_name": "same"}) for i in range(5)])
    ids = library.find(sort=sort)
    assert [i for n in range(5) for i in library.find(limit=1, offset=n, sort=sort)] == ids


def test_text_of_an_order() -> None:
    for sort in SORTS:
        assert Sort.read(str(sort)) == sort
    assert Sort.read("-taken") == Sort(SortKey.TAKEN, descending=True)
    assert Sort.read("match") == BEST_MATCH
    for text in ("", "date", "--name", "name ", "-match"):
        with pytest.raises(QueryError, match="added, taken, name, score, size, .*match"):
            Sort.read(text)


@pytest.mark.slow
def test_a_limit_above_what_sqlite_binds(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:

        @event.listens_for(library.database.reader, "checkout")
        def limit_variables(connection: sqlite3.Connection, *_: object) -> None:
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)

        ids = add_rows(library, 2_000)
        assert set(library.find(has_tag(["forest"]), limit=5_000)) == set(ids)
