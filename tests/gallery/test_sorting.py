"""Orders are whole and stable."""

from itertools import permutations

import pytest

from scene_model.errors import QueryError
from scene_model.gallery.sorting import SORTS, Sort, SortKey
from scene_model.gallery.store import Library
from tests.gallery.rows import Row, put

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
        found = library.find(sort=Sort.read(sort))
        assert "".join(BY_ID[i] for i in found) == expected
        pages = [library.find(limit=2, offset=o, sort=Sort.read(sort)) for o in (0, 2, 4)]
        assert [i for page in pages for i in page] == found


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_equal_photos_keep_one_order(library: Library, sort: Sort) -> None:
    put(library, [Row(f"{i}", more={"folded_name": "same"}) for i in range(5)])
    found = library.find(sort=sort)
    assert [i for n in range(5) for i in library.find(limit=1, offset=n, sort=sort)] == found


def test_text_of_an_order() -> None:
    for sort in SORTS:
        assert Sort.read(str(sort)) == sort
    assert Sort.read("-taken") == Sort(SortKey.TAKEN, descending=True)
    for text in ("", "date", "--name", "name "):
        with pytest.raises(QueryError, match="added, taken, name, score, size"):
            Sort.read(text)
