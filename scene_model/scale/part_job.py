"""What a worker is told, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PartJob:
    """All that a worker needs, on this machine or on another; picklable.

    source: as given on the command line. output: folder or URL (`open_parts`). bundle_dir: the
    model's folder on the worker's machine: `dataclasses.replace` it where that is another.
    settings: values for `Settings` by field name: limits and `workers`, the pictures that one
    PartWorker predicts at the same time. with_embeddings: write the column `embedding`.
    """

    source: str
    output: str
    bundle_dir: str
    settings: Mapping[str, Any]
    with_embeddings: bool = True


@dataclass(frozen=True)
class PartSummary:
    """A part that is written whole.

    errors_by_code: rows with an error, by its code. bytes_read: of pictures. seconds: from the
    first picture until the part was written.
    """

    part_name: str
    rows: int
    errors_by_code: Mapping[str, int]
    bytes_read: int
    seconds: float
