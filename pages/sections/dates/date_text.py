"""Dates and where they come from, as they stand on the pages."""

from scene_model.library.records import PhotoRecord
from scene_model.photos.dates import (
    CLOCK,
    FILE_NAME,
    FILE_TIME,
    FOLDER,
    ICLOUD,
    NEIGHBOURS,
    PERSON,
    TAKEOUT,
)
from scene_model.photos.video.container import CREATION_DATE, CREATION_TIME

NO_DATE = "no date"
_SOURCES = {
    FILE_NAME: "the file name",
    NEIGHBOURS: "the photos taken before and after",
    CLOCK: "the corrected clock of the camera",
    FOLDER: "the name of the folder",
    FILE_TIME: "the time of the file",
    PERSON: "you",
    TAKEOUT: "Google Takeout",
    ICLOUD: "the iCloud export",
    "GPSDateTime": "the GPS time in the photo, which is UTC",
    "XMP": "the XMP data in the photo",
    CREATION_DATE: "the video, which says when it was taken",
    CREATION_TIME: "the video, whose time is UTC",
    "DateTime": "the EXIF data: when the file was changed last",
    "DateTimeDigitized": "the EXIF data: when it was digitised",
    "DateTimeOriginal": "the EXIF data: when it was taken",
}


def date_text(taken_at: str | None) -> str:
    """Return a date as text: ``2024-07-15 12:30:05``; of a day, without a time."""
    return taken_at.replace("T", " ") if taken_at else NO_DATE


def source_text(source: str | None) -> str:
    """Return where a date comes from, as the end of a sentence."""
    return _SOURCES.get(source or "", "the EXIF data")


def sureness_text(confidence: float | None) -> str:
    """Return how sure a date is, in words and percent."""
    share = confidence or 0.0
    word = "sure" if share >= 0.8 else "probable" if share >= 0.5 else "doubtful"
    return f"{word}, {share:.0%}"


def date_source_text(photo: PhotoRecord) -> str:
    """Say where the date of a photo comes from and how sure it is, as plain text."""
    if photo.taken_at is None:
        return "You removed the date." if photo.is_date_decided else "The date is not known."
    if photo.taken_source == PERSON:
        return "Set by you."
    return f"From {source_text(photo.taken_source)} ({sureness_text(photo.taken_confidence)})."
