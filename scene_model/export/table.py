"""Photos as a table, one row each with columns in a fixed, documented order; and as JSON.

Everything streams: a million photos take the memory of one. pandas reads back exactly the values
that were written:

    frame = pandas.read_csv(file, **READ_CSV)
    frame = pandas.read_json(file, **READ_JSON)              # for JSON Lines also lines=True
    tags = frame["Tags"].map(split_tags)                     # tuples of tags

Text that a spreadsheet would run as a formula, or that begins with an apostrophe, gets an
apostrophe in front. The same is done after each semicolon, tab and line break, since spreadsheets
of many languages begin another cell there. Removing one apostrophe in each of these places
restores the text (`plain_text`, which `READ_CSV` applies). An empty cell is empty text, except in
nullable columns: there it is null, and empty text is written as one apostrophe.
"""

import csv
import datetime
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from scene_model.classifier.labels import NONE
from scene_model.classifier.tagging import Tag
from scene_model.library.records import PhotoPlace, PhotoRecord
from scene_model.library.stacks.stack_rows import Stack
from scene_model.photos.dates import source_word

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
    "Group",
    "Favourite",
    "Rating",
    "Duration",
    "Place",
    "Region",
    "Country",
    "Place source",
)
PEOPLE_COLUMNS = ("Name", "Class", "Group", "Confidence", "Tags", "Taken", "Description")
_NUMBERS = frozenset(
    (
        *(f"Score {rank}" for rank in range(1, OBJECT_COLUMNS + 1)),
        "Confidence",
        "Latitude",
        "Longitude",
        "Duration",
    )
)
_BOOLEANS = frozenset(("Unsure", "Favourite"))
_NULLABLE_TEXT = frozenset(
    (
        *(f"Label {rank}" for rank in range(1, OBJECT_COLUMNS + 1)),
        *("Taken at", "Camera", "Place", "Region", "Country", "Place source"),
    )
)
# Where a cell begins, if not for us then for a spreadsheet that separates cells by semicolons.
_CELL_START = r"(^|[;\t\r\n])"
# Cells that a spreadsheet takes for a formula (OWASP, "CSV Injection"), also after blanks; and
# text that begins with our mark, so that a leading apostrophe is always ours.
_NEEDS_MARK = re.compile(
    r"^(?=[\t\r\n])|" + _CELL_START + r"(?=[ \u00a0\u200b\ufeff]*[=+\-@＝＋－＠]|')"
)
_HAS_MARK = re.compile(_CELL_START + "'")
_MARK = "'"
_TAG_NEEDS_QUOTES = re.compile(r'[;"\r\n]|^\s|\s$|^$')
_CHUNK_CHARACTERS = 1 << 16
_as_json = json.JSONEncoder(ensure_ascii=False).encode
UTF8_BOM = "\ufeff"

Cell = str | float | None


def table_row(photo: PhotoRecord, objects: Sequence[Tag], group: str) -> tuple[Cell, ...]:
    """Return a photo's cells, in the order of `COLUMNS`.

    objects: most probable first; five are used, their scores in percent. group: the effective one.
    Timestamp is the time the photo was added, ISO 8601 with offset; Duration is that of a video, in
    seconds; Country is a code of two letters.
    """
    place = photo.place
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
        group,
        str(photo.favourite).lower(),
        photo.rating,
        _seconds(photo),
        *((place.name, place.region, place.country, place.source) if place else (None,) * 4),
    )


def write_csv(rows: Iterable[Sequence[Cell]], with_bom: bool = False) -> Iterator[str]:
    """Yield a CSV line by line, header first; no text cell is a formula.

    rows: cells from `table_row`. with_bom: begin with a byte-order mark, so that Excel reads the
    file as UTF-8.
    """
    return _csv_lines(COLUMNS, rows, with_bom)


def people_row(photo: PhotoRecord, group: str, name_of: Callable[[str], str]) -> tuple[Cell, ...]:
    """Return a photo's cells for people, in the order of `PEOPLE_COLUMNS`.

    group: the effective one. name_of: returns the display name of a label.
    Confidence is the score of the class, and empty for a photo whose class is unsure.
    """
    is_filed = photo.class_source != NONE
    return (
        photo.name,
        name_of(photo.photo_class),
        name_of(group),
        f"{100 * photo.class_score:.0f} %" if is_filed else None,
        join_tags(map(name_of, photo.shown_tags)),
        photo.taken_at and _minute(photo.taken_at),
        photo.description,
    )


def write_people_csv(rows: Iterable[Sequence[Cell]], with_bom: bool = False) -> Iterator[str]:
    """Yield a CSV for people line by line, header first; no text cell is a formula.

    rows: cells from `people_row`. with_bom: as in `write_csv`.
    """
    return _csv_lines(PEOPLE_COLUMNS, rows, with_bom)


def _csv_lines(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], with_bom: bool
) -> Iterator[str]:
    if with_bom:
        yield UTF8_BOM
    buffer = io.StringIO()
    write = csv.writer(buffer, lineterminator="\r\n").writerow
    empty_text = [_MARK if column in _NULLABLE_TEXT else "" for column in columns]
    write(columns)
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
    """Join tags into one cell: ``beach; "rock; roll"``, quoted where necessary."""
    return "; ".join(
        '"' + tag.replace('"', '""') + '"' if _TAG_NEEDS_QUOTES.search(tag) else tag for tag in tags
    )


def split_tags(cell: str) -> tuple[str, ...]:
    """Split a cell that `join_tags` wrote."""
    (tags,) = csv.reader([cell], delimiter=";", skipinitialspace=True) if cell else [()]
    return tuple(tags)


def without_place(photo: PhotoRecord) -> PhotoRecord:
    """Return the same photo without latitude, longitude and place."""
    return replace(photo, latitude=None, longitude=None, place=None)


def json_record(
    photo: PhotoRecord, objects: Sequence[Tag], group: str, stack: Stack | None = None
) -> dict[str, Any]:
    """Return a photo as a JSON object: label ids, scores in [0, 1], times in ISO 8601.

    group: the effective one. stack: the photo's, if it is in one. The guess is null unless the
    class is unsure.
    """
    guess = photo.shown_guess
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
        "group": group,
        "guess": guess and _tag_record(guess),
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
        "objects": [_tag_record(tag) for tag in objects],
        "taken_at": photo.taken_at,
        "taken_source": source_word(photo.taken_source) if photo.taken_at else None,
        "taken_confidence": photo.taken_confidence,
        "latitude": photo.latitude,
        "longitude": photo.longitude,
        "camera": photo.camera,
        "lens": photo.lens,
        "bundle": photo.bundle,
        "favourite": photo.favourite,
        "rating": photo.rating,
        "duration": _seconds(photo),
        "description": photo.description,
        "place": photo.place and place_record(photo.place),
        "stack": stack and stack_record(stack),
        "clutter": photo.clutter,
        "apart": photo.is_apart,
    }


def stack_record(stack: Stack) -> dict[str, Any]:
    """Return a stack as a JSON object. top: the photo that shows, which is the first."""
    return {"kind": str(stack.kind), "top": stack.pick, "photo_ids": list(stack.photo_ids)}


def write_json(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield one JSON list in chunks, one record per line."""
    separator = "[\n"
    for record in records:
        yield separator + _as_json(record)
        separator = ",\n"
    yield "[]\n" if separator.startswith("[") else "\n]\n"


def write_jsonl(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield JSON Lines: one object per line."""
    for record in records:
        yield _as_json(record) + "\n"


def utf8_chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Join lines into UTF-8 chunks: sending a line costs more than producing it."""
    buffer: list[str] = []
    size = 0
    for line in lines:
        buffer.append(line)
        size += len(line)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(buffer).encode("utf-8")
            buffer, size = [], 0
    if buffer:
        yield "".join(buffer).encode("utf-8")


def formula_safe(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run; `plain_text` removes it."""
    return _NEEDS_MARK.sub(lambda start: start[0] + _MARK, text)


def plain_text(cell: str) -> str:
    """Undo `formula_safe`."""
    return _HAS_MARK.sub(r"\1", cell)


def _tag_record(tag: Tag) -> dict[str, Any]:
    return {"label": tag.label, "score": round(tag.score, 6)}


def place_record(place: PhotoPlace) -> dict[str, Any]:
    """Return the place of a photo as a JSON object."""
    return {
        "title": place.title,
        "name": place.name,
        "region": place.region,
        "country": place.country,
        "kind": place.kind,
        "distance_km": place.distance_km,
        "source": place.source,
    }


def _seconds(photo: PhotoRecord) -> float | None:
    return None if photo.duration_s is None else round(photo.duration_s, 3)


def _minute(taken_at: str) -> str:
    """Format a local time, ISO 8601, to the minute; a day and any other text stay as they are."""
    if len(taken_at) == len("2024-07-15"):
        return taken_at
    try:
        return f"{datetime.datetime.fromisoformat(taken_at):%Y-%m-%d %H:%M}"
    except ValueError:
        return taken_at


def _nullable_text(cell: str) -> str | None:
    return plain_text(cell) if cell else None


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _reader(column: str) -> Callable[[str], Any]:
    if column in _BOOLEANS:
        return "true".__eq__
    if column == "Rating":
        return int
    if column in _NUMBERS:
        return _number
    return _nullable_text if column in _NULLABLE_TEXT else plain_text


# Arguments with which any version of pandas reads back exactly the values written. Its defaults
# would read a tag called NA as null, and round numbers.
READ_CSV: Mapping[str, Any] = MappingProxyType(
    {
        "encoding": "utf-8-sig",  # with or without a byte-order mark
        "na_filter": False,
        "converters": {column: _reader(column) for column in COLUMNS},
    }
)
READ_JSON: Mapping[str, Any] = MappingProxyType(
    {
        "orient": "records",
        "dtype": False,  # keep a photo name such as 007 as text
        "precise_float": True,
    }
)
