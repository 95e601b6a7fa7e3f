"""What the library knows about the dates of its photos, as arrays with one entry per photo."""

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from scene_model.library.database.schema import photos
from scene_model.library.store import Library

Times = npt.NDArray[np.datetime64]
"""Local times to the second; NaT for none."""
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

SECOND = np.timedelta64(1, "s")
# How sure a date is that another program wrote without saying so.
_UNRATED = 0.9
# Photos that were added with longer pauses are no batch.
_BATCH_PAUSE = np.timedelta64(30, "m")


@dataclass(frozen=True)
class DateRows:
    """The photos outside the trash, in the order of their numbers; all lists have one length.

    taken_at: the effective dates as text, "" for none; times: the same as times. sources: "" for
    none. added: when they came into the library. folders: equal for photos of one folder; photos
    of unknown folder have that of the batch they were added with. is_decided: a person gave or
    accepted the date. has_place: it has coordinates.
    embedding_files, embedding_slots: "" and -1 for none. sizes: the shorter and the longer side in
    pixels.
    """

    numbers: npt.NDArray[np.int64]
    ids: list[str]
    names: list[str]
    files: list[str]
    folders: list[str]
    taken_at: list[str]
    sources: list[str]
    confidences: npt.NDArray[np.float64]
    cameras: list[str]
    added_at: list[str]
    modified_at: list[str]
    is_decided: Flags
    has_place: Flags
    embedding_files: list[str]
    embedding_slots: npt.NDArray[np.int64]
    sizes: list[tuple[int, int]]
    times: Times
    added: Times

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.ids)


def read_date_rows(library: Library) -> DateRows:
    """Read what is known about the dates of all photos outside the trash."""
    query = (
        select(
            photos.c.number,
            photos.c.id,
            photos.c.name,
            photos.c.folder,
            photos.c.reference,
            photos.c.taken_at,
            photos.c.taken_source,
            photos.c.taken_confidence,
            photos.c.camera,
            photos.c.added_at,
            photos.c.modified_at,
            photos.c.human_taken_at.is_not(None),
            photos.c.latitude.is_not(None),
            photos.c.embedding_file,
            photos.c.embedding_slot,
            # Upright and sideways photos of one camera have one size.
            func.min(photos.c.width, photos.c.height),
            func.max(photos.c.width, photos.c.height),
        )
        .where(photos.c.trashed_at.is_(None))
        .order_by(photos.c.number)
    )
    with library.database.reader.begin() as connection:
        # As the driver gives them: building objects of 100,000 rows would take as long again.
        rows = connection.execute(query).cursor.fetchall()
    columns = (
        list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in query.selected_columns]
    )
    taken_at = [text or "" for text in columns[5]]
    added = _times(columns[9])
    return DateRows(
        numbers=np.array(columns[0], np.int64),
        ids=columns[1],
        names=columns[2],
        files=[
            name if reference is None else os.fsdecode(reference)
            for name, reference in zip(columns[2], columns[4], strict=True)
        ],
        folders=_folders(columns[3], columns[4], added),
        taken_at=taken_at,
        sources=[text or "" for text in columns[6]],
        confidences=np.array(
            [
                (0.0 if not text else _UNRATED) if value is None else value
                for value, text in zip(columns[7], taken_at, strict=True)
            ],
            np.float64,
        ),
        cameras=[text or "" for text in columns[8]],
        added_at=columns[9],
        modified_at=[text or "" for text in columns[10]],
        is_decided=np.array(columns[11], np.bool_),
        has_place=np.array(columns[12], np.bool_),
        embedding_files=[text or "" for text in columns[13]],
        embedding_slots=np.array([-1 if slot is None else slot for slot in columns[14]], np.int64),
        sizes=list(zip(columns[15], columns[16], strict=True)),
        times=_times(taken_at),
        added=added,
    )


def _times(texts: list[str]) -> Times:
    """Read local times; a day is its midnight, and what is no time is NaT."""
    # A year or a month is no date.
    plain = [text[:19] if len(text) >= len("2024-07-15") else "NaT" for text in texts]
    try:
        return np.array(plain, "datetime64[s]")
    except ValueError:  # of a row that another program wrote
        return np.array([_time_or_none(text) for text in plain], "datetime64[s]")


def _time_or_none(text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "s")
    except ValueError:
        return np.datetime64("NaT", "s")


def _folders(
    folders: list[str | None], references: list[str | bytes | None], added: Times
) -> list[str]:
    pauses = np.diff(added) > _BATCH_PAUSE
    batches = np.concatenate([[0], np.cumsum(pauses)]) if len(added) else np.zeros(0, np.int64)
    return [
        folder or (os.fsdecode(reference).rpartition("/")[0] if reference else f"\0{batch}")
        for folder, reference, batch in zip(folders, references, batches.tolist(), strict=True)
    ]
