"""When and where photos were taken: what trips are proposed from, as arrays in order of time."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scene_model.photos.dates import CAMERA_DEFAULTS
from scene_model.photos.geo import EARTH_RADIUS_KM

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

HOUR_S, DAY_S = 3600, 86_400
# A day ends at the night's gap, not at midnight: people are asleep at half past four.
NIGHT_S = 4 * HOUR_S + HOUR_S // 2
# Photos of earlier years are scans: their dates are set by hand, at best to the day.
_FIRST_YEAR, _LAST_YEAR = 1995, 2100
# Devices without a fix write 0, 0: a place in the Gulf of Guinea.
_NULL_ISLAND_DEGREES = 0.01
_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class PhotoMoment:
    """When and where a photo was taken.

    number: that of its row. taken_at: without a zone, as the camera wrote it.
    position: latitude and longitude in degrees; None without GPS. camera: None where unknown.
    """

    number: int
    taken_at: datetime.datetime
    position: tuple[float, float] | None = None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """Photos in order of time. All arrays have the shape (photos,).

    seconds: since 1970 by the clock of the camera. latitudes, longitudes: in degrees, NaN without
    a position. cameras: a number for each camera.
    """

    numbers: IntArray
    seconds: IntArray
    latitudes: FloatArray
    longitudes: FloatArray
    cameras: IntArray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def has_position(self) -> BoolArray:
        """Which photos have a position."""
        return ~np.isnan(self.latitudes)

    @property
    def days(self) -> IntArray:
        """The day of each photo, as days since 1970 that end at half past four at night."""
        return (self.seconds - NIGHT_S) // DAY_S

    def part(self, chosen: IntArray | BoolArray) -> "Track":
        """Return some of the photos, in the order of `chosen`."""
        return Track(
            self.numbers[chosen],
            self.seconds[chosen],
            self.latitudes[chosen],
            self.longitudes[chosen],
            self.cameras[chosen],
        )

    def at(self, seconds: IntArray) -> "Track":
        """Return the photos with other times, in order of these."""
        moved = Track(self.numbers, seconds, self.latitudes, self.longitudes, self.cameras)
        return moved.part(np.lexsort((self.numbers, seconds)))


def track_of(moments: Sequence[PhotoMoment]) -> Track:
    """Return the photos with a plausible time in order of time, in whatever order they come."""
    usable = [moment for moment in moments if _is_plausible(moment.taken_at)]
    names = {name: code for code, name in enumerate(sorted({m.camera or "" for m in usable}))}
    places = np.array([_usable_position(moment.position) for moment in usable], dtype=np.float64)
    places = places.reshape(len(usable), 2)
    track = Track(
        np.array([moment.number for moment in usable], dtype=np.int64),
        np.array([_seconds(moment.taken_at) for moment in usable], dtype=np.int64),
        places[:, 0],
        places[:, 1],
        np.array([names[moment.camera or ""] for moment in usable], dtype=np.int64),
    )
    return track.at(track.seconds)


def date_of(day: int) -> datetime.date:
    """Return the date of a number of days since 1970."""
    return _EPOCH.date() + datetime.timedelta(days=day)


def distances_km(
    latitudes: FloatArray | float,
    longitudes: FloatArray | float,
    other_latitudes: FloatArray | float,
    other_longitudes: FloatArray | float,
) -> FloatArray:
    """Return great-circle distances of points in degrees, by the haversine formula.

    NaN where a position is missing.
    """
    first, second = np.radians(latitudes), np.radians(other_latitudes)
    across = np.radians(np.subtract(longitudes, other_longitudes))
    h = np.sin((first - second) / 2) ** 2 + np.cos(first) * np.cos(second) * np.sin(across / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, h))))


def _is_plausible(taken_at: datetime.datetime) -> bool:
    if not _FIRST_YEAR <= taken_at.year <= _LAST_YEAR:
        return False
    # Where clocks start after a change of the battery.
    is_new_year = taken_at.month == 1 and taken_at.day == 1
    return not (is_new_year and taken_at.date().isoformat().startswith(CAMERA_DEFAULTS))


def _seconds(taken_at: datetime.datetime) -> int:
    since = taken_at.replace(tzinfo=None) - _EPOCH
    return since.days * DAY_S + since.seconds


def _usable_position(position: tuple[float, float] | None) -> tuple[float, float]:
    nowhere = (float("nan"), float("nan"))
    if position is None:
        return nowhere
    latitude, longitude = position
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return nowhere
    is_null = abs(latitude) < _NULL_ISLAND_DEGREES and abs(longitude) < _NULL_ISLAND_DEGREES
    return nowhere if is_null else (latitude, longitude)
