"""Date, place and camera of a video, as its container states them."""

import math
import re
from collections.abc import Mapping
from datetime import datetime

from scene_model.photos.content_ids import content_id_of_film
from scene_model.photos.metadata import (
    MAX_ALTITUDE_M,
    PhotoMetadata,
    camera_name,
    printable_text,
)

# The sources of a date, keys of `photos.dates.SOURCES`. The first is local time with its offset;
# the second is UTC by the standard, and local time with many cameras.
CREATION_DATE, CREATION_TIME = "CreationDate", "CreationTime"
_APPLE = "com.apple.quicktime."
# QuickTime counts from 1904; clocks without a battery begin there or at 1970.
_FIRST_YEAR = 1990
# ISO 6709: +38.7200-009.1400+012.345/ in degrees, or in degrees and minutes, and seconds.
_PLACE = re.compile(r"([+-])(\d{2,6}(?:\.\d+)?)([+-])(\d{3,7}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
_OFFSET = re.compile(r"([+-]\d\d):?(\d\d)$")
# Cameras that write the time of their clock, which has no zone, where UTC belongs. Of the others,
# phones above all, the time is UTC.
_LOCAL_MAKERS = re.compile(
    r"\b(canon|nikon|sony|gopro|panasonic|lumix|olympus|om digital|fujifilm|pentax|ricoh|casio|"
    r"kodak|samsung techwin|leica|dji|garmin|hero\d)",
    re.IGNORECASE,
)


def video_metadata(container_tags: Mapping[str, str]) -> PhotoMetadata:
    """Return what a container says; what cannot be read counts as absent, never as an error."""
    tags = {key.lower(): value for key, value in container_tags.items()}
    make, model = (
        printable_text(tags.get(f"{_APPLE}{key}") or tags.get(key)) for key in ("make", "model")
    )
    camera = camera_name(make, model)
    taken_at, source = _taken(tags, camera)
    place = tags.get(f"{_APPLE}location.iso6709") or tags.get("location")
    latitude, longitude, altitude_m = _position(place or "")
    return PhotoMetadata(
        taken_at=taken_at,
        taken_source=source,
        camera=camera,
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude_m,
        content_id=content_id_of_film(tags),
    )


def _taken(tags: Mapping[str, str], camera: str | None) -> tuple[str | None, str | None]:
    for key in (f"{_APPLE}creationdate", "date_recorded"):
        moment = _moment(tags.get(key, ""))
        if moment is not None:
            return moment.isoformat(timespec="seconds"), CREATION_DATE
    moment = _moment(tags.get("creation_time", ""))
    if moment is None:
        return None, None
    is_local = camera is not None and _LOCAL_MAKERS.search(camera) is not None
    local = moment.replace(tzinfo=None, microsecond=0).isoformat()
    return (local if is_local else f"{local}+00:00"), CREATION_TIME


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text.strip()))
    except ValueError:
        return None
    return moment if moment.year >= _FIRST_YEAR and len(text) > len("2024-07-15") else None


def _position(text: str) -> tuple[float | None, float | None, float | None]:
    match = _PLACE.match(text.strip())
    if match is None:
        return None, None, None
    latitude = _degrees(match[1], match[2], 2)
    longitude = _degrees(match[3], match[4], 3)
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or latitude == longitude == 0.0:
        return None, None, None  # zeros are written without a GPS fix
    altitude_m = float(match[5] or "nan")
    return latitude, longitude, altitude_m if abs(altitude_m) <= MAX_ALTITUDE_M else None


def _degrees(sign: str, digits: str, degree_digits: int) -> float:
    """Read degrees, or degrees and minutes (and seconds), by the number of digits."""
    whole = digits.partition(".")[0]
    value = float(digits[:degree_digits] if len(whole) > degree_digits else digits)
    if len(whole) > degree_digits:
        in_minutes = digits[degree_digits:]
        has_seconds = len(whole) - degree_digits == 4
        minutes = (
            float(in_minutes[:2]) + float(in_minutes[2:]) / 60 if has_seconds else float(in_minutes)
        )
        value += minutes / 60
    return round(math.copysign(value, -1.0 if sign == "-" else 1.0), 7)
