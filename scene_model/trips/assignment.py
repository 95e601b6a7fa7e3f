"""Which trip of the library each proposal is, so that decisions of people stay as they are.

A trip that a person accepted, edited or hid keeps its photos; new photos of its days extend it.
A trip that is only proposed follows the proposals.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scene_model.trips.matching import StoredTrip, match_trips
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import ProposedTrip


@dataclass(frozen=True)
class Assignment:
    """The photos that become part of a trip.

    trip_id: None for a new one. photos: by their numbers; of a trip that a person decided about,
    those it has stay, too.
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
    """Return the trips that proposals are, in their order; a decided trip may be in several.

    placed: photos that a person put into a trip or took out of one. moments: of all photos.
    """
    decided_trip = {n: trip.id for trip in stored if trip.is_decided for n in trip.photos}
    decided_ids = {trip.id for trip in stored if trip.is_decided}
    by_person = frozenset(placed)
    by_proposal = {id(match.proposal): match for match in match_trips(stored, proposals).matches}
    assignments: list[Assignment] = []
    for proposal in proposals:
        match = by_proposal.get(id(proposal))
        if match is None or match.trip_id in decided_ids:
            photos = frozenset(proposal.photos) - by_person
            assignments += _extended(proposal, photos, decided_trip, moments)
        elif match.photos - by_person:
            assignments.append(Assignment(match.trip_id, proposal, match.photos - by_person))
    return assignments


def _extended(
    proposal: ProposedTrip,
    photos: frozenset[int],
    decided_trip: Mapping[int, int],
    moments: Mapping[int, PhotoMoment],
) -> list[Assignment]:
    """Return the trips of people's decisions that a proposal extends, each with its photos.

    Photos that are in none yet go to the one whose photos are nearest in time.
    """
    in_trip: dict[int, set[int]] = defaultdict(set)
    for number in photos & decided_trip.keys():
        in_trip[decided_trip[number]].add(number)
    if not in_trip:
        return []
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
