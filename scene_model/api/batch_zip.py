"""The ZIP of a batch: one folder for each class, and a CSV with the prediction of every file."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from scene_model.api.batch import file_path
from scene_model.api.schemas import BatchItem
from scene_model.export.archive import ArchiveEntry, stream_zip
from scene_model.export.table import formula_safe


def zip_of_batch(folder: Path, items: Sequence[BatchItem]) -> Iterator[bytes]:
    """Yield the ZIP in chunks; files without a prediction are only in the CSV."""
    entries = (
        ArchiveEntry(item.class_, item.filename, file_path(folder, number), "")
        for number, item in enumerate(items)
        if item.class_ is not None
    )
    yield from stream_zip(entries, _manifest(items))


def _manifest(items: Sequence[BatchItem]) -> Iterator[str]:
    """Yield the lines of the CSV; it has a row for every file of the batch."""
    yield _line(("Name", "Class", "Label", "Confidence", "Unsure", "Error"))
    for item in items:
        error = "" if item.error is None else f"{item.error.code}: {item.error.message}"
        confidence = "" if item.confidence is None else f"{item.confidence:.6f}"
        unsure = "" if item.unsure is None else str(item.unsure).lower()
        yield _line((item.filename, item.class_ or "", item.label or "", confidence, unsure, error))


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([formula_safe(cell) for cell in cells])
    return buffer.getvalue()
