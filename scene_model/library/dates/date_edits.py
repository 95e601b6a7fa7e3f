"""Edits of dates, with undo: a person's dates, and proposals that a person accepted."""

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select

from scene_model.errors import UsageError
from scene_model.library.database.connections import with_large_cache
from scene_model.library.database.schema import edit_changes, photos
from scene_model.library.dates.doubtful import shifted_date
from scene_model.library.edits import (
    DATE_FIELDS,
    EditResult,
    begin_edit,
    chosen_ids,
    finish_edit,
)
from scene_model.library.store import Library
from scene_model.photos.dates import (
    CLOCK,
    FILE_NAME,
    FILE_TIME,
    FOLDER,
    ICLOUD,
    PERSON,
    SOURCES,
    TAKEOUT,
    PhotoDate,
)
from scene_model.photos.durations import shift_text
from scene_model.photos.xmp import read_date

# Sources of dates that the clock of a camera did not write.
NO_CLOCK = (FILE_NAME, FILE_TIME, FOLDER, PERSON, TAKEOUT, ICLOUD, "GPSDateTime")
MAX_SHIFT_S = 200 * 366 * 86_400


def accept_dates(
    library: Library, dates: Mapping[str, PhotoDate], description: str = "Dates corrected"
) -> EditResult:
    """Give photos dates, by their ids, as one edit; the automatic ones stay beside them."""
    values = {
        photo_id: (date.taken_at, date.source, str(date.confidence))
        for photo_id, date in dates.items()
    }
    return _write(library, values, description)


def set_date(library: Library, photo_ids: Sequence[str], typed: str) -> EditResult:
    """Give photos a date that a person typed; an empty text means that it is not known.

    Raises UsageError ("invalid_date").
    """
    taken_at = read_date(typed) if typed.strip() else ""
    if taken_at is None:
        raise UsageError(
            f"{typed!r} is no date. Write year, month and day, and if you know it the time: "
            "2024-07-15 or 2024-07-15 12:30.",
            code="invalid_date",
        )
    values = (taken_at, PERSON, str(SOURCES[PERSON].confidence))
    shown = taken_at.replace("T", " ")
    description = f"Date set to {shown}" if taken_at else "Date removed"
    return _write(library, dict.fromkeys(photo_ids, values), description)


def withdraw_dates(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Go back to the dates of the photos' own data."""
    nothing = (None, None, None)
    return _write(library, dict.fromkeys(photo_ids, nothing), "Date back to automatic")


def shift_dates(library: Library, camera: str, seconds: int) -> EditResult:
    """Move the dates that a camera wrote by so many seconds.

    Dates of file names and of people stay, and so do days without a time. Raises UsageError
    ("invalid_shift", or "no_such_camera").
    """
    dates = shifted_dates(dates_of_camera(library, camera), seconds)
    return accept_dates(library, dates, f"Dates of {camera} shifted by {shift_text(seconds)}")


def shifted_dates(dates: Mapping[str, str], seconds: int) -> dict[str, PhotoDate]:
    """Return dates so many seconds later, by the ids of the photos.

    Raises UsageError ("invalid_shift").
    """
    if not seconds or abs(seconds) > MAX_SHIFT_S:
        raise UsageError(
            f"Dates cannot be shifted by {seconds:,} seconds: the least is 1 second, the most 200 "
            "years.",
            code="invalid_shift",
        )
    confidence = SOURCES[CLOCK].confidence
    try:
        return {
            photo_id: PhotoDate(shifted_date(taken_at, seconds), CLOCK, confidence)
            for photo_id, taken_at in dates.items()
        }
    except OverflowError as error:
        raise UsageError(
            f"The dates cannot be shifted by {shift_text(seconds)}: the calendar ends before.",
            code="invalid_shift",
        ) from error


def dates_of_camera(library: Library, camera: str) -> dict[str, str]:
    """Return the dates that a camera wrote, or that were shifted before, the earliest first.

    By the ids of the photos; only those with a time.

    Raises UsageError ("no_such_camera").
    """
    query = (
        select(photos.c.id, photos.c.taken_at, photos.c.taken_source)
        .where(photos.c.camera == camera, photos.c.trashed_at.is_(None))
        .order_by(photos.c.taken_at, photos.c.number)
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    if not rows:
        raise UsageError(
            f"There are no photos of a camera {camera!r}. Write its name as the info of a photo "
            "has it.",
            code="no_such_camera",
        )
    return {
        row.id: row.taken_at
        for row in rows
        if row.taken_at and len(row.taken_at) > 10 and row.taken_source not in NO_CLOCK
    }


def _write(
    library: Library,
    values: Mapping[str, tuple[str | None, str | None, str | None]],
    description: str,
) -> EditResult:
    """Record the changes of dates and apply them, in one transaction.

    Photos that were deleted meanwhile or already have the date are skipped.
    """
    columns = tuple(DATE_FIELDS.values())
    query = select(photos.c.id, *columns).where(photos.c.id.in_(chosen_ids(list(values))))
    with library.database.writer.begin() as connection, with_large_cache(connection):
        edit_id = begin_edit(connection, description)
        changes = []
        for photo_id, *old in connection.execute(query):
            before = tuple(None if value is None else str(value) for value in old)
            if before == values[photo_id]:
                continue
            changes += [
                {
                    "edit_id": edit_id,
                    "photo_id": photo_id,
                    "field": field,
                    "label": "",
                    "before": before_value,
                    "after": after_value,
                }
                for field, before_value, after_value in zip(
                    DATE_FIELDS, before, values[photo_id], strict=True
                )
            ]
        if changes:
            connection.execute(insert(edit_changes), changes)
        return finish_edit(connection, edit_id, description)
