"""Photos as a table: one row each, columns in a fixed order that others rely on."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from scene_model.classifier.tagging import Tag
from scene_model.gallery.records import PhotoRecord

OBJECT_COLUMNS = 5
COLUMNS: tuple[str, ...] = (
    "ID",
    "Name",
    "Timestamp",
    *(f"{kind} {rank}" for rank in range(1, OBJECT_COLUMNS + 1) for kind in ("Label", "Score")),
    "Class",
    "Class source",
    "Confidence",
    "Unsure",
    "Tags",
    "Taken at",
    "Latitude",
    "Longitude",
    "Camera",
    "Bundle",
)
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_IGNORED = " \t\r\n\u00a0\u200b\ufeff"
UTF8_BOM = "\ufeff"

Cell = str | float | None


def table_row(photo: PhotoRecord, objects: Sequence[Tag]) -> tuple[Cell, ...]:
    """One photo's cells, in the order of `COLUMNS`.

    objects: the five most probable, most probable first; scores become percent.
    Timestamp is when the photo was added, ISO 8601 with offset.
    """
    ranked: list[Cell] = []
    for tag in objects[:OBJECT_COLUMNS]:
        ranked += [tag.label, round(100 * tag.score, 2)]
    ranked += [None] * (2 * OBJECT_COLUMNS - len(ranked))
    return (
        photo.id,
        photo.name,
        photo.added_at,
        *ranked,
        photo.photo_class,
        photo.class_source,
        round(photo.confidence, 6),
        str(photo.unsure).lower(),
        "; ".join(photo.shown_tags),
        photo.taken_at,
        photo.latitude,
        photo.longitude,
        photo.camera,
        photo.bundle,
    )


def write_csv(rows: Iterable[tuple[Cell, ...]], with_bom: bool = False) -> Iterator[str]:
    """Yield a CSV line by line, header first; a text cell is never a formula.

    with_bom: begin with a byte-order mark, by which Excel knows UTF-8.
    """
    if with_bom:
        yield UTF8_BOM
    yield _line(COLUMNS)
    for row in rows:
        yield _line(row)


def formula_safe(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run."""
    return (
        f"'{text}"
        if text.lstrip(_IGNORED).startswith(_FORMULA_STARTS) or (text[:1] in ("\t", "\r", "\n"))
        else text
    )


def _line(cells: Iterable[Cell]) -> str:
    buffer = io.StringIO()
    safe = [formula_safe(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(buffer, lineterminator="\r\n").writerow(safe)
    return buffer.getvalue()
