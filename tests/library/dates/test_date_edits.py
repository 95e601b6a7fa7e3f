"""Edits of dates: a person's date counts, the automatic one stays beside it, and undo works."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.errors import UsageError
from scene_model.library.database.schema import photos
from scene_model.library.dates.date_edits import (
    accept_dates,
    set_date,
    shift_dates,
    shifted_dates,
    withdraw_dates,
)
from scene_model.library.edits import latest_edit, redo, undo
from scene_model.library.sort_order import Sort
from scene_model.library.store import Library
from scene_model.photos.dates import PhotoDate
from scene_model.search.conditions import on_days
from scene_model.search.query_values import DaySpan
from scene_model.statistics.months import count_by_month
from tests.library.rows import Row, put

ROWS = [
    Row("a.jpg", taken_at="2024-07-15T10:00:00+02:00", camera="Canon"),
    Row("b.jpg", taken_at="2024-07-15T11:00:00", camera="Canon"),
    Row("c.jpg", taken_at="2024-07-16", camera="Canon"),
    Row("d.jpg", camera="Nikon"),
]
A, B, C, D = (row.id for row in ROWS)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        put(opened, ROWS)
        yield opened


def test_a_shift_leaves_dates_that_no_clock_wrote(library: Library) -> None:
    set_date(library, [A], "2024-07-15 09:00")
    assert shift_dates(library, "Canon", 3600).photo_count == 1
    assert dates(library)[:2] == ["2024-07-15T09:00:00", "2024-07-15T12:00:00"]
    shift_dates(library, "Canon", -3600)
    assert dates(library)[1] == "2024-07-15T11:00:00", "a shift can be shifted back"


def dates(library: Library) -> list[str | None]:
    return [photo.taken_at for photo in library.records([A, B, C, D])]


def test_the_effective_date_orders_finds_and_counts(library: Library) -> None:
    set_date(library, [D], "2025-01-02 03:04")
    assert library.find(sort=Sort.read("-taken"))[0] == D
    assert library.find(on_days(photos.c.taken_at, DaySpan("2025-01", "2025-01"))) == [D]
    assert count_by_month(library, None, "taken", True) == [("2025-01", 1), ("2024-07", 3)]
    photo = library.photo(D)
    assert (photo.taken_at, photo.taken_source) == ("2025-01-02T03:04:00", "person")
    assert (photo.taken_confidence, photo.is_date_decided) == (1.0, True)


def test_undo_and_redo(library: Library) -> None:
    before = list(library.records([A]))
    assert set_date(library, [A, B], "1999-12-31").photo_count == 2
    assert latest_edit(library) == "Date set to 1999-12-31"
    assert dates(library)[:2] == ["1999-12-31", "1999-12-31"]
    assert undo(library) is not None
    assert list(library.records([A])) == before
    assert redo(library) is not None
    assert dates(library)[0] == "1999-12-31"
    assert library.photo(A).auto_taken_at == "2024-07-15T10:00:00+02:00"


def test_back_to_the_automatic_date(library: Library) -> None:
    set_date(library, [A], "1999-12-31")
    assert withdraw_dates(library, [A]).photo_count == 1
    assert dates(library)[0] == "2024-07-15T10:00:00+02:00"
    assert not library.photo(A).is_date_decided
    assert withdraw_dates(library, [A]).photo_count == 0


def test_a_removed_date(library: Library) -> None:
    set_date(library, [A], "")
    photo = library.photo(A)
    assert (photo.taken_at, photo.taken_confidence, photo.is_date_decided) == (None, None, True)
    assert library.find(sort=Sort.read("taken"))[-1] in (A, D)
    assert library.find(photos.c.taken_at.is_(None)) != []
    assert undo(library) is not None
    assert dates(library)[0] == "2024-07-15T10:00:00+02:00"


def test_accepted_dates_keep_source_and_sureness(library: Library) -> None:
    result = accept_dates(library, {D: PhotoDate("2024-07-15", "neighbours", 0.9), "gone": X})
    assert result.photo_count == 1
    photo = library.photo(D)
    assert (photo.taken_at, photo.taken_source) == ("2024-07-15", "neighbours")
    assert photo.taken_confidence == pytest.approx(0.9)


X = PhotoDate("2024-07-15", "neighbours", 0.9)


def test_one_camera_is_shifted_by_one_number(library: Library) -> None:
    result = shift_dates(library, "Canon", 7 * 3600)
    assert (result.description, result.photo_count) == ("Dates of Canon shifted by +7h", 2)
    # The wrong clock had a wrong offset, too. What has only a day stays.
    assert dates(library) == ["2024-07-15T17:00:00", "2024-07-15T18:00:00", "2024-07-16", None]
    assert library.photo(A).taken_source == "camera clock"
    assert undo(library) is not None
    assert dates(library)[0] == "2024-07-15T10:00:00+02:00"


@pytest.mark.parametrize("typed", ["yesterday", "2024", "2024-13-01", "15.07.2024"])
def test_what_is_no_date(library: Library, typed: str) -> None:
    with pytest.raises(UsageError, match="is no date") as caught:
        set_date(library, [A], typed)
    assert caught.value.code == "invalid_date"
    assert latest_edit(library) is None


@pytest.mark.parametrize(
    ("camera", "seconds", "code"),
    [
        ("Canon", 0, "invalid_shift"),
        ("Canon", 10**12, "invalid_shift"),
        ("Leica", 3600, "no_such_camera"),
    ],
)
def test_what_is_no_shift(library: Library, camera: str, seconds: int, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        shift_dates(library, camera, seconds)
    assert caught.value.code == code


def test_a_shift_beyond_the_calendar() -> None:
    with pytest.raises(UsageError, match="calendar"):
        shifted_dates({A: "9990-01-01T10:00:00"}, 60 * 366 * 86_400)
