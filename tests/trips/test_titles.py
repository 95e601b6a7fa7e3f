"""Titles of trips from places and dates."""

import datetime

import pytest

from scene_model.errors import InvalidTrip
from scene_model.library.trips.trip_rows import TripRow, TripState
from scene_model.trips.dates_text import days_text, months_text, short_day_text
from scene_model.trips.named_places import NamedPlace, count_places
from scene_model.trips.titles import (
    clean_title,
    day_labels,
    free_title,
    titles_without_places,
    trip_titles,
)

LISBON = NamedPlace("Lisbon", "Lisboa", "PT")
SINTRA = NamedPlace("Sintra", "Lisboa", "PT")
PORTO = NamedPlace("Porto", "Porto", "PT")
FARO = NamedPlace("Faro", "Faro", "PT")
EVORA = NamedPlace("Évora", "Évora", "PT")
MADRID = NamedPlace("Madrid", "Madrid", "ES")
SEA = NamedPlace("Atlantic Ocean", kind="sea")
NAMES = {"PT": "Portugal", "ES": "Spain", "FR": "France", "IT": "Italy"}


def date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def title(places: list[tuple[NamedPlace, int]], first: str, last: str) -> str:
    photos = [place for place, count in places for _ in range(count)]
    return trip_titles(date(first), date(last), count_places(photos), NAMES.__getitem__)[0]


@pytest.mark.parametrize(
    ("places", "first", "last", "expected"),
    [
        ([(LISBON, 40), (SINTRA, 20)], "2024-07-12", "2024-07-16", "Lisbon and Sintra, July 2024"),
        ([(LISBON, 40), (SINTRA, 2)], "2024-07-12", "2024-07-16", "Lisbon, July 2024"),
        ([(SINTRA, 9)], "2024-07-14", "2024-07-14", "Sunday in Sintra, 14 July 2024"),
        (
            [(LISBON, 9), (SINTRA, 8), (PORTO, 7)],
            "2024-06-30",
            "2024-07-03",
            "Lisbon, Sintra and Porto, June and July 2024",
        ),
        (
            [(LISBON, 9), (SINTRA, 9), (PORTO, 9), (FARO, 9), (EVORA, 9)],
            "2024-07-01",
            "2024-07-21",
            "July 2024 in Portugal",
        ),
        (
            [(LISBON, 9), (SINTRA, 9), (PORTO, 9), (FARO, 9), (MADRID, 9)],
            "2023-12-20",
            "2024-01-05",
            "December 2023 to January 2024 in Portugal and Spain",
        ),
        ([(SEA, 50), (LISBON, 3)], "2024-07-12", "2024-07-16", "Lisbon, July 2024"),
        ([(SEA, 50)], "2024-07-12", "2024-07-16", "12 to 16 July 2024"),
        ([], "2024-07-12", "2024-07-16", "12 to 16 July 2024"),
        ([], "2024-07-14", "2024-07-14", "Sunday, 14 July 2024"),
    ],
)
def test_titles(places: list[tuple[NamedPlace, int]], first: str, last: str, expected: str) -> None:
    assert title(places, first, last) == expected


def test_a_region_stands_for_many_of_its_places() -> None:
    villages = [(NamedPlace(f"Village {n}", "Algarve", "PT"), 3) for n in range(9)]
    assert title(villages, "2024-07-01", "2024-07-09") == "July 2024 in Algarve"


def test_many_countries_are_counted() -> None:
    codes = ("PT", "ES", "FR", "IT", "DE", "AT")
    places = [(NamedPlace(f"City of {code}", None, code), 5) for code in codes]
    counts = count_places([place for place, n in places for _ in range(n)])
    first, *_ = trip_titles(date("2024-07-01"), date("2024-08-09"), counts, str)
    assert first == "July and August 2024 in AT, DE, ES and 3 more countries"


def test_titles_that_others_have_get_days_then_places_then_a_number() -> None:
    titles = trip_titles(date("2024-07-12"), date("2024-07-16"), count_places([LISBON]), str)
    assert titles == [
        "Lisbon, July 2024",
        "Lisbon, 12 to 16 July 2024",
        "Lisbon, 12 to 16 July 2024 (Lisbon)",
    ]
    taken: set[str] = set()
    for expected in (*titles, f"{titles[-1]} (2)", f"{titles[-1]} (3)"):
        free = free_title(titles, taken)
        assert free == expected
        taken.add(free.lower())


@pytest.mark.parametrize(
    ("first", "last", "days", "months"),
    [
        ("2024-07-14", "2024-07-14", "14 July 2024", "July 2024"),
        ("2024-06-30", "2024-07-02", "30 June to 2 July 2024", "June and July 2024"),
        (
            "2023-12-30",
            "2024-01-02",
            "30 December 2023 to 2 January 2024",
            "December 2023 to January 2024",
        ),
        ("2024-02-01", "2024-05-02", "1 February to 2 May 2024", "February to May 2024"),
    ],
)
def test_days_and_months(first: str, last: str, days: str, months: str) -> None:
    assert days_text(date(first), date(last)) == days
    assert months_text(date(first), date(last)) == months


def test_titles_without_places_are_dates_that_no_other_trip_has() -> None:
    def trip(number: int, title: str, first: str | None, is_by_person: bool = False) -> TripRow:
        last = first and first.replace("-12T", "-16T")
        return TripRow(number, title, is_by_person, TripState.ACCEPTED, "trip", None, first, last)

    trips = [
        trip(1, "Lisbon, July 2024", "2024-07-12T10:00:00"),
        trip(2, "Porto, July 2024", "2024-07-12T11:00:00+01:00"),
        trip(3, "12 to 16 May 2023", "2023-05-01T10:00:00", is_by_person=True),
        trip(4, "Rome, May 2023", "2023-05-12T10:00:00"),
        trip(5, "Faro", None),
    ]
    assert titles_without_places(trips) == {
        "Lisbon, July 2024": "12 to 16 July 2024",
        "Porto, July 2024": "12 to 16 July 2024 (2)",
        "Rome, May 2023": "12 to 16 May 2023 (2)",
        "Faro": "undated trip",
    }


def test_names_of_days() -> None:
    assert short_day_text(date("2024-07-14")) == "Sun 14 July"
    days = [date("2024-07-12"), date("2024-07-13")]
    assert list(day_labels(days, ["Alfama", None])) == [
        (days[0], "01 Alfama"),
        (days[1], "02 2024-07-13"),
    ]


@pytest.mark.parametrize("typed", ["", " _ ", 'the "best"', "a\x07b", "x" * 81])
def test_titles_that_are_not_allowed(typed: str) -> None:
    with pytest.raises(InvalidTrip):
        clean_title(typed)


def test_a_typed_title_is_cleaned() -> None:
    assert clean_title("  Our \t summer ") == "Our summer"
