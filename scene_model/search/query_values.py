"""Values of ``taken:``, ``near:``, ``within:`` and other terms, parsed from text."""

import datetime
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from scene_model.classifier.albums.album_rules import read_span
from scene_model.classifier.vocabulary import fold
from scene_model.errors import QueryError
from scene_model.photos.durations import read_shift
from scene_model.photos.xmp import MAX_RATING

_RELATIVE_DAYS = {"today": 0, "yesterday": 1}
_NUMBER = r"\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*"
_DIGITS = Decimal("0.000001")
_BOX = re.compile(",".join([_NUMBER] * 4), re.ASCII)
_PLACE = re.compile(rf"{_NUMBER},{_NUMBER},{_NUMBER}(km|m)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class DaySpan:
    """A span from the first to the last day, month or year ("2024-07"), both included.

    Days without a year ("12-24") are a yearly span, which may pass New Year. None: an open end.
    """

    first: str | None
    last: str | None

    @property
    def is_yearly(self) -> bool:
        """True if the days have no year."""
        return self.first is not None and len(self.first) == len("12-24")


@dataclass(frozen=True)
class Circle:
    """A circle on the globe. latitude, longitude: degrees, WGS 84."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class Box:
    """An area between two parallels and two meridians, its edges included; degrees, WGS 84.

    Where west is greater than east, the area crosses the date line.
    """

    south: float
    west: float
    north: float
    east: float

    def contains(self, latitude: float, longitude: float) -> bool:
        """Whether a place is in the area."""
        if not self.south <= latitude <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= longitude <= self.east
        return longitude >= self.west or longitude <= self.east

    @property
    def text(self) -> str:
        """South, west, north and east, rounded outwards to 0.1 m: what `read_box` reads."""
        edges = (self.south, self.west, self.north, self.east)
        directions = (ROUND_FLOOR, ROUND_FLOOR, ROUND_CEILING, ROUND_CEILING)
        # The shortest decimal that reads as the same number, so that 38.72 stays 38.72.
        rounded = (
            Decimal(repr(edge)).quantize(_DIGITS, rounding=direction) + 0
            for edge, direction in zip(edges, directions, strict=True)
        )
        return ",".join(f"{edge.normalize():f}" for edge in rounded)

    @property
    def query(self) -> str:
        """The term that finds the photos taken here."""
        return f"within:{self.text}"


def read_days(text: str, today: datetime.date, position: int = 0) -> DaySpan:
    """Parse a day, month or year, or a span A..B, A.. or ..B; raises QueryError.

    ``today`` and ``yesterday`` are days too.
    """
    ends = [_absolute(part.strip(), today) for part in text.split("..")]
    if len(ends) > 2 or not any(ends):
        raise _no_date(text, position)
    try:
        spans = [read_span(end) if end else None for end in ends]
    except ValueError as error:
        raise _no_date(text, position) from error
    days = DaySpan(
        None if spans[0] is None else spans[0][0], None if spans[-1] is None else spans[-1][1]
    )
    if not all(ends) and any(len(end) == len("12-24") for end in ends):
        raise _no_date(text, position)  # a yearly span has no open end
    if all(ends):
        try:
            read_span("..".join(ends))
        except ValueError as error:
            raise QueryError(
                f"{text!r} is not a valid span of days: it ends before it begins, or only one end "
                "has a year.",
                position,
            ) from error
    return days


def read_circle(text: str, position: int = 0) -> Circle:
    """Parse ``38.72,-9.14,10km`` (or metres: ``500m``); raises QueryError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise QueryError(
            f"{text!r} is not a circle. Write latitude, longitude and distance in km or m, without "
            "spaces: near:38.72,-9.14,10km.",
            position,
        )
    latitude, longitude, distance = (float(match[number]) for number in (1, 2, 3))
    if not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 180.0):
        raise QueryError(
            f"{text!r} is out of range: latitude comes first and is from -90 to 90, longitude from "
            "-180 to 180.",
            position,
        )
    if not 0.0 < distance < float("inf"):
        raise QueryError(f"The distance in {text!r} must be finite and greater than 0.", position)
    return Circle(latitude, longitude, distance / (1000.0 if match[4].lower() == "m" else 1.0))


def read_box(text: str, position: int = 0) -> Box:
    """Parse ``38.6,-9.3,38.8,-9.0``: south, west, north and east; raises QueryError."""
    match = _BOX.fullmatch(text)
    if match is None:
        raise QueryError(
            f"{text!r} is not an area. Write its south, west, north and east in degrees, without "
            "spaces: within:38.6,-9.3,38.8,-9.0.",
            position,
        )
    box = Box(*map(float, match.groups()))
    for latitude in (box.south, box.north):
        if not -90.0 <= latitude <= 90.0:
            raise QueryError(
                f"{latitude:g} in {text!r} is no latitude. South, the first number, and north, the "
                "third, are from -90 to 90.",
                position,
            )
    for longitude in (box.west, box.east):
        if not -180.0 <= longitude <= 180.0:
            raise QueryError(
                f"{longitude:g} in {text!r} is no longitude. West, the second number, and east, "
                "the fourth, are from -180 to 180.",
                position,
            )
    if box.south > box.north:
        raise QueryError(
            f"In {text!r} south ({box.south:g}) is greater than north ({box.north:g}). The order "
            "is south, west, north, east.",
            position,
        )
    return box


def read_stars(text: str, position: int = 0) -> int:
    """Parse a rating, a whole number from 0 to 5; raises QueryError."""
    if re.fullmatch(rf"[0-{MAX_RATING}]", text) is None:
        raise QueryError(
            f"A rating is a whole number from 0 (none) to {MAX_RATING}, not {text!r}. Write "
            "rating:5 or rating>=4.",
            position,
        )
    return int(text)


def read_duration(text: str, position: int = 0) -> float:
    """Parse ``30s``, ``5m``, ``1h30m`` or seconds without a unit; raises QueryError."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?s?", text, re.IGNORECASE | re.ASCII):
        return float(text.rstrip("sS"))
    seconds = read_shift(text)
    if seconds is None:
        raise QueryError(
            f"{text!r} is not a duration. Write duration>30s, duration<5m or duration>=1h30m.",
            position,
        )
    return float(seconds)


def _absolute(text: str, today: datetime.date) -> str:
    days_ago = _RELATIVE_DAYS.get(fold(text))
    if days_ago is None:
        return text
    return (today - datetime.timedelta(days_ago)).isoformat()


def _no_date(text: str, position: int) -> QueryError:
    return QueryError(
        f"{text!r} is not a date. Write 2024-07-15, 2024-07, 2024, today, yesterday, a day of any "
        "year like 12-24, or a span A..B.",
        position,
    )
