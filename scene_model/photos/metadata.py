"""Read time, position, camera and lens from EXIF, and the rating from XMP."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from PIL import Image

from scene_model.photos.content_ids import burst_id_of, content_id_of
from scene_model.photos.exposure import exposure_of, subsecond_of
from scene_model.photos.motion import find_film
from scene_model.photos.wrapped import OpenedPicture, WrappedPicture
from scene_model.photos.xmp import burst_id_of_xmp, date_of, rating_of

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_EXPOSURE = ("exposure_s", "exposure_bias", "f_number", "iso", "exposure_mode")
_MAKE, _MODEL, _DATE_TIME, _OFFSET_TIME = 0x010F, 0x0110, 0x0132, 0x9010
_DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL = 0x9003, 0x9011
_DATE_TIME_DIGITIZED, _OFFSET_TIME_DIGITIZED = 0x9004, 0x9012
_LENS_MODEL, _MAKER_NOTE = 0xA434, 0x927C
_GPS_TIME, _GPS_DATE = 7, 0x1D
_GPS_ALTITUDE_REFERENCE, _GPS_ALTITUDE = 5, 6
# Higher than any aeroplane; what is beyond is an error of the receiver.
MAX_ALTITUDE_M = 50_000.0
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")


@dataclass(frozen=True)
class PhotoMetadata:
    """Values of EXIF and XMP, each None when absent.

    taken_at: local time where the photo was taken, ISO 8601, with its UTC offset if recorded.
    taken_source: the EXIF field it came from ("DateTimeOriginal", ...), or "XMP".
    latitude, longitude: degrees, WGS 84, north and east positive. altitude_m: metres above the sea.
    rating: ``xmp:Rating``, from 1 to 5. content_id: what Apple's phones write into the picture and
    the film of one Live Photo. film_start, film_bytes: where the film of a motion photo is in its
    file. burst_id: what Apple's phones and Google's camera write into the photos of one burst.
    subsecond: what `taken_at` lacks, in seconds, from 0 to below 1. exposure_s: the time of the
    exposure in seconds. exposure_bias: the correction of the exposure, in stops. f_number, iso: of
    the exposure. exposure_mode: as EXIF counts: 0 automatic, 1 manual, 2 one of a bracket.
    """

    taken_at: str | None = None
    taken_source: str | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None
    rating: int | None = None
    content_id: str | None = None
    film_start: int | None = None
    film_bytes: int | None = None
    burst_id: str | None = None
    subsecond: float | None = None
    exposure_s: float | None = None
    exposure_bias: float | None = None
    f_number: float | None = None
    iso: int | None = None
    exposure_mode: int | None = None


def read_metadata(picture: OpenedPicture, data: bytes = b"") -> PhotoMetadata:
    """Read EXIF and XMP of an opened picture; broken fields count as absent, never as an error.

    data: the whole file, in which the film of a motion photo is looked for.
    """
    packet = _xmp_packet(picture)
    film = find_film(data, packet)
    metadata = PhotoMetadata(
        rating=_rating(packet),
        film_start=None if film is None else film.start,
        film_bytes=None if film is None else film.bytes,
        burst_id=_burst_id(packet),
    )
    for exif in (*_exifs(picture), Image.Exif()):  # without any, XMP may have the date
        metadata = _filled(metadata, _fields(exif, packet))
    return metadata


def _exifs(picture: OpenedPicture) -> Iterator[Image.Exif]:
    try:
        if isinstance(picture, WrappedPicture):
            yield from picture.exifs()
        else:
            yield picture.getexif()
    except Exception:  # hostile EXIF makes the parser raise any exception
        return


def _filled(metadata: PhotoMetadata, other: PhotoMetadata) -> PhotoMetadata:
    """Fill what is absent; the parts of a time, a place and an exposure stay together."""
    if metadata.taken_at is None:
        metadata = replace(
            metadata,
            taken_at=other.taken_at,
            taken_source=other.taken_source,
            subsecond=other.subsecond,
        )
    if metadata.latitude is None:
        metadata = replace(
            metadata,
            latitude=other.latitude,
            longitude=other.longitude,
            altitude_m=other.altitude_m,
        )
    if all(getattr(metadata, name) is None for name in _EXPOSURE):
        metadata = replace(metadata, **{name: getattr(other, name) for name in _EXPOSURE})
    return replace(
        metadata,
        camera=metadata.camera or other.camera,
        lens=metadata.lens or other.lens,
        content_id=metadata.content_id or other.content_id,
        burst_id=metadata.burst_id or other.burst_id,
    )


def _fields(exif: Image.Exif, packet: bytes | None) -> PhotoMetadata:
    try:
        fields = {tag: exif.get(tag) for tag in (_MAKE, _MODEL, _DATE_TIME)}
        details = exif.get_ifd(_EXIF_IFD)
        gps = exif.get_ifd(_GPS_IFD)
    except Exception:  # as above
        return PhotoMetadata()
    taken_at, taken_source = _taken(fields, details, gps, packet)
    latitude, longitude = _position(gps)
    exposure = exposure_of(details)
    return PhotoMetadata(
        taken_at=taken_at,
        taken_source=taken_source,
        camera=camera_name(printable_text(fields[_MAKE]), printable_text(fields[_MODEL])),
        lens=printable_text(details.get(_LENS_MODEL)),
        latitude=latitude,
        longitude=longitude,
        altitude_m=None if latitude is None else _altitude_m(gps),
        content_id=content_id_of(details.get(_MAKER_NOTE)),
        burst_id=burst_id_of(details.get(_MAKER_NOTE)),
        subsecond=subsecond_of(details) if taken_source == "DateTimeOriginal" else None,
        exposure_s=exposure.seconds,
        exposure_bias=exposure.bias,
        f_number=exposure.f_number,
        iso=exposure.iso,
        exposure_mode=exposure.mode,
    )


def _xmp_packet(picture: OpenedPicture) -> bytes | None:
    try:
        packet = picture.xmp() if isinstance(picture, WrappedPicture) else picture.info.get("xmp")
    except Exception:  # as with EXIF
        return None
    return packet if isinstance(packet, bytes) else None


def _rating(packet: bytes | None) -> int | None:
    try:
        return None if packet is None else rating_of(packet) or None
    except Exception:  # as with EXIF
        return None


def _burst_id(packet: bytes | None) -> str | None:
    try:
        return None if packet is None else burst_id_of_xmp(packet)
    except Exception:  # as with EXIF
        return None


def printable_text(value: Any) -> str | None:
    """Return the printable characters of a field, at most 200; None where there are none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    printable = "".join(c for c in value if c.isprintable()).strip()
    return printable[:200] or None


def camera_name(make: str | None, model: str | None) -> str | None:
    """Join make and model of a camera."""
    if make is None or model is None:
        return model or make
    # "Canon" + "Canon EOS 40D" and "NIKON CORPORATION" + "NIKON D70" need the make only once.
    return model if model.lower().startswith(make.split()[0].lower()) else f"{make} {model}"


def _taken(
    exif: dict[int, Any], details: dict[int, Any], gps: dict[int, Any], packet: bytes | None
) -> tuple[str | None, str | None]:
    """Return the time taken and its source; those that say less about taking come later."""
    original = _exif_time(details.get(_DATE_TIME_ORIGINAL), details.get(_OFFSET_TIME_ORIGINAL))
    if original is not None:
        return original, "DateTimeOriginal"
    digitized = _exif_time(details.get(_DATE_TIME_DIGITIZED), details.get(_OFFSET_TIME_DIGITIZED))
    if digitized is not None:
        return digitized, "DateTimeDigitized"
    for source, taken_at in (
        ("GPSDateTime", _gps_time(gps)),
        ("XMP", _xmp_time(packet)),
        ("DateTime", _exif_time(exif.get(_DATE_TIME), details.get(_OFFSET_TIME))),
    ):
        if taken_at is not None:
            return taken_at, source
    return None, None


def _exif_time(value: Any, offset: Any) -> str | None:
    moment = _parse_exif_time(printable_text(value))
    if moment is None:
        return None
    stated = printable_text(offset)
    return moment.isoformat() + (stated if stated and _OFFSET.fullmatch(stated) else "")


def _gps_time(gps: dict[int, Any]) -> str | None:
    """Return the time of the satellites, which is UTC."""
    try:
        hours, minutes, seconds = (int(part) for part in gps[_GPS_TIME])
        text = f"{printable_text(gps[_GPS_DATE])} {hours:02d}:{minutes:02d}:{seconds:02d}"
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    moment = _parse_exif_time(text)
    return None if moment is None else f"{moment.isoformat()}+00:00"


def _xmp_time(packet: bytes | None) -> str | None:
    return None if packet is None else date_of(packet)


def _parse_exif_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")  # EXIF is local
    except ValueError:
        return None
    return moment if moment.year >= 1826 else None  # the first photograph


def _position(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    latitude = _degrees(gps.get(2), gps.get(1), negative="S", limit=90.0)
    longitude = _degrees(gps.get(4), gps.get(3), negative="W", limit=180.0)
    if latitude is None or longitude is None:
        return None, None
    if latitude == 0.0 and longitude == 0.0:
        return None, None  # written by phones without a GPS fix
    return latitude, longitude


def _altitude_m(gps: dict[int, Any]) -> float | None:
    try:
        metres = float(gps[_GPS_ALTITUDE])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    # Pillow returns the reference as bytes; 1 is below the sea.
    below = gps.get(_GPS_ALTITUDE_REFERENCE) in (1, b"\x01")
    if not 0.0 <= metres <= MAX_ALTITUDE_M:
        return None
    return round(-metres if below else metres, 1)


def _degrees(parts: Any, reference: Any, negative: str, limit: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value) or not 0.0 <= value <= limit:
        return None
    return round(-value if printable_text(reference) == negative else value, 7)
