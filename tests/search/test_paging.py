"""Keyset paging in every order and page size, with ties and photos without a date."""

import pytest

from scene_model.errors import InvalidCursor
from scene_model.library.database.schema import photos
from scene_model.library.sort_order import SORTS, Sort
from scene_model.library.store import Library
from scene_model.search.paging import page_after, read_cursor
from tests.library.rows import Row, put

ROWS = [
    Row(f"{name}{copy}.jpg", taken_at=taken, auto_score=score, added_at=f"2024-0{month}-01T10:00")
    for copy in range(2)
    for name, taken, score, month in [
        ("b", "2024-01-02T10:00:00", 0.4, 2),
        ("A", "2024-01-02T10:00:00", 0.6, 2),
        ("É", None, 0.6, 3),
        ("e", None, 0.0, 1),
    ]
] + [Row("gone.jpg", trashed=True)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    opened = Library(tmp_path_factory.mktemp("library"))
    put(opened, ROWS)
    return opened


@pytest.mark.parametrize("sort", SORTS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_all_pages_together_are_the_whole_result(library: Library, sort: Sort, size: int) -> None:
    for where in (None, photos.c.auto_class_score > 0.5):
        ids: list[str] = []
        cursor = None
        while True:
            page = page_after(library, where, sort, cursor, size)
            ids += page.ids
            cursor = page.next_cursor
            if cursor is None:
                break
            assert len(page.ids) == size
        assert ids == library.find(where, sort=sort)


@pytest.mark.parametrize(
    "text", ["", "x", "é", "W10", "bnVsbA", "e30", "WyItYWRkZWQiLCAiXHVkODAwIiwgIiIsIDFd"]
)
def test_invalid_cursors(text: str) -> None:
    with pytest.raises(InvalidCursor):
        read_cursor(text, Sort.read("-added"))
