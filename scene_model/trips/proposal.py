"""Propose trips, their days and chapters from the times and places of photos."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scene_model.trips.away import Whereabouts, away_runs, find_whereabouts
from scene_model.trips.busy_days import busy_runs
from scene_model.trips.chapters import chapter_starts
from scene_model.trips.clocks import corrected_seconds
from scene_model.trips.days import day_numbers
from scene_model.trips.moments import IntArray, PhotoMoment, Track, date_of, track_of
from scene_model.trips.neighbours import AWAY, UNCLEAR

TripKind = Literal["trip", "day trip", "time only"]
# Fewer photos are no trip: a stop on the way, a photo from a train.
_MIN_PHOTOS, _MIN_TIME_ONLY_PHOTOS = 3, 10
# Photos without positions join a trip beside them if at most so many empty days lie between.
_JOIN_EMPTY_DAYS = 1


@dataclass(frozen=True, slots=True)
class ProposedChapter:
    """Photos that belong together within a day, by their numbers, in order of time."""

    photos: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProposedDay:
    """One day of a trip."""

    date: datetime.date
    chapters: tuple[ProposedChapter, ...]


@dataclass(frozen=True, slots=True)
class ProposedTrip:
    """A trip as days. home_km: how far from home it was; None where that is unknown."""

    days: tuple[ProposedDay, ...]
    home_km: float | None
    kind: TripKind

    @property
    def photos(self) -> tuple[int, ...]:
        """The numbers of all its photos, in order of time."""
        return tuple(n for day in self.days for chapter in day.chapters for n in chapter.photos)

    @property
    def start(self) -> datetime.date:
        """Its first day."""
        return self.days[0].date

    @property
    def end(self) -> datetime.date:
        """Its last day."""
        return self.days[-1].date


def propose_trips(moments: Sequence[PhotoMoment]) -> list[ProposedTrip]:
    """Return the trips among photos, in order of time; the order of `moments` does not matter.

    Photos that are in no trip are left out, as are those with an impossible date.
    """
    track = track_of(moments)
    if not len(track):
        return []
    track = track.at(corrected_seconds(track))
    whereabouts = find_whereabouts(track)
    runs = away_runs(track, whereabouts)
    is_unclear = whereabouts.states == UNCLEAR
    is_away = whereabouts.states == AWAY
    runs = _joined(track, runs, busy_runs(track.seconds, is_unclear, is_away))
    trips = [trip for run in runs for trip in _trips_of(track, whereabouts, run)]
    return sorted(trips, key=lambda trip: (trip.start, trip.photos))


def _joined(track: Track, away: list[IntArray], busy: list[IntArray]) -> list[IntArray]:
    """Return the runs, of which those without positions are joined to those beside them."""
    days = track.days
    runs = sorted(away + busy, key=lambda run: int(run[0]))
    has_position = {id(run) for run in away}
    joined: list[IntArray] = []
    is_placed = False
    for run in runs:
        is_near = bool(joined) and days[run[0]] - days[joined[-1][-1]] <= _JOIN_EMPTY_DAYS + 1
        if is_near and not (is_placed and id(run) in has_position):
            joined[-1] = np.sort(np.concatenate((joined[-1], run)))
            is_placed = is_placed or id(run) in has_position
        else:
            joined.append(run)
            is_placed = id(run) in has_position
    return joined


def _trips_of(track: Track, whereabouts: Whereabouts, run: IntArray) -> Iterator[ProposedTrip]:
    """Yield the trip of photos; nothing where they are too few."""
    part = track.part(run)
    numbers = day_numbers(part.seconds)
    is_placed = whereabouts.is_grounded[run]
    home_km = whereabouts.home_km[run]
    is_time_only = not (is_placed & np.isfinite(home_km)).any()
    is_one_day = numbers[0] == numbers[-1]
    if is_time_only:
        is_trip = not is_one_day and len(run) >= _MIN_TIME_ONLY_PHOTOS
    else:
        is_trip = len(run) >= _MIN_PHOTOS
    if not is_trip:
        return
    kind: TripKind = "time only" if is_time_only else "day trip" if is_one_day else "trip"
    places = (
        np.where(is_placed, part.latitudes, np.nan),
        np.where(is_placed, part.longitudes, np.nan),
    )
    days = []
    farthest = None
    for positions in np.split(np.arange(len(run)), np.flatnonzero(np.diff(numbers)) + 1):
        starts = chapter_starts(part.seconds[positions], places[0][positions], places[1][positions])
        photos = np.split(part.numbers[positions], np.flatnonzero(starts)[1:])
        chapters = tuple(ProposedChapter(tuple(map(int, chapter))) for chapter in photos)
        days.append(ProposedDay(date_of(int(numbers[positions[0]])), chapters))
        km = home_km[positions][is_placed[positions]]
        if np.isfinite(km).any():
            farthest = max(farthest or 0.0, float(np.nanmedian(km)))
    yield ProposedTrip(tuple(days), farthest, kind)
