"""Trips are proposed by home, distance and pauses, whatever the order of the photos."""

import datetime
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import propose_trips
from tests.trips.lives import (
    HOME,
    LISBON,
    OFFICE,
    POTSDAM,
    SINTRA,
    START,
    TOKYO,
    MadeLife,
    Position,
    home_life,
    numbers_of,
)

NOON = (10.0, 12.0, 14.0, 18.0)


def stay(
    life: MadeLife, days: Iterable[int], position: Position, camera: str | None = "phone"
) -> list[int]:
    return [number for day in days for number in life.add(day, NOON, position, camera)]


def date(day: int) -> datetime.date:
    return (START + datetime.timedelta(days=day)).date()


def test_days_away_are_a_trip_with_days_and_a_distance() -> None:
    life = home_life()
    photos = stay(life, range(62, 67), LISBON)
    (trip,) = propose_trips(life.moments)
    assert sorted(trip.photos) == photos
    assert (trip.start, trip.end, trip.kind) == (date(62), date(66), "trip")
    assert trip.home_km == pytest.approx(2312, abs=15)
    assert [day.date for day in trip.days] == [date(day) for day in range(62, 67)]


def test_the_order_of_the_photos_does_not_matter() -> None:
    life = home_life()
    stay(life, range(62, 67), LISBON)
    stay(life, range(63, 66), None, "camera")
    expected = propose_trips(life.moments)
    assert len(expected) == 1
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(life.moments))
        assert propose_trips([life.moments[index] for index in order]) == expected


@pytest.mark.parametrize(("empty_days", "trips"), [(2, 1), (3, 2)])
def test_a_trip_may_have_two_empty_days(empty_days: int, trips: int) -> None:
    life = home_life()
    stay(life, (62, 63), (48.14, 11.58))
    stay(life, (64 + empty_days, 65 + empty_days), (48.14, 11.58))
    assert len(propose_trips(life.moments)) == trips


def test_a_photo_at_home_ends_a_trip() -> None:
    life = home_life()
    first, second = stay(life, (62, 63), LISBON), stay(life, (66, 67), LISBON)
    life.at_home([64, 65])
    assert numbers_of(propose_trips(life.moments)) == [first, second]


def test_somebody_who_stays_at_home_does_not_end_a_trip() -> None:
    life = home_life()
    photos = stay(life, range(62, 67), LISBON)
    life.add(64, NOON, HOME, "phone of another")
    life.add(65, (12.1, 12.5), HOME)  # a phone of the same kind: nobody is home within minutes
    assert numbers_of(propose_trips(life.moments)) == [photos]


def test_a_day_away_is_a_day_trip_and_a_near_one_is_none() -> None:
    life = home_life()
    photos = life.add(62, NOON, OFFICE)
    life.add(70, NOON, POTSDAM)
    (trip,) = propose_trips(life.moments)
    assert (sorted(trip.photos), trip.kind) == (photos, "day trip")


def test_commuters_and_second_homes_make_no_trips() -> None:
    life = home_life()
    for week in range(1, 28):
        life.add(7 * week, NOON, OFFICE)
        if week % 2:
            stay(life, (7 * week + 5, 7 * week + 6), (54.32, 10.14))
    assert propose_trips(life.moments) == []


def test_where_one_lives_for_months_is_home() -> None:
    life = home_life(100)
    life.at_home(range(100, 300, 3), TOKYO)
    life.at_home(range(300, 400, 3), HOME)
    before, abroad = stay(life, (62, 63), LISBON), stay(life, (200, 201), (34.69, 135.50))
    trips = propose_trips(life.moments)
    assert numbers_of(trips) == [before, abroad]
    assert [trip.home_km for trip in trips] == pytest.approx([2312, 400], abs=20)


def test_a_beach_holiday_of_weeks_is_a_trip() -> None:
    life = home_life(300)
    photos = stay(life, range(100, 121, 2), (36.40, 25.45))
    life.moments = [
        moment
        for moment in life.moments
        if moment.number in photos or not date(100) <= moment.taken_at.date() <= date(121)
    ]
    assert numbers_of(propose_trips(life.moments)) == [photos]


def test_a_camera_with_a_wrong_clock_does_not_break_a_trip() -> None:
    life = home_life()
    # The camera's clock keeps the time of home, eight hours behind.
    pairs = [
        (life.add(day, (hour,), TOKYO), life.add(day, (hour - 8.0,), None, "camera"))
        for day in range(62, 68)
        for hour in (8.5, 11.0, 15.0, 20.0)
    ]
    (trip,) = propose_trips(life.moments)
    assert len(trip.photos) == 2 * len(pairs)
    day_of = {n: day.date for day in trip.days for c in day.chapters for n in c.photos}
    assert all(day_of[phone] == day_of[camera] for (phone,), (camera,) in pairs)


def test_planes_and_wrong_positions_make_no_trips() -> None:
    life = home_life()
    life.add(62, (9.0,), HOME)
    for minute in range(5):  # over the clouds, a round of the plane without a landing
        life.add(62, (10 + minute / 4,), (51.0 - minute, 12.0 - minute))
    life.add(62, (12.5,), HOME)
    life.add(72, (10.0, 12.0, 14.0), (0.0, 0.0))  # no fix
    assert propose_trips(life.moments) == []


def test_photos_without_positions_are_in_the_trip_around_them() -> None:
    life = home_life()
    first = stay(life, (62,), LISBON)
    camera = stay(life, (63, 64), None, "camera")
    last = stay(life, (65,), SINTRA)
    assert numbers_of(propose_trips(life.moments)) == [sorted(first + camera + last)]


def test_without_positions_busy_days_in_a_row_are_a_trip() -> None:
    life = MadeLife()
    life.at_home([*range(0, 200, 6), *range(210, 400, 6)], None)
    life.add(150, range(18, 25), None)  # a party is none
    photos = [
        number
        for day in range(201, 209)
        for number in life.add(day, (9.0, 10.0, 12.5, 15.0, 17.5, 21.0), None)
    ]
    (trip,) = propose_trips(life.moments)
    assert (trip.kind, trip.home_km) == ("time only", None)
    assert sorted(trip.photos) == photos


def test_a_library_of_one_trip_proposes_it() -> None:
    life = MadeLife()
    photos = stay(life, range(5), LISBON)
    (trip,) = propose_trips(life.moments)
    assert (sorted(trip.photos), trip.home_km) == (photos, None)


def test_impossible_dates_are_left_out() -> None:
    life = home_life()
    photos = stay(life, range(62, 66), LISBON)
    for year, count in ((1904, 3), (1970, 5), (2000, 5), (2107, 4)):
        for index in range(count):
            taken_at = datetime.datetime(year, 1, 1, index)
            life.moments.append(PhotoMoment(10_000 * count + index, taken_at, LISBON, None))
    assert numbers_of(propose_trips(life.moments)) == [photos]


@pytest.mark.parametrize("position", [(float("nan"), 3.0), (91.0, 3.0), (40.0, 200.0)])
def test_impossible_positions_count_as_none(position: tuple[float, float]) -> None:
    life = home_life()
    first, last = stay(life, (62,), LISBON), stay(life, (64,), LISBON)
    wrong = stay(life, (63,), position)
    assert numbers_of(propose_trips(life.moments)) == [sorted(first + wrong + last)]


def test_nothing_and_equal_times_are_fine() -> None:
    assert propose_trips([]) == []
    moment = PhotoMoment(1, START, LISBON, "phone")
    assert propose_trips([replace(moment, number=n) for n in range(1, 500)]) == []


def test_a_night_ends_at_its_pause_and_not_at_midnight() -> None:
    life = home_life()
    life.add(61, NOON, LISBON)
    evening = life.add(62, (19.0, 22.0, 23.9, 24.1, 25.5, 27.0), LISBON)
    morning = life.add(63, (11.0, 12.0), LISBON)
    sunrise = life.add(64, (4.25, 4.5, 9.0), LISBON)
    (trip,) = propose_trips(life.moments)
    days = {day.date: [n for c in day.chapters for n in c.photos] for day in trip.days}
    assert days[date(62)] == evening
    assert days[date(63)] == morning
    assert days[date(64)] == sunrise


def test_chapters_are_cut_by_pauses_and_places() -> None:
    life = home_life()
    life.add(61, NOON, LISBON)
    castle = life.add(62, (9.0, 9.1, 9.3, 9.5), LISBON)
    tram = life.add(62, (10.1, 10.2, 10.3), SINTRA)  # after half an hour, but in another place
    dinner = life.add(62, (20.0, 20.2), SINTRA)
    (trip,) = propose_trips(life.moments)
    assert [list(c.photos) for c in trip.days[1].chapters] == [castle, tram, dinner]
