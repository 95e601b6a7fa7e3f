"""The date of a photo when another program states the moment at which it was taken, in UTC."""

import datetime
import zoneinfo

import tzfpy

from scene_model.photos.dates import (
    IMPLAUSIBLE,
    SOURCES,
    ZONES,
    PhotoDate,
    is_plausible,
    local_time,
)

_TIME_START = len("2024-07-15T")


def date_with_import(
    own: PhotoDate | None,
    taken_utc: str,
    source: str,
    place: tuple[float, float] | None,
    added_at: str,
) -> PhotoDate | None:
    """Return the date of a photo: its own, or that of another program where its own is wrong.

    The own date stays where both can be one moment on two clocks, since it is local time. One that
    is far away does not: the person corrected it in the other program, or the file lost it.
    own: that of the photo's data. taken_utc: ISO 8601, of the other program. source: a key of
    `SOURCES`. place: latitude and longitude in degrees, for the time zone; without one the date
    stays UTC and states that. added_at: when the photo came into the library.
    """
    if not is_plausible(taken_utc, added_at):
        return own
    if (
        own is not None
        and own.confidence > IMPLAUSIBLE
        and _is_same_moment(own.taken_at, taken_utc)
    ):
        return own
    return PhotoDate(_at_place(taken_utc, place), source, SOURCES[source].confidence)


def _is_same_moment(own: str, taken_utc: str) -> bool:
    """Whether an own date with a time can be the moment; a day alone says less than the moment."""
    if len(own) < _TIME_START:
        return False
    return abs(local_time(own) - local_time(taken_utc)) <= ZONES


def _at_place(taken_utc: str, place: tuple[float, float] | None) -> str:
    """Return a moment in the local time of a place, with its offset."""
    moment = datetime.datetime.fromisoformat(taken_utc)
    if place is None:
        return moment.isoformat()
    latitude, longitude = place
    try:
        zone = zoneinfo.ZoneInfo(tzfpy.get_tz(longitude, latitude))
        local = moment.astimezone(zone)
    except (ValueError, OverflowError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return moment.isoformat()
    # Zones of the 19th century are local mean time, with seconds, which dates do not have.
    offset = local.utcoffset() or datetime.timedelta(0)
    return moment.isoformat() if offset.seconds % 60 else local.isoformat()
