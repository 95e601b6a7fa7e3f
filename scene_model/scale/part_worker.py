"""Predict the items of a chunk and write their rows as one part: what every driver calls."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

import numpy as np

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.classifier.prediction_record import error_record, prediction_record
from scene_model.config import Settings
from scene_model.errors import InternalError, PhotoError, SceneError
from scene_model.model_files import open_classifier, open_decoders
from scene_model.photos.content import VideoContent, content_id
from scene_model.photos.hashes import perceptual_hash
from scene_model.scale.items import Chunk, SourceItem
from scene_model.scale.part_job import PartJob, PartSummary
from scene_model.scale.part_store import open_parts
from scene_model.scale.parts import BatchModel, PartRow, part_bytes, part_table
from scene_model.scale.reading.body import RETRIED_CODES
from scene_model.scale.reading.fetcher import FetchedContent, Fetcher

__all__ = ["PartJob", "PartSummary", "PartWorker"]

# Pictures that are fetched, or wait for a decoder, for each that is decoded: a request to a store
# takes as long as several predictions. Of a folder, one more is read and hashed meanwhile.
_FETCHES_PER_WORKER = 8


class PartWorker:
    """The model, opened once, and threads that predict; safe to share between threads.

    Two chunks may be in work at the same time: the threads go on with the second while the first
    is written. Close it after use, or use it as a context manager.
    """

    def __init__(
        self,
        job: PartJob,
        on_row: Callable[[str | None], None] | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        """Open the model; raises BundleError, and BatchError where a package is missing.

        on_row: called for each item predicted, with the code of its error or None, by any thread.
        classifier: an open model to use instead.
        """
        settings = Settings(**job.settings, bundle=Path(job.bundle_dir))
        # Starts no process until a photo is decoded by it.
        self._decoders = open_decoders(settings)
        self._classifier = classifier or open_classifier(settings, self._decoders)
        self._model = batch_model(self._classifier, job)
        self._fetcher = Fetcher(self._classifier.limits, settings.fetch_timeout_s)
        self._store = open_parts(job.output)
        self._on_row = on_row or _ignore
        is_folder = Path(job.source).is_dir()
        threads = settings.workers + 1 if is_folder else settings.workers * _FETCHES_PER_WORKER
        self._pool = ThreadPoolExecutor(threads, "batch")

    def process(self, chunk: Chunk, stop: Event | None = None) -> PartSummary | None:
        """Predict a chunk and write its part; a bad item is a row with its error.

        stop: once it is set, no further item is begun, and the part has the rows that are done
        (and, by these, another name); with none, nothing is written and None returned.
        Raises StoreUnavailable when the part cannot be written, and what the model raises.
        """
        started = time.monotonic()
        stop = stop or Event()
        pending = [self._pool.submit(self._row, item, stop) for item in chunk.items]
        rows = _results(pending)
        done = [(item, row) for item, row in zip(chunk.items, rows, strict=True) if row is not None]
        if not done:
            return None
        name = Chunk(tuple(item for item, _ in done)).part_name
        table = part_table([row for _, row in done], self._model)
        self._store.write(name, part_bytes(table))
        errors = Counter(row.record["error"]["code"] for _, row in done if row.record["error"])
        bytes_read = sum(row.bytes or 0 for _, row in done)
        return PartSummary(name, len(done), errors, bytes_read, time.monotonic() - started)

    def close(self) -> None:
        """End the threads and the processes that decode."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._decoders.close()

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

    def _row(self, item: SourceItem, stop: Event) -> PartRow | None:
        """Return the row of an item; None for one that was not tried in full before the stop."""
        if stop.is_set():
            return None
        content: FetchedContent | None = None
        try:
            with self._fetcher.fetched(item, stop) as content:
                row = self._predicted(item, content)
        except PhotoError as error:
            if stop.is_set() and error.code in RETRIED_CODES:
                return None
            row = self._failed(item, content, error)
        except SceneError:
            raise  # not about this item: the model, a missing package
        except Exception as error:  # one bad item never fails the others
            wrapped = InternalError(f"Unforeseen: {type(error).__name__}: {error}")
            row = self._failed(item, content, wrapped)
        self._on_row(row.record["error"] and row.record["error"]["code"])
        return row

    def _predicted(self, item: SourceItem, content: FetchedContent) -> PartRow:
        prediction: Prediction = self._classifier.predict(content.content)
        record = prediction_record(item.location, self._classifier, self._model.head, prediction)
        is_video = isinstance(content.content, VideoContent)
        return PartRow(
            record,
            item.source_id,
            item.source_label,
            content.version,
            content_id(content.content),
            content.bytes,
            None if is_video else perceptual_hash(prediction.photo.pixels),
            prediction.embedding.astype(np.float16) if self._model.with_embeddings else None,
        )

    def _failed(
        self, item: SourceItem, content: FetchedContent | None, error: SceneError
    ) -> PartRow:
        record: dict[str, Any] = error_record(item.location, self._classifier, error)
        return PartRow(
            record,
            item.source_id,
            item.source_label,
            item.version if content is None else content.version,
            None if content is None else content_id(content.content),
            None if content is None else content.bytes,
            perceptual_hash=None,
            embedding=None,
        )


def batch_model(classifier: Classifier, job: PartJob) -> BatchModel:
    """Return what all parts of a job have in common."""
    head = classifier.class_head
    return BatchModel(
        job.source,
        classifier.bundle_id,
        classifier.bundle.backbone_id,
        head.id,
        tuple(head.labels.ids),
        job.with_embeddings,
    )


def _results(pending: list["Future[PartRow | None]"]) -> list[PartRow | None]:
    """Wait for all rows; an error of one ends the others."""
    try:
        return [future.result() for future in pending]
    except BaseException:
        for future in pending:
            future.cancel()
        raise


def _ignore(code: str | None) -> None:
    pass
