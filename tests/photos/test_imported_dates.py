"""The date of a photo whose moment another program states in UTC."""

import pytest

from scene_model.photos.dates import TAKEOUT, PhotoDate
from scene_model.photos.imported_dates import date_with_import

ADDED = "2026-01-02T03:04:05.000+00:00"
MOMENT = "2019-07-15T10:00:00+00:00"


def chosen(
    own: str | None,
    moment: str = MOMENT,
    place: tuple[float, float] | None = None,
    confidence: float = 0.95,
) -> tuple[str, str] | None:
    own_date = None if own is None else PhotoDate(own, "DateTimeOriginal", confidence)
    date = date_with_import(own_date, moment, TAKEOUT, place, ADDED)
    return None if date is None else (date.taken_at, date.source)


@pytest.mark.parametrize(
    ("own", "is_own"),
    [
        ("2019-07-15T12:00:00", True),
        ("2019-07-16T00:00:00", True),
        ("2019-07-14T22:00:00", True),
        ("2019-07-15T12:00:00+02:00", True),
        ("2019-07-16T12:00:01", False),
        ("2018-07-15T12:00:00", False),
        ("2019-07-15", False),
        (None, False),
    ],
)
def test_an_own_date_of_the_same_moment_stays(own: str | None, is_own: bool) -> None:
    assert chosen(own) == ((own, "DateTimeOriginal") if is_own else (MOMENT, TAKEOUT))


def test_an_impossible_own_date_does_not_count() -> None:
    assert chosen("2019-07-15T12:00:00", confidence=0.05) == (MOMENT, TAKEOUT)


@pytest.mark.parametrize(
    ("moment", "place", "taken_at"),
    [
        (MOMENT, (38.72, -9.14), "2019-07-15T11:00:00+01:00"),
        ("2019-01-15T10:00:00+00:00", (38.72, -9.14), "2019-01-15T10:00:00+00:00"),
        (MOMENT, (35.68, 139.77), "2019-07-15T19:00:00+09:00"),
        (MOMENT, (27.7, 85.3), "2019-07-15T15:45:00+05:45"),
        (MOMENT, None, MOMENT),
        ("1890-01-01T12:00:00+00:00", (52.37, 4.89), "1890-01-01T12:00:00+00:00"),
    ],
)
def test_a_place_gives_the_zone(
    moment: str, place: tuple[float, float] | None, taken_at: str
) -> None:
    assert chosen(None, moment, place) == (taken_at, TAKEOUT)


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:07+00:00", "2031-01-01T00:00:00+00:00"])
def test_a_moment_that_cannot_be_does_not_count(moment: str) -> None:
    assert chosen(None, moment) is None
    assert chosen("2019-07-15T12:00:00", moment) == ("2019-07-15T12:00:00", "DateTimeOriginal")
