"""Predict the items of a chunk and write their rows as one part: what every driver calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Any, Self

from scene_model.scale.items import Chunk


@dataclass(frozen=True)
class PartJob:
    """All that a worker needs, on this machine or on another; picklable.

    source, output: as given on the command line (`open_source`, `open_parts`). bundle_dir: the
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
    """A part that is written whole. errors_by_code: rows with an error, by its code."""

    part_name: str
    rows: int
    errors_by_code: Mapping[str, int]
    bytes_read: int
    seconds: float


class PartWorker:
    """The model, opened once, and threads that predict; safe to share between threads.

    Two chunks may be in work at the same time: the threads go on with the second while the first
    is written. Close it after use, or use it as a context manager.
    """

    def __init__(self, job: PartJob, on_row: Callable[[str | None], None] | None = None) -> None:
        """Open the model; raises BundleError.

        on_row: called for each item predicted, with the code of its error or None, by any thread.
        """
        raise NotImplementedError

    def process(self, chunk: Chunk, stop: Event | None = None) -> PartSummary:
        """Predict a chunk and write its part; a bad item is a row with its error.

        stop: once it is set, no further item is begun, and the part has the rows that are done
        (and, by these, another name; with none, nothing is written). Raises OutputError when the
        part cannot be written.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the threads and the processes that decode."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Return the worker; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the worker."""
        self.close()
