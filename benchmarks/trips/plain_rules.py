"""What others do: a new album after a pause, or after a pause or a distance.

LibrePhotos begins an album after 36 hours without a photo, others after 24 hours or 50 km.
A day ends at midnight, a chapter after an hour without a photo.
"""

import datetime
from collections.abc import Sequence

from scene_model.photos.geo import distance_km
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.proposal import ProposedChapter, ProposedDay, ProposedTrip

_MIN_PHOTOS = 5
_CHAPTER_PAUSE = datetime.timedelta(hours=1)


def after_36_hours(moments: Sequence[PhotoMoment]) -> list[ProposedTrip]:
    """Return an album for all photos between two pauses of 36 hours."""
    return _albums(moments, datetime.timedelta(hours=36), None)


def after_24_hours_or_50_km(moments: Sequence[PhotoMoment]) -> list[ProposedTrip]:
    """Return an album for all photos between two pauses of 24 hours or distances of 50 km."""
    return _albums(moments, datetime.timedelta(hours=24), 50.0)


def _albums(
    moments: Sequence[PhotoMoment], longest_pause: datetime.timedelta, longest_km: float | None
) -> list[ProposedTrip]:
    albums: list[list[PhotoMoment]] = []
    latest: tuple[float, float] | None = None
    for moment in sorted(moments, key=lambda m: (m.taken_at, m.number)):
        is_new = not albums or moment.taken_at - albums[-1][-1].taken_at > longest_pause
        if moment.position is not None:
            if longest_km is not None and latest is not None:
                is_new = is_new or distance_km(*latest, *moment.position) > longest_km
            latest = moment.position
        if is_new:
            albums.append([])
        albums[-1].append(moment)
    return [_trip(album) for album in albums if len(album) >= _MIN_PHOTOS]


def _trip(album: Sequence[PhotoMoment]) -> ProposedTrip:
    days: dict[datetime.date, list[list[PhotoMoment]]] = {}
    for moment in album:
        chapters = days.setdefault(moment.taken_at.date(), [])
        if not chapters or moment.taken_at - chapters[-1][-1].taken_at > _CHAPTER_PAUSE:
            chapters.append([])
        chapters[-1].append(moment)
    return ProposedTrip(
        tuple(
            ProposedDay(
                date,
                tuple(ProposedChapter(tuple(m.number for m in chapter)) for chapter in chapters),
            )
            for date, chapters in days.items()
        ),
        None,
        "time only",
    )
