"""Which stored trips new proposals continue, so that a trip is extended and not made anew."""

from collections.abc import Sequence
from dataclasses import dataclass

from scene_model.trips.proposal import ProposedTrip

# A proposal with more than this share of its photos in trips that a person decided is not new.
_ABSORBED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class StoredTrip:
    """A trip of the library.

    is_decided: whether a person accepted, renamed, edited or hid it; then nothing changes it.
    """

    id: int
    photos: frozenset[int]
    is_decided: bool


@dataclass(frozen=True, slots=True)
class TripMatch:
    """What becomes of a proposal.

    trip_id: the stored trip that it continues; None for a new one. photos: those that the trip is
    to have, by their numbers; of a decided trip they are the ones it has. additions: photos of the
    proposal that a decided trip lacks and that are in no other decided trip; a person may add
    them.
    """

    trip_id: int | None
    proposal: ProposedTrip
    photos: frozenset[int]
    additions: frozenset[int]


@dataclass(frozen=True, slots=True)
class TripMatches:
    """All proposals that are new or continue a trip, and trips that nothing proposes any more.

    ended: the ids of trips that nobody decided and that no proposal continues.
    """

    matches: tuple[TripMatch, ...]
    ended: tuple[int, ...]


def match_trips(stored: Sequence[StoredTrip], proposed: Sequence[ProposedTrip]) -> TripMatches:
    """Return which proposal continues which stored trip: one to one, the largest overlap first.

    Decided trips keep exactly their photos. A proposal that lies mostly in decided trips, hidden
    ones included, and continues none of them is left out; any other loses what they hold.
    The result is in the order of `proposed`; that of `stored` does not matter.
    """
    trips = {trip.id: trip for trip in stored}
    decided_photos = {n for trip in stored if trip.is_decided for n in trip.photos}
    continued = _largest_overlaps(stored, proposed)
    matches = []
    for index, proposal in enumerate(proposed):
        photos = frozenset(proposal.photos)
        free = photos - decided_photos
        trip = trips.get(continued.get(index, -1))
        if trip is not None and trip.is_decided:
            matches.append(TripMatch(trip.id, proposal, trip.photos, free))
        elif free and len(photos) - len(free) <= _ABSORBED_SHARE * len(photos):
            matches.append(TripMatch(trip.id if trip else None, proposal, free, frozenset()))
    kept = {match.trip_id for match in matches}
    ended = tuple(sorted(trip.id for trip in stored if not trip.is_decided and trip.id not in kept))
    return TripMatches(tuple(matches), ended)


def _largest_overlaps(
    stored: Sequence[StoredTrip], proposed: Sequence[ProposedTrip]
) -> dict[int, int]:
    """Return the id of the stored trip for each index of a proposal that continues one."""
    trips_of: dict[int, list[StoredTrip]] = {}
    for trip in stored:
        for number in trip.photos:
            trips_of.setdefault(number, []).append(trip)
    shared: dict[tuple[int, int], int] = {}
    is_decided = {trip.id: trip.is_decided for trip in stored}
    for index, proposal in enumerate(proposed):
        for number in proposal.photos:
            for trip in trips_of.get(number, ()):
                shared[index, trip.id] = shared.get((index, trip.id), 0) + 1
    # Of overlaps as large, decided trips come first, then older ones, then earlier proposals.
    order = sorted(
        shared,
        key=lambda pair: (
            -shared[pair],
            not is_decided[pair[1]],
            pair[1],
            min(proposed[pair[0]].photos),
        ),
    )
    continued: dict[int, int] = {}
    taken: set[int] = set()
    for index, trip_id in order:
        if index not in continued and trip_id not in taken:
            continued[index] = trip_id
            taken.add(trip_id)
    return continued
