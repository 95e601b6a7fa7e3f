"""Photos that stay outside the library: their rows follow when their files are moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, or_, update

from scene_model.library.schema import photos
from scene_model.library.store import Library


@dataclass(frozen=True, slots=True)
class MovedFile:
    """A photo's file that lies elsewhere now; both paths absolute."""

    photo_id: str
    before: Path
    now: Path


def follow(library: Library, moved: Sequence[MovedFile]) -> int:
    """Let references lead to where their files lie now; returns how many did not before.

    What does not lead to ``before`` is left alone, so doing it again does no harm.
    """
    if not moved:
        return 0
    # Links above a file give it two paths; it may have been added by either.
    statement = (
        update(photos)
        .where(
            photos.c.id == bindparam("photo_id"),
            or_(photos.c.reference == bindparam("before"), photos.c.reference == bindparam("real")),
        )
        .values(reference=bindparam("now"))
    )
    rows = [
        {
            "photo_id": file.photo_id,
            "before": file.before,
            "real": file.before.parent.resolve() / file.before.name,
            "now": file.now,
        }
        for file in moved
    ]
    with library.database.writer.begin() as connection:
        return connection.execute(statement, rows).rowcount
