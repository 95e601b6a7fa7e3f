"""Compare proposed trips with the truth: precision and recall of the boundaries."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.trips.life import HOUR, Shot
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import ProposedTrip

HALF_A_DAY_S, HALF_AN_HOUR_S = 12 * HOUR, HOUR // 2
LEVELS = ("trips", "days", "chapters")
# A journey with fewer photos is in nobody's album.
_MIN_PHOTOS = 3

Rule = Callable[[Sequence[PhotoMoment]], list[ProposedTrip]]


@dataclass(slots=True)
class Counts:
    """Boundaries that agree, that were proposed and that are true."""

    agreed: int = 0
    proposed: int = 0
    true: int = 0

    def add(self, proposed: Iterable[int], true: Iterable[int], tolerance_s: int) -> None:
        """Count the boundaries of one life, each of which agrees with one other at most."""
        proposed, true = sorted(proposed), sorted(true)
        self.proposed += len(proposed)
        self.true += len(true)
        first = second = 0
        while first < len(proposed) and second < len(true):
            apart = proposed[first] - true[second]
            if abs(apart) <= tolerance_s:
                self.agreed += 1
            first += apart <= tolerance_s
            second += apart >= -tolerance_s

    @property
    def precision(self) -> float:
        """The share of proposed boundaries that are true."""
        return self.agreed / max(1, self.proposed)

    @property
    def recall(self) -> float:
        """The share of true boundaries that are proposed."""
        return self.agreed / max(1, self.true)


@dataclass(slots=True)
class Score:
    """What one rule got right over several lives, by level.

    counts: boundaries within half a day. exact: within half an hour.
    """

    counts: dict[str, Counts] = field(default_factory=lambda: {k: Counts() for k in LEVELS})
    exact: dict[str, Counts] = field(default_factory=lambda: {k: Counts() for k in LEVELS})
    proposed_trips: int = 0
    true_trips: int = 0

    def add(
        self,
        trips: Sequence[ProposedTrip],
        shots: Sequence[Shot],
        moments: Sequence[PhotoMoment],
    ) -> None:
        """Count one life. shots, moments: those of the photos numbered from 1."""
        has_position = [moment.position is not None for moment in moments]
        true = _true_boundaries(shots, has_position)
        proposed = _proposed_boundaries(trips, shots)
        for level in LEVELS:
            for times, true_times in zip(proposed[level], true[level], strict=True):
                self.counts[level].add(times, true_times, HALF_A_DAY_S)
                self.exact[level].add(times, true_times, HALF_AN_HOUR_S)
        self.proposed_trips += len(trips)
        self.true_trips += len(true["trips"][0])

    @property
    def proposed_per_trip(self) -> float:
        """How many trips are proposed for each true one."""
        return self.proposed_trips / max(1, self.true_trips)


def _proposed_boundaries(
    trips: Sequence[ProposedTrip], shots: Sequence[Shot]
) -> dict[str, tuple[list[int], ...]]:
    """Return starts and ends of trips, and starts of days and chapters, in true seconds."""

    def start(numbers: Sequence[int]) -> int:
        return min(shots[number - 1].second for number in numbers)

    days = [day for trip in trips for day in trip.days]
    chapters = [chapter.photos for day in days for chapter in day.chapters]
    return {
        "trips": (
            [start(trip.photos) for trip in trips],
            [max(shots[number - 1].second for number in trip.photos) for trip in trips],
        ),
        "days": ([start([n for c in day.chapters for n in c.photos]) for day in days],),
        "chapters": ([start(chapter) for chapter in chapters],),
    }


def _true_boundaries(
    shots: Sequence[Shot], has_position: Sequence[bool]
) -> dict[str, tuple[list[int], ...]]:
    """Return starts and ends of trips, and starts of days and chapters, in seconds.

    A day trip without any position is left out: nothing tells it from a busy day at home.
    """
    by_trip: dict[int, list[Shot]] = {}
    placed = set[int]()
    for shot, is_placed in zip(shots, has_position, strict=True):
        if shot.trip >= 0:
            by_trip.setdefault(shot.trip, []).append(shot)
            placed |= {shot.trip} if is_placed else set()
    trips = [
        photos
        for trip, photos in by_trip.items()
        if len(photos) >= _MIN_PHOTOS and (trip in placed or len({shot.day for shot in photos}) > 1)
    ]
    days, chapters = dict[tuple[int, int], int](), dict[int, int]()
    for photos in trips:
        for shot in photos:
            day = (shot.trip, shot.day)
            days[day] = min(days.get(day, shot.second), shot.second)
            chapters[shot.chapter] = min(chapters.get(shot.chapter, shot.second), shot.second)
    return {
        "trips": (
            [min(shot.second for shot in photos) for photos in trips],
            [max(shot.second for shot in photos) for photos in trips],
        ),
        "days": ([*days.values()],),
        "chapters": ([*chapters.values()],),
    }
