"""Which photos the library says it holds, and where their files belong; for its upkeep."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from scene_model.gallery.store import Library

LEFTOVER_PREFIX = ".new-"
"""What the name of a file begins with while it is being written."""


@dataclass(frozen=True)
class KeptPhoto:
    """One photo as its row tells it.

    reference: where the original lies when it was not copied into the library.
    """

    id: str
    name: str
    format: str
    file_bytes: int
    reference: Path | None
    is_trashed: bool


def kept_photos(connection: Connection, photo_id: str | None = None) -> list[KeptPhoto]:
    """All photos, those in the trash too, by id; or the one of an id."""
    reference = "reference" if has_references(connection) else "NULL"
    where, values = ("", ()) if photo_id is None else ("WHERE id = ?", (photo_id,))
    rows = connection.exec_driver_sql(
        f"SELECT id, name, format, file_bytes, {reference}, trashed_at "  # noqa: S608 - no input
        f"FROM photos {where} ORDER BY id",
        values,
    )
    return [
        KeptPhoto(row[0], row[1], row[2], row[3], Path(row[4]) if row[4] else None, bool(row[5]))
        for row in rows
    ]


def has_references(connection: Connection) -> bool:
    """Tell whether this library can name originals that lie elsewhere."""
    columns = connection.exec_driver_sql("PRAGMA table_info(photos)")
    return "reference" in {row[1] for row in columns}


def original_of(library: Library, photo: KeptPhoto) -> Path:
    """Where the original lies, copied or by reference."""
    return photo.reference or library.original_location(photo.id, photo.format)


def tree_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; 0 when it is not there."""
    return sum(path.stat().st_size for path in files_below(folder))


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, links too, which are not followed; sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
