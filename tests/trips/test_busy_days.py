"""Trips without positions: days in a row with photos in more hours than usual."""

from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from scene_model.trips.busy_days import busy_runs
from scene_model.trips.moments import DAY_S, HOUR_S

LAST_DAY = 300


def busy_days(
    hours: Mapping[int, int], every: int = 5, usual: int = 1, clear: Iterable[int] = ()
) -> list[list[int]]:
    """Return the days of each trip.

    hours: how many hours of some days have a photo. every, usual: days at home with photos, and in
    how many hours. clear: days whose place is known.
    """
    hours_of_day = dict.fromkeys(range(0, LAST_DAY, every), usual) | dict(hours)
    seconds = np.array(
        [
            day * DAY_S + (9 + hour) * HOUR_S
            for day, count in sorted(hours_of_day.items())
            for hour in range(count)
        ],
        dtype=np.int64,
    )
    is_unclear = ~np.isin(seconds // DAY_S, [*clear])
    runs = busy_runs(seconds, is_unclear, np.zeros(len(seconds), dtype=np.bool_))
    return [np.unique(seconds[run] // DAY_S).tolist() for run in runs]


def test_a_day_with_a_party_is_none() -> None:
    assert busy_days({152: 7}) == []


def test_three_busy_days_are_a_trip() -> None:
    assert busy_days({154: 6, 155: 6, 156: 6}, every=10) == [[154, 155, 156]]


def test_what_is_usual_is_learned() -> None:
    days = dict.fromkeys(range(151, 154), 3)
    # Beside trips of three hours a day, one hour is a day at home.
    assert busy_days(days, every=3) == [[151, 152, 153]]
    assert busy_days(days, every=1, usual=3) == []


@pytest.mark.parametrize(("last_hours", "last_day"), [(2, 155), (6, 157)])
def test_a_day_apart_is_on_the_trip_only_if_it_is_busy(last_hours: int, last_day: int) -> None:
    days = {**dict.fromkeys(range(151, 156), 5), 156: 0, 157: last_hours}
    ((*_, last),) = busy_days(days, every=2)
    assert last == last_day


def test_days_whose_place_is_clear_are_on_no_trip() -> None:
    days = dict.fromkeys(range(152, 157), 6) | dict.fromkeys(range(172, 177), 6)
    assert busy_days(days, every=10) == [[*range(152, 157)], [*range(172, 177)]]
    assert busy_days(days, every=10, clear=range(172, 177)) == [[*range(152, 157)]]


@pytest.mark.parametrize("count", [3, 5, 9])
def test_a_card_with_one_trip_alone_is_a_trip(count: int) -> None:
    hours = dict(zip(range(count), (6, 7, 5, 8, 6, 4, 7, 6, 5), strict=False))
    assert busy_days(hours, every=LAST_DAY, usual=hours[0]) == [[*range(count)]]
