"""Which trip of the library each proposal continues, so that decisions of people stay as they are.

A trip that a person accepted, edited or hid is decided: it loses no photo to a proposal, and new
photos of its days join it. A trip that is only proposed follows the proposals.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import ProposedTrip

# A proposal with more than this share of its photos in decided trips is no trip of its own.
_DECIDED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class StoredTrip:
    """A trip of the library. photos: by their numbers, without those that a person put there."""

    id: int
    photos: frozenset[int]
    state: TripState

    @property
    def is_decided(self) -> bool:
        """Whether a person accepted, edited or hid it."""
        return self.state is not TripState.PROPOSED


@dataclass(frozen=True)
class Assignment:
    """Photos of a proposal, by their numbers, that become part of a trip.

    trip_id: None for a new trip. A proposed trip then has no other photos; a decided one keeps
    those it has.
    """

    trip_id: int | None
    proposal: ProposedTrip
    photos: frozenset[int]


def assign(
    proposals: Sequence[ProposedTrip],
    stored: Sequence[StoredTrip],
    placed: Collection[int],
    moments: Mapping[int, PhotoMoment],
) -> list[Assignment]:
    """Return which photos become part of which trip, in the order of the proposals.

    A proposal that continues an accepted trip, or lies mostly in decided ones, extends them: all
    that it has photos in. Any other is a proposed trip without the photos of decided trips. A
    hidden trip is never continued for a few photos: it would hide a long journey.
    placed: photos that a person put into a trip or took out of one. moments: of all photos.
    """
    by_person = frozenset(placed)
    decided = {trip.id: trip for trip in stored if trip.is_decided}
    decided_trip = {n: trip.id for trip in decided.values() for n in trip.photos}
    shown = [trip for trip in stored if trip.state is not TripState.HIDDEN]
    continued = _continued_trips(proposals, shown)
    assignments: list[Assignment] = []
    for index, proposal in enumerate(proposals):
        photos = frozenset(proposal.photos)
        free = photos - decided_trip.keys()
        trip_id = continued.get(index)
        is_decided = len(photos) - len(free) > _DECIDED_SHARE * len(photos)
        if is_decided or trip_id in decided:
            assignments += _extended(proposal, photos - by_person, decided_trip, moments)
        elif free - by_person:
            assignments.append(Assignment(trip_id, proposal, free - by_person))
    return assignments


def _continued_trips(
    proposals: Sequence[ProposedTrip], trips: Sequence[StoredTrip]
) -> dict[int, int]:
    """Return the id of the trip that each proposal continues, by the index of the proposal.

    One to one, those that share most photos first.
    """
    trip_of = {number: trip for trip in trips for number in trip.photos}
    shared = Counter(
        (index, trip_of[number].id, not trip_of[number].is_decided)
        for index, proposal in enumerate(proposals)
        for number in proposal.photos
        if number in trip_of
    )
    # Of overlaps as large, decided trips come first, then older ones, then earlier proposals.
    order = sorted(
        shared,
        key=lambda pair: (-shared[pair], pair[2], pair[1], min(proposals[pair[0]].photos)),
    )
    continued: dict[int, int] = {}
    taken: set[int] = set()
    for index, trip_id, _ in order:
        if index not in continued and trip_id not in taken:
            continued[index] = trip_id
            taken.add(trip_id)
    return continued


def _extended(
    proposal: ProposedTrip,
    photos: frozenset[int],
    decided_trip: Mapping[int, int],
    moments: Mapping[int, PhotoMoment],
) -> list[Assignment]:
    """Return the decided trips that a proposal extends, each with its photos.

    Photos that are in none yet go to the trip whose photos are nearest in time.
    """
    in_trip: dict[int, set[int]] = defaultdict(set)
    for number in photos & decided_trip.keys():
        in_trip[decided_trip[number]].add(number)
    spans = {
        trip_id: _span([moments[number].taken_at for number in numbers])
        for trip_id, numbers in in_trip.items()
    }
    for number in photos - decided_trip.keys():
        taken_at = moments[number].taken_at
        nearest = min(spans, key=lambda trip_id: (_distance(taken_at, spans[trip_id]), trip_id))
        in_trip[nearest].add(number)
    return [
        Assignment(trip_id, proposal, frozenset(in_trip[trip_id])) for trip_id in sorted(in_trip)
    ]


def _span(times: Sequence[datetime]) -> tuple[datetime, datetime]:
    return min(times), max(times)


def _distance(time: datetime, span: tuple[datetime, datetime]) -> float:
    first, last = span
    return max((first - time).total_seconds(), (time - last).total_seconds(), 0.0)
