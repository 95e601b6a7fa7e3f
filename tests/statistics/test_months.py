"""Photos by month, in the order of the dates."""

from pathlib import Path

from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from scene_model.statistics.months import count_by_month
from tests.library.rows import Row, put

ROWS = (
    Row("a", taken_at="2024-07-01T10:00:00", added_at="2025-01-02T00:00:00.000+00:00"),
    Row("b", taken_at="2024-07-31T23:59:59", added_at="2025-01-03T00:00:00.000+00:00"),
    Row("c", taken_at="2019-12-31T10:00:00", added_at="2025-02-01T00:00:00.000+00:00"),
    Row("d", added_at="2025-02-01T00:00:00.000+00:00"),
    Row("e", taken_at="2024-08-01T10:00:00", trashed=True),
)


def test_months_in_both_directions(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        put(library, ROWS)
        newest = [("2024-07", 2), ("2019-12", 1), ("", 1)]
        assert count_by_month(library, None, "taken", descending=True) == newest
        oldest = [("2019-12", 1), ("2024-07", 2), ("", 1)]
        assert count_by_month(library, None, "taken", descending=False) == oldest
        added = [("2025-02", 2), ("2025-01", 2)]
        assert count_by_month(library, None, "added", descending=True) == added
        some = count_by_month(library, photos.c.name.in_(["b", "c"]), "taken", descending=True)
        assert some == [("2024-07", 1), ("2019-12", 1)]


def test_an_empty_library_has_no_months(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        assert count_by_month(library, None, "taken", descending=True) == []
