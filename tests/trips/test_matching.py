"""Trips that stand are continued, and those that a person decided never change."""

import datetime
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.trips.matching import StoredTrip, TripMatches, match_trips
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import (
    ProposedChapter,
    ProposedDay,
    ProposedTrip,
    propose_trips,
)
from tests.trips.lives import LISBON, OFFICE, SINTRA, home_life


def proposal(*photos: int) -> ProposedTrip:
    day = ProposedDay(datetime.date(2024, 7, 1), (ProposedChapter(photos),))
    return ProposedTrip((day,), None, "trip")


def stored(trip_id: int, photos: Iterable[int], is_decided: bool = False) -> StoredTrip:
    return StoredTrip(trip_id, frozenset(photos), is_decided)


def test_a_proposal_extends_the_trip_that_it_overlaps_most() -> None:
    matches = match_trips([stored(1, [1, 2]), stored(2, [3])], [proposal(1, 2, 3, 4)])
    (match,) = matches.matches
    assert (match.trip_id, match.photos) == (1, frozenset({1, 2, 3, 4}))
    assert matches.ended == (2,)


def test_one_trip_is_continued_by_one_proposal() -> None:
    matches = match_trips([stored(1, range(1, 10))], [proposal(1, 2, 3), proposal(4, 5, 6, 7)])
    assert [match.trip_id for match in matches.matches] == [None, 1]


def test_a_decided_trip_keeps_its_photos_and_is_offered_new_ones() -> None:
    matches = match_trips([stored(1, [1, 2, 3], is_decided=True)], [proposal(2, 3, 4)])
    (match,) = matches.matches
    assert (match.trip_id, match.photos, match.additions) == (
        1,
        frozenset({1, 2, 3}),
        frozenset({4}),
    )


def test_what_lies_mostly_in_decided_trips_is_no_new_trip() -> None:
    decided = [stored(1, range(1, 11), True), stored(2, range(11, 21), True)]
    (match,) = match_trips(decided, [proposal(*range(1, 21), 21)]).matches
    assert (match.trip_id, match.additions) == (1, frozenset({21}))
    # The other half of a split is absorbed.
    matches = match_trips(decided, [proposal(*range(1, 12)), proposal(*range(12, 21), 22)])
    assert [match.trip_id for match in matches.matches] == [1, 2]
    # One photo more than those of a decided trip that another proposal continues is no trip.
    (match,) = match_trips(decided[:1], [proposal(*range(1, 6)), proposal(6, 7, 8, 30)]).matches
    assert match.photos == decided[0].photos


def test_a_new_trip_leaves_decided_photos_where_they_are() -> None:
    decided = [stored(1, [1, 2, 3, 4], is_decided=True)]
    matches = match_trips(decided, [proposal(1, 2, 3), proposal(4, 5, 6, 7)])
    assert [(m.trip_id, m.photos) for m in matches.matches] == [
        (1, frozenset({1, 2, 3, 4})),
        (None, frozenset({5, 6, 7})),
    ]


def test_an_undecided_trip_without_a_proposal_ends_and_a_decided_one_stays() -> None:
    matches = match_trips([stored(1, [1]), stored(2, [2], is_decided=True)], [])
    assert matches == TripMatches((), (1,))


def apply(trips: dict[int, StoredTrip], matches: TripMatches) -> dict[int, StoredTrip]:
    """Return the trips that a library holds after a run."""
    after = {key: trip for key, trip in trips.items() if key not in matches.ended}
    for match in matches.matches:
        trip = trips.get(match.trip_id or 0)
        key = match.trip_id or max(after, default=0) + max(trips, default=0) + 1
        after[key] = StoredTrip(key, match.photos, trip is not None and trip.is_decided)
    return after


def photos_of_a_year() -> list[PhotoMoment]:
    life = home_life(365)
    for start, length, place in (
        (60, 5, LISBON),
        (75, 2, SINTRA),
        (150, 1, OFFICE),
        (240, 9, LISBON),
    ):
        for day in range(start, start + length):
            life.add(day, (9.5, 11.0, 15.0, 16.0), place)
            life.add(day, (11.1, 19.0), None, "camera")
    return life.moments


MOMENTS = photos_of_a_year()


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(range(len(MOMENTS))),
    cuts=st.lists(st.integers(20, len(MOMENTS) - 1), min_size=1, max_size=3, unique=True),
    data=st.data(),
)
def test_adding_photos_in_any_order_changes_no_decided_trip(
    order: list[int], cuts: list[int], data: st.DataObject
) -> None:
    trips: dict[int, StoredTrip] = {}
    for end in [*sorted(cuts), len(MOMENTS), len(MOMENTS)]:
        added = [MOMENTS[index] for index in order[:end]]
        decided = {key: trip for key, trip in trips.items() if trip.is_decided}
        matches = match_trips([*trips.values()], propose_trips(added))
        trips = apply(trips, matches)
        assert {key: trips.get(key) for key in decided} == decided
        held = [number for trip in trips.values() for number in trip.photos]
        assert len(held) == len({*held}), "a photo is in two trips"
        if trips:
            accepted = data.draw(st.sampled_from(sorted(trips)))
            trips[accepted] = StoredTrip(accepted, trips[accepted].photos, True)
    again = match_trips([*trips.values()], propose_trips(MOMENTS))
    assert apply(trips, again) == trips, "a run again changes something"
