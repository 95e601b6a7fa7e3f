"""Photos as a table: one row each, columns in a fixed order that others rely on; and as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

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


def without_place(photo: PhotoRecord) -> PhotoRecord:
    """The same photo, saying nothing of where it was taken."""
    return replace(photo, latitude=None, longitude=None)


def json_record(photo: PhotoRecord, objects: Sequence[Tag]) -> dict[str, Any]:
    """One photo for programs: label ids, scores in [0, 1], times in ISO 8601."""
    return {
        "id": photo.id,
        "name": photo.name,
        "format": photo.format,
        "file_bytes": photo.file_bytes,
        "width": photo.width,
        "height": photo.height,
        "added_at": photo.added_at,
        "class": photo.photo_class,
        "class_source": photo.class_source,
        "class_score": round(photo.class_score, 6),
        "label": photo.class_head_label,
        "confidence": round(photo.confidence, 6),
        "unsure": photo.unsure,
        "tags": [
            {
                "label": tag.label,
                "head": tag.head,
                "score": None if tag.score is None else round(tag.score, 6),
            }
            for tag in photo.tags
        ],
        "objects": [{"label": tag.label, "score": round(tag.score, 6)} for tag in objects],
        "taken_at": photo.taken_at,
        "latitude": photo.latitude,
        "longitude": photo.longitude,
        "camera": photo.camera,
        "lens": photo.lens,
        "bundle": photo.bundle,
    }


def write_json(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield one JSON list piece by piece, a record a line."""
    before = "[\n"
    for record in records:
        yield before + json.dumps(record, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before.startswith("[") else "\n]\n"


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
