"""Photos as a table: one row each, columns in a fixed order that others rely on; and as JSON.

All of it streams: a million photos take the memory of one. What was written comes back exactly:

    frame = pandas.read_csv(file, **READ_CSV)
    frame = pandas.read_json(file, **READ_JSON)              # for JSON Lines also lines=True
    tags = frame["Tags"].map(split_tags)                     # tuples of tags

Text that a spreadsheet would run for a formula, or that begins with an apostrophe, has one
apostrophe put before it; so taking one off where there is one is the whole of going back
(`plain_text`, which `READ_CSV` applies). An empty cell is empty text, or nothing known in a column
where that may be; empty text there is one apostrophe.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from scene_model.classifier.tagging import Tag
from scene_model.library.records import PhotoRecord

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
_NUMBERS = frozenset(
    (
        *(f"Score {rank}" for rank in range(1, OBJECT_COLUMNS + 1)),
        "Confidence",
        "Latitude",
        "Longitude",
    )
)
_MAY_BE_UNKNOWN = frozenset(
    (*(f"Label {rank}" for rank in range(1, OBJECT_COLUMNS + 1)), "Taken at", "Camera")
)
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"), whatever blank
# it begins with; and our own mark, so that one apostrophe at the front is always ours.
_MARKED = re.compile(r"[ \t\r\n\u00a0\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n']")
_MARK = "'"
_TAG_NEEDS_QUOTES = re.compile(r'[;"\r\n]|^\s|\s$|^$')
_PIECE_CHARACTERS = 1 << 16
_as_json = json.JSONEncoder(ensure_ascii=False).encode
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
        join_tags(photo.shown_tags),
        photo.taken_at,
        photo.latitude,
        photo.longitude,
        photo.camera,
        photo.bundle,
    )


def write_csv(rows: Iterable[Sequence[Cell]], with_bom: bool = False) -> Iterator[str]:
    """Yield a CSV line by line, header first; a text cell is never a formula.

    rows: cells as `table_row` gives them. with_bom: begin with a byte-order mark, by which Excel
    knows UTF-8.
    """
    if with_bom:
        yield UTF8_BOM
    buffer = io.StringIO()
    write = csv.writer(buffer, lineterminator="\r\n").writerow
    empty_text = [_MARK if column in _MAY_BE_UNKNOWN else "" for column in COLUMNS]
    write(COLUMNS)
    yield buffer.getvalue()
    for row in rows:
        buffer.seek(0)
        buffer.truncate()
        write(
            [
                cell if not isinstance(cell, str) else formula_safe(cell) if cell else empty
                for cell, empty in zip(row, empty_text, strict=True)
            ]
        )
        yield buffer.getvalue()


def join_tags(tags: Iterable[str]) -> str:
    """Put tags into one cell: ``beach; "rock; roll"``, in quotation marks where they need them."""
    return "; ".join(
        '"' + tag.replace('"', '""') + '"' if _TAG_NEEDS_QUOTES.search(tag) else tag for tag in tags
    )


def split_tags(cell: str) -> tuple[str, ...]:
    """The tags of a cell that `join_tags` wrote."""
    (tags,) = csv.reader([cell], delimiter=";", skipinitialspace=True) if cell else [()]
    return tuple(tags)


def strip_gps(photo: PhotoRecord) -> PhotoRecord:
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
        yield before + _as_json(record)
        before = ",\n"
    yield "[]\n" if before.startswith("[") else "\n]\n"


def write_jsonl(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield JSON Lines: one object a line."""
    for record in records:
        yield _as_json(record) + "\n"


def utf8_pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Gather lines to pieces worth sending, as UTF-8: one at a time costs more than making it."""
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _PIECE_CHARACTERS:
            yield "".join(waiting).encode("utf-8")
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting).encode("utf-8")


def formula_safe(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run; `plain_text` takes it off."""
    return _MARK + text if _MARKED.match(text) else text


def plain_text(cell: str) -> str:
    """What a text cell said before `formula_safe`."""
    return cell.removeprefix(_MARK)


def _known_text(cell: str) -> str | None:
    return plain_text(cell) if cell else None


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _reader(column: str) -> Callable[[str], Any]:
    if column == "Unsure":
        return "true".__eq__
    if column in _NUMBERS:
        return _number
    return _known_text if column in _MAY_BE_UNKNOWN else plain_text


# The arguments by which pandas reads back exactly what was written, whichever its version: left to
# itself it would take a tag called NA for nothing, and round numbers.
READ_CSV: Mapping[str, Any] = MappingProxyType(
    {
        "encoding": "utf-8-sig",  # with a byte-order mark or without
        "na_filter": False,
        "converters": {column: _reader(column) for column in COLUMNS},
    }
)
READ_JSON: Mapping[str, Any] = MappingProxyType(
    {
        "orient": "records",
        "dtype": False,  # a photo may be called 007
        "precise_float": True,
    }
)
