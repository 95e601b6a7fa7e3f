"""Photos whose date is missing or doubtful, why, and the date to propose."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.library.dates.clocks import WrongClock, find_wrong_clocks
from scene_model.library.dates.date_rows import DateRows, Flags, Indices, Times, read_date_rows
from scene_model.library.dates.neighbours import dates_by_neighbours
from scene_model.library.store import Library
from scene_model.photos.dates import (
    CAMERA_DEFAULTS,
    CHANGED,
    CLOCK,
    FILE_TIME,
    FOLDER,
    NEIGHBOURS,
    SOURCES,
    SURE,
    NameDate,
    PhotoDate,
    are_far,
    date_of_name,
    day_after,
    folder_hint,
    local_time,
)

_DAY = np.timedelta64(1, "D")
# Of proposals that are sure enough to be accepted without looking.
APPLIED = 0.8
# A date by neighbours on another day than that in the name of the folder.
_HINT_DISAGREES = 0.45
_WRONG_YEAR_DAYS = (365, 366, 730, 731)


class Doubt(StrEnum):
    """Why a date is missing or doubtful."""

    MISSING = "missing"
    DEFAULT = "default"
    FUTURE = "future"
    NAME = "name"
    CLOCK = "clock"


@dataclass(frozen=True)
class DoubtfulDate:
    """A photo with a missing or doubtful date. proposal: None where none is known."""

    photo_id: str
    name: str
    taken_at: str | None
    doubt: Doubt
    proposal: PhotoDate | None


@dataclass(frozen=True)
class DateReport:
    """All photos outside the trash, and those with a doubtful date, by folder and name.

    clocks: the cameras with a wrong clock.
    """

    rows: DateRows
    doubtful: Sequence[DoubtfulDate]
    clocks: Sequence[WrongClock]


def find_doubtful_dates(library: Library, today: datetime.date) -> DateReport:
    """Find the photos with a missing or doubtful date; a person's decision is never doubtful."""
    rows = read_date_rows(library)
    names = _name_dates(rows, today)
    doubts = _own_doubts(rows, names, today)
    is_usable = ~np.isnat(rows.times)
    is_usable[list(doubts)] = False
    # A clock that is ahead may write dates in the future.
    is_running = is_usable.copy()
    is_running[[i for i, doubt in doubts.items() if doubt is Doubt.FUTURE]] = True
    has_moment = np.array(
        [
            _has_moment(date) or _is_named(name, taken_at)
            for date, name, taken_at in zip(names, rows.names, rows.taken_at, strict=True)
        ],
        np.bool_,
    )
    # Embeddings of different networks cannot be compared.
    files = Counter(file for file in rows.embedding_files if file)
    clocks: Sequence[WrongClock] = ()
    if files:
        embed = partial(_unit_embeddings, library, rows, files.most_common(1)[0][0])
        clocks = find_wrong_clocks(rows, rows.times, is_running, has_moment, embed)
    times = rows.times.copy()
    shifted: dict[int, WrongClock] = {}
    for clock in clocks:
        if clock.confidence >= APPLIED:
            times[clock.photos] += np.timedelta64(clock.shift_s, "s")
            is_usable[clock.photos] = True
        shifted |= dict.fromkeys(clock.photos.tolist(), clock)
    doubts |= dict.fromkeys(shifted, Doubt.CLOCK)
    proposals = _proposals(rows, names, doubts, times, is_usable)
    for index, clock in shifted.items():
        taken_at = shifted_date(rows.taken_at[index], clock.shift_s)
        proposals[index] = PhotoDate(taken_at, CLOCK, clock.confidence)
    return DateReport(rows, _listed(rows, doubts, proposals), clocks)


def shifted_date(taken_at: str, seconds: int) -> str:
    """Return a date so many seconds later; the offset, which the camera had wrong too, is left out.

    Raises OverflowError beyond the year 9999.
    """
    return (local_time(taken_at) + datetime.timedelta(seconds=seconds)).isoformat()


def _listed(
    rows: DateRows, doubts: dict[int, Doubt], proposals: dict[int, PhotoDate]
) -> list[DoubtfulDate]:
    return [
        DoubtfulDate(
            rows.ids[index],
            rows.names[index],
            rows.taken_at[index] or None,
            doubts[index],
            proposals.get(index),
        )
        for index in sorted(doubts, key=lambda i: (rows.folders[i], rows.names[i], i))
    ]


def _name_dates(rows: DateRows, today: datetime.date) -> list[NameDate | None]:
    """Return the dates of names that differ from those of the photos; None for the others."""
    latest = today.isoformat()
    added_days = [added_at[:10] for added_at in rows.added_at]
    last_days = {day: day_after(min(day, latest)) for day in set(added_days)}
    return [
        None if _is_named(name, taken_at) else date_of_name(name, last_days[day])
        for name, taken_at, day in zip(rows.names, rows.taken_at, added_days, strict=True)
    ]


def _is_named(name: str, taken_at: str) -> bool:
    """Whether a name has the day of a date; for most names quicker than reading their date."""
    day = taken_at[:10]
    return bool(day) and (day.replace("-", "") in name or day in name)


def _has_moment(name: NameDate | None) -> bool:
    return name is not None and name.is_sure and not name.is_sent


def _own_doubts(
    rows: DateRows, names: Sequence[NameDate | None], today: datetime.date
) -> dict[int, Doubt]:
    """Return the doubts about dates by the photos alone."""
    is_open = ~rows.is_decided
    tomorrow = np.datetime64(today + datetime.timedelta(days=1), "s")
    latest: Times = np.add(np.where(rows.added < tomorrow, rows.added, tomorrow), _DAY)
    is_default = np.array([text.startswith(CAMERA_DEFAULTS) for text in rows.taken_at], np.bool_)
    doubts: dict[int, Doubt] = {}
    for flags, doubt in (
        (np.isnat(rows.times), Doubt.MISSING),
        (is_default, Doubt.DEFAULT),
        (rows.times > latest, Doubt.FUTURE),
    ):
        doubts |= dict.fromkeys(np.flatnonzero(is_open & flags).tolist(), doubt)
    for index, name in enumerate(names):
        if (
            name is not None
            and name.is_sure
            and index not in doubts
            and is_open[index]
            and rows.sources[index] in SOURCES
            and are_far(name, rows.taken_at[index])
        ):
            doubts[index] = Doubt.NAME
    return doubts


def _proposals(
    rows: DateRows,
    names: Sequence[NameDate | None],
    doubts: dict[int, Doubt],
    times: Times,
    is_usable: Flags,
) -> dict[int, PhotoDate]:
    """Return the date to propose for each doubtful photo for which one is known."""
    is_trusted = is_usable & (rows.confidences >= SURE)
    missing = np.array([i for i, doubt in doubts.items() if doubt is not Doubt.CLOCK], np.intp)
    neighbours = dates_by_neighbours(rows, times, is_trusted, missing)
    proposals = {}
    for index in missing.tolist():
        date = _proposal(rows, index, names[index], neighbours.get(index), doubts[index])
        if date is not None:
            proposals[index] = date
    return proposals


def _proposal(
    rows: DateRows, index: int, name: NameDate | None, nearby: PhotoDate | None, doubt: Doubt
) -> PhotoDate | None:
    if name is not None and name.is_sure:
        if doubt is not Doubt.NAME or _name_is_right(rows, index, name):
            return name.photo_date
        return None
    hint = folder_hint(rows.folders[index])
    if nearby is not None:
        if hint is not None and not nearby.taken_at.startswith(hint):
            return PhotoDate(nearby.taken_at, NEIGHBOURS, _HINT_DISAGREES)
        return nearby
    if name is not None:
        return name.photo_date
    if hint is not None and len(hint) == len("2024-07-15"):
        return PhotoDate(hint, FOLDER, SOURCES[FOLDER].confidence)
    modified_at = rows.modified_at[index]
    # A file that was changed just before it was added was copied then.
    if modified_at and modified_at[:10] < rows.added_at[index][:10]:
        return PhotoDate(modified_at, FILE_TIME, SOURCES[FILE_TIME].confidence)
    return None


def _name_is_right(rows: DateRows, index: int, name: NameDate) -> bool:
    """Whether the name of a photo, not its EXIF, says when it was taken.

    Programs that save a photo anew write the time of saving; an earlier time in EXIF may be that of
    the photo that was saved under a new name, except where only the year differs.
    """
    apart = local_time(rows.taken_at[index]) - local_time(name.taken_at)
    if rows.sources[index] == CHANGED or apart > datetime.timedelta(0):
        return True
    days = round(-apart.total_seconds() / 86_400)
    rest_s = abs(-apart.total_seconds() - 86_400 * days)
    return not name.is_sent and days in _WRONG_YEAR_DAYS and rest_s <= 60


def _unit_embeddings(library: Library, rows: DateRows, file: str, indices: Indices) -> FloatArray:
    """Return the embeddings in a file, of length 1; zeros for photos without one there."""
    slots = rows.embedding_slots[indices]
    is_stored = slots < library.embeddings.slot_count(file)
    is_stored &= np.array([rows.embedding_files[index] == file for index in indices.tolist()])
    stored = library.embeddings.rows(file, slots[is_stored].tolist())
    embeddings = np.zeros((len(indices), stored.shape[1]), np.float32)
    lengths = np.linalg.norm(stored, axis=1, keepdims=True)
    embeddings[is_stored] = stored / np.where(lengths > 0, lengths, 1.0)
    return embeddings
