"""Proposals continue the trips of the library; decided trips lose no photo to them."""

import datetime
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.assignment import Assignment, StoredTrip, assign
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import (
    ProposedChapter,
    ProposedDay,
    ProposedTrip,
    propose_trips,
)
from tests.trips.lives import LISBON, OFFICE, SINTRA, START, home_life

# A minute between photos.
MINUTES = {n: PhotoMoment(n, START + datetime.timedelta(minutes=n)) for n in range(1, 100)}


def proposal(*photos: int) -> ProposedTrip:
    day = ProposedDay(datetime.date(2024, 7, 1), (ProposedChapter(photos),))
    return ProposedTrip((day,), None, "trip")


def stored(
    trip_id: int, photos: Iterable[int], state: TripState = TripState.PROPOSED
) -> StoredTrip:
    return StoredTrip(trip_id, frozenset(photos), state)


def accepted(trip_id: int, photos: Iterable[int]) -> StoredTrip:
    return stored(trip_id, photos, TripState.ACCEPTED)


def hidden(trip_id: int, photos: Iterable[int]) -> StoredTrip:
    return stored(trip_id, photos, TripState.HIDDEN)


def assigned(
    trips: Sequence[StoredTrip], *proposals: ProposedTrip, placed: Iterable[int] = ()
) -> list[tuple[int | None, set[int]]]:
    """Return the trips and photos of the assignments."""
    assignments = assign(proposals, trips, frozenset(placed), MINUTES)
    return [(assignment.trip_id, {*assignment.photos}) for assignment in assignments]


def test_a_proposal_extends_the_trip_that_it_overlaps_most() -> None:
    trips = [stored(1, [1, 2]), stored(2, [3])]
    assert assigned(trips, proposal(1, 2, 3, 4)) == [(1, {1, 2, 3, 4})]


def test_one_trip_is_continued_by_one_proposal() -> None:
    trips = [stored(1, range(1, 10))]
    assert assigned(trips, proposal(1, 2, 3), proposal(4, 5, 6, 7)) == [
        (None, {1, 2, 3}),
        (1, {4, 5, 6, 7}),
    ]


def test_new_photos_join_an_accepted_trip_however_many_they_are() -> None:
    assert assigned([accepted(1, [1, 2])], proposal(*range(1, 9))) == [(1, {*range(1, 9)})]


def test_new_photos_join_a_hidden_trip_that_has_most_of_the_proposal() -> None:
    assert assigned([hidden(1, range(1, 7))], proposal(*range(1, 11))) == [(1, {*range(1, 11)})]


def test_a_hidden_trip_does_not_hide_a_journey_around_it() -> None:
    trips = [hidden(1, [1, 2, 3])]
    assert assigned(trips, proposal(*range(1, 11))) == [(None, {*range(4, 11)})]
    # Nor when its photos are those of a proposed trip already.
    trips.append(stored(2, range(4, 8)))
    assert assigned(trips, proposal(*range(1, 11))) == [(2, {*range(4, 11)})]


def test_what_lies_mostly_in_decided_trips_is_no_new_trip() -> None:
    trips = [accepted(1, range(1, 11)), accepted(2, range(11, 21))]
    assert assigned(trips, proposal(*range(1, 22))) == [
        (1, {*range(1, 11)}),
        (2, {*range(11, 22)}),
    ]
    # The other half of a split trip.
    assert assigned(trips, proposal(*range(1, 12)), proposal(*range(12, 21), 22)) == [
        (1, {*range(1, 11)}),
        (2, {11}),
        (2, {*range(12, 21), 22}),
    ]
    # One photo more than those of a decided trip that another proposal continues is no trip.
    assert assigned(trips[:1], proposal(*range(1, 6)), proposal(6, 7, 8, 30)) == [
        (1, {*range(1, 6)}),
        (1, {6, 7, 8, 30}),
    ]


def test_a_new_trip_leaves_decided_photos_where_they_are() -> None:
    trips = [accepted(1, [1, 2, 3, 4])]
    assert assigned(trips, proposal(1, 2, 3), proposal(4, 5, 6, 7)) == [
        (1, {1, 2, 3}),
        (None, {5, 6, 7}),
    ]


def test_photos_that_a_person_placed_are_in_no_assignment() -> None:
    assert assigned([], proposal(1, 2, 3), placed=[2]) == [(None, {1, 3})]
    assert assigned([accepted(1, [1])], proposal(1, 2, 3), placed=[2]) == [(1, {1, 3})]
    assert assigned([], proposal(2), placed=[2]) == []


def apply(trips: dict[int, StoredTrip], assignments: Sequence[Assignment]) -> dict[int, StoredTrip]:
    """Return the trips of a library after proposals were assigned to them."""
    after = {key: trip for key, trip in trips.items() if trip.is_decided}
    next_id = max(trips, default=0) + 1
    for assignment in assignments:
        key = assignment.trip_id or next_id
        next_id += assignment.trip_id is None
        photos = after[key].photos if key in after else frozenset()
        state = after[key].state if key in after else TripState.PROPOSED
        after[key] = StoredTrip(key, photos | assignment.photos, state)
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


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(range(len(MOMENTS))),
    cuts=st.lists(st.integers(20, len(MOMENTS) - 1), min_size=1, max_size=3, unique=True),
    data=st.data(),
)
def test_adding_photos_in_any_order_takes_none_out_of_a_decided_trip(
    order: list[int], cuts: list[int], data: st.DataObject
) -> None:
    trips: dict[int, StoredTrip] = {}
    moments = {moment.number: moment for moment in MOMENTS}
    for end in [*sorted(cuts), len(MOMENTS), len(MOMENTS)]:
        added = [MOMENTS[index] for index in order[:end]]
        decided = {key: trip for key, trip in trips.items() if trip.is_decided}
        trips = apply(trips, assign(propose_trips(added), [*trips.values()], (), moments))
        for key, trip in decided.items():
            assert trip.state is trips[key].state and trip.photos <= trips[key].photos
        held = [number for trip in trips.values() for number in trip.photos]
        assert len(held) == len({*held}), "a photo is in two trips"
        if trips:
            chosen = data.draw(st.sampled_from(sorted(trips)))
            state = data.draw(st.sampled_from((TripState.ACCEPTED, TripState.HIDDEN)))
            trips[chosen] = StoredTrip(chosen, trips[chosen].photos, state)
    again = assign(propose_trips(MOMENTS), [*trips.values()], (), moments)
    assert apply(trips, again) == trips, "a run again changes something"
