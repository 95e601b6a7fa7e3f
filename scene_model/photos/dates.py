"""The date of one photo: what its EXIF, XMP, container and file name say, and how sure that is.

A date is text: ISO 8601 local time, with its UTC offset if known, or only a day.
"""

import datetime
import re
from dataclasses import dataclass, replace
from types import MappingProxyType

from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.video.container import CREATION_DATE, CREATION_TIME


@dataclass(frozen=True)
class SourceOfDate:
    """Where dates come from. word: for people. confidence: of its usual dates, in [0, 1]."""

    word: str
    confidence: float


FILE_NAME, FILE_TIME, FOLDER, VIDEO = "file name", "file time", "folder", "video"
NEIGHBOURS, CLOCK, PERSON, EXIF = "neighbours", "camera clock", "person", "EXIF"
TAKEOUT, ICLOUD = "Takeout", "iCloud"
CHANGED = "DateTime"
# By what the library stores: the EXIF field, or a word.
SOURCES = MappingProxyType(
    {
        "DateTimeOriginal": SourceOfDate(EXIF, 0.95),
        "DateTimeDigitized": SourceOfDate(EXIF, 0.9),
        EXIF: SourceOfDate(EXIF, 0.9),
        "GPSDateTime": SourceOfDate("GPS", 0.85),
        "XMP": SourceOfDate("XMP", 0.85),
        CREATION_DATE: SourceOfDate(VIDEO, 0.95),
        # UTC by the standard, but not with all cameras.
        CREATION_TIME: SourceOfDate(VIDEO, 0.8),
        # When a program last changed the file; cameras write the time taken there too.
        CHANGED: SourceOfDate(EXIF, 0.6),
        FILE_NAME: SourceOfDate(FILE_NAME, 0.9),
        TAKEOUT: SourceOfDate(TAKEOUT, 0.9),
        ICLOUD: SourceOfDate(ICLOUD, 0.9),
        NEIGHBOURS: SourceOfDate(NEIGHBOURS, 0.9),
        CLOCK: SourceOfDate(CLOCK, 0.9),
        FOLDER: SourceOfDate(FOLDER, 0.4),
        FILE_TIME: SourceOfDate(FILE_TIME, 0.3),
        PERSON: SourceOfDate(PERSON, 1.0),
    }
)
# Below it, a date is doubtful.
SURE = 0.5
IMPLAUSIBLE = 0.05
_SENT_CONFIDENCE, _UTC_CONFIDENCE, _UNSURE_NAME_CONFIDENCE = 0.8, 0.85, 0.6
# Where the clocks of cameras start after a change of the battery. No digital camera is as old as
# the first two, so that the days after them count as well.
CAMERA_DEFAULTS = ("1970-01", "1980-01", "2000-01-01")
# Digital cameras before are so rare that the date of a name is more probably something else.
_FIRST_YEAR_WITH_TIME, _FIRST_YEAR = 1995, 1900
# The zones of the earth span 26 hours, so that clocks on two days may mean one moment.
ZONES = datetime.timedelta(hours=26)
# Of time zones.
_OFFSETS = tuple(datetime.timedelta(minutes=15 * number) for number in range(-12 * 4, 14 * 4 + 1))
_TOLERANCE = datetime.timedelta(seconds=10)

_DAY = r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<mark>[-_.]?)(?P<month>\d\d)(?P=mark)(?P<day>\d\d)"
_BETWEEN = r"(?:[-_ T.]|[ _-](?:at|um|à|alle|om|kl\.)[ _-])?"
_TIME = (
    r"(?:(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?:\d{3})?"
    r"|(?P<hour_2>\d\d?)(?P<mark_2>[-_.:])(?P<minute_2>\d\d)(?P=mark_2)(?P<second_2>\d\d)"
    r"(?:(?P=mark_2)\d{1,3})?)(?!\d)(?:[ _\u202f-]?(?P<half>[AaPp])\.?[Mm]\b)?"
)
_MOMENT = re.compile(_DAY + _BETWEEN + _TIME)
_SENT = re.compile(r"(?:IMG|VID|STK)-(?P<year>20\d\d)(?P<month>\d\d)(?P<day>\d\d)-WA\d+", re.I)
_MESSENGERS = ("whatsapp", "signal", "photo_", "telegram")
_ONLY_DAY = re.compile(_DAY + r"(?!\d)")
# Names with the time of another step than taking the photo.
_LATER_STEP = re.compile(
    r"scan|export|download|edit|collage|convert|backup|saved|print|generat", re.IGNORECASE
)
_FOLDER_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])(?!\d|[-_.]\d)")


@dataclass(frozen=True)
class PhotoDate:
    """A date, the source it comes from (a key of `SOURCES`), and how sure it is, in [0, 1]."""

    taken_at: str
    source: str
    confidence: float


@dataclass(frozen=True)
class NameDate:
    """The date in a file name.

    is_sure: the name follows a pattern of cameras, phones or messengers. is_sent: it is the day on
    which a messenger received or sent the photo.
    """

    taken_at: str
    is_sure: bool = True
    is_sent: bool = False

    @property
    def is_utc(self) -> bool:
        """Whether the time is UTC, not local."""
        return self.taken_at.endswith("+00:00")

    @property
    def photo_date(self) -> PhotoDate:
        """The date as one of the photo."""
        confidence = SOURCES[FILE_NAME].confidence
        if not self.is_sure:
            confidence = _UNSURE_NAME_CONFIDENCE
        elif self.is_sent or self.is_utc:
            confidence = _SENT_CONFIDENCE if self.is_sent else _UTC_CONFIDENCE
        return PhotoDate(self.taken_at, FILE_NAME, confidence)


def date_of_photo(
    metadata: PhotoMetadata,
    name: str,
    added_at: str,
    sidecar_date: str | None = None,
    duration_s: float | None = None,
) -> PhotoDate | None:
    """Return the date of a photo by its own data; None where neither EXIF, XMP nor name say one.

    A name counts where its pattern is sure, and EXIF says none, an impossible one, or only when the
    file was changed. added_at: when the photo came into the library; no photo is younger.
    sidecar_date: that of an XMP sidecar; it counts before a name and a change of the file.
    duration_s: of a video.
    """
    metadata = _with_zone_of_name(metadata, name, duration_s or 0.0)
    stated = None if metadata.taken_source == CHANGED else metadata.taken_at
    if sidecar_date and not (stated and is_plausible(stated, added_at)):
        metadata = replace(metadata, taken_at=sidecar_date, taken_source="XMP")
    by_name = date_of_name(name, day_after(added_at[:10]))
    sure_name = by_name if by_name is not None and by_name.is_sure else None
    if metadata.taken_at is None:
        return None if sure_name is None else sure_name.photo_date
    source = metadata.taken_source or EXIF
    confidence = stored_confidence(metadata.taken_at, source, added_at)
    date = PhotoDate(metadata.taken_at, source, confidence)
    if sure_name is None or (confidence >= SURE and source != CHANGED):
        return date
    return sure_name.photo_date if are_far(sure_name, metadata.taken_at) else date


def _with_zone_of_name(metadata: PhotoMetadata, name: str, duration_s: float) -> PhotoMetadata:
    """Return metadata of a video whose UTC time is local time, by the local time in its name.

    The difference of the two is the offset of the time zone; where there is none, the camera wrote
    local time into the container too. Without such a name, or with a difference that is no offset,
    nothing changes.
    """
    if metadata.taken_source != CREATION_TIME or metadata.taken_at is None:
        return metadata
    by_name = date_of_name(name, "9998-12-31")
    is_local = by_name is not None and by_name.is_sure and not (by_name.is_sent or by_name.is_utc)
    if by_name is None or not is_local or "T" not in by_name.taken_at:
        return metadata
    local = local_time(by_name.taken_at)
    # Names have the start of a recording, containers its start or its end.
    least = local - local_time(metadata.taken_at) - _TOLERANCE
    most = least + 2 * _TOLERANCE + datetime.timedelta(seconds=duration_s)
    offsets = [offset for offset in _OFFSETS if least <= offset <= most]
    if not offsets:
        return metadata
    whole_hours = [offset for offset in offsets if not offset % datetime.timedelta(hours=1)]
    likely = whole_hours or offsets
    if len(likely) == 1 and likely[0]:
        local = local.replace(tzinfo=datetime.timezone(likely[0]))
    return replace(metadata, taken_at=local.isoformat(), taken_source=CREATION_DATE)


def stored_confidence(taken_at: str, source: str | None, added_at: str) -> float:
    """Return how sure a date of EXIF or XMP is; None is EXIF without the field's name."""
    if not is_plausible(taken_at, added_at):
        return IMPLAUSIBLE
    return SOURCES.get(source or EXIF, SOURCES[EXIF]).confidence


def is_plausible(taken_at: str, added_at: str) -> bool:
    """Whether a photo can have been taken then: no start of a camera's clock, and not later.

    added_at: when it came into the library, ISO 8601.
    """
    return not taken_at.startswith(CAMERA_DEFAULTS) and taken_at[:10] <= day_after(added_at[:10])


def date_of_name(name: str, latest_day: str) -> NameDate | None:
    """Return the date in a file name; None without one, or for one that cannot be.

    latest_day: ``2026-07-15``; a later date cannot be.
    """
    if _DIGITS.search(name) is None:
        return None
    sent = _SENT.match(name)
    if sent is not None:
        day = _day(sent, latest_day, _FIRST_YEAR_WITH_TIME)
        return None if day is None else NameDate(day, is_sent=True)
    moment = _MOMENT.search(name)
    if moment is not None:
        return _moment_of_name(name, moment, latest_day)
    only_day = _ONLY_DAY.search(name)
    if only_day is None:
        return None
    day = _day(only_day, latest_day, _FIRST_YEAR)
    return None if day is None else NameDate(day, is_sure=False)


_DIGITS = re.compile(r"(?:19|20)\d\d")


def _moment_of_name(name: str, match: re.Match[str], latest_day: str) -> NameDate | None:
    day = _day(match, latest_day, _FIRST_YEAR_WITH_TIME)
    time = _time(match)
    if day is None or time is None:
        return None
    before = name[: match.start()]
    if before.upper().startswith("PXL_"):  # phones of Google write UTC there
        return NameDate(f"{day}T{time}+00:00")
    is_sent = before.lower().startswith(_MESSENGERS)
    return NameDate(f"{day}T{time}", not _LATER_STEP.search(before), is_sent)


def _day(match: re.Match[str], latest_day: str, first_year: int) -> str | None:
    day = f"{match['year']}-{match['month']}-{match['day']}"
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        return None
    if day < f"{first_year}-01-01" or day.startswith(CAMERA_DEFAULTS) or day > latest_day:
        return None
    return day


def _time(match: re.Match[str]) -> str | None:
    parts = [match[part] or match[f"{part}_2"] for part in ("hour", "minute", "second")]
    hour, minute, second = map(int, parts)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def source_word(source: str | None) -> str | None:
    """Return the word for a stored source: ``EXIF`` for one of its fields."""
    entry = SOURCES.get(source or "")
    return source or None if entry is None else entry.word


def day_after(day: str) -> str:
    """Return the next day, which is the latest on which a photo can have been taken."""
    # A photo may be added in another time zone than it was taken in.
    try:
        return (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def are_far(by_name: NameDate, taken_at: str) -> bool:
    """Whether the dates of a name and of EXIF cannot be one moment on two clocks.

    A messenger sends photos also long after they were taken.
    """
    name_time, exif_time = local_time(by_name.taken_at), local_time(taken_at)
    if by_name.is_sent:
        return exif_time - name_time > ZONES
    if len(by_name.taken_at) == len("2024-07-15"):
        return abs(exif_time.date() - name_time.date()) > datetime.timedelta(days=1)
    return abs(exif_time - name_time) > ZONES


def local_time(taken_at: str) -> datetime.datetime:
    """Return a stored date as local time; a day is its midnight."""
    return datetime.datetime.fromisoformat(taken_at).replace(tzinfo=None)


def folder_hint(folder: str) -> str | None:
    """Return the day or month that the last name of a folder says: ``2024-07-15``, ``2024-07``.

    None without one, and where it names several.
    """
    name = re.split(r"[/\\]", folder.rstrip("/\\"))[-1]
    days = [_day(match, "9998-12-31", _FIRST_YEAR) for match in _ONLY_DAY.finditer(name)]
    if days:
        return days[0] if len(days) == 1 else None
    months = _FOLDER_MONTH.findall(name)
    return "-".join(months[0]) if len(months) == 1 else None
