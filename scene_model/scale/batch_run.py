"""One run of a batch: list the source, leave out what is done, run the rest, keep the manifest."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from threading import Event

from scene_model.config import Settings
from scene_model.errors import BatchError, SceneError
from scene_model.model_files import open_classifier, open_decoders
from scene_model.scale.chunk_spool import ChunkSpool
from scene_model.scale.done_items import DoneItems, ItemState
from scene_model.scale.drivers.driver import Driver
from scene_model.scale.items import PART_ROWS, SourceItem, chunks_of
from scene_model.scale.output import Output
from scene_model.scale.part_job import PartJob, PartSummary
from scene_model.scale.part_store import is_url, open_parts
from scene_model.scale.part_worker import batch_model
from scene_model.scale.parts import BatchModel
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.open_source import open_source
from scene_model.scale.sources.source import Source

# The settings that change what a worker does.
_WORKER_SETTINGS = (
    "workers",
    "max_file_bytes",
    "max_video_bytes",
    "max_pixels",
    "max_decoding_bytes",
    "max_decoding_s",
    "fetch_timeout_s",
)


@dataclass(frozen=True)
class BatchProgress:
    """How far a run is.

    done: pictures of this run. total: pictures to do in it; None until the source is listed.
    errors_by_code: of those done.
    """

    done: int
    total: int | None
    errors_by_code: Mapping[str, int]


@dataclass(frozen=True)
class BatchResult:
    """What a run did, and what the output has now.

    done: pictures of this run. already_done: pictures that earlier runs had done. ignored: files
    that are not named like pictures, and what a list names twice or without a URL. rows,
    errors_by_code: of the whole output. seconds: of this run.
    """

    done: int
    already_done: int
    ignored: int
    rows: int
    errors_by_code: Mapping[str, int]
    seconds: float
    is_complete: bool


ProgressListener = Callable[[BatchProgress], None]


@dataclass
class _Count:
    """Pictures that are done, and the errors among them."""

    done: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class BatchRun:
    """A batch from a source into an output; nothing is read or written before `run`."""

    def __init__(
        self,
        source: str,
        out: str,
        settings: Settings,
        with_embeddings: bool = True,
        part_rows: int = PART_ROWS,
        on_progress: ProgressListener | None = None,
    ) -> None:
        """source, out: as on the command line. settings: also name the model.

        on_progress: called by any thread, one at a time.
        """
        self.job = PartJob(
            source if is_url(source) else str(Path(source)),
            out if is_url(out) else str(Path(out).absolute()),
            str(settings.bundle.absolute()),
            {name: getattr(settings, name) for name in _WORKER_SETTINGS},
            with_embeddings,
        )
        self._settings, self._part_rows = settings, part_rows
        self._on_progress = on_progress
        self._lock = threading.Lock()
        # Drivers of this computer report rows, all drivers report parts.
        self._by_row, self._by_part = _Count(), _Count()
        self._already_done = 0
        self._changed: list[str] = []
        self._spool: ChunkSpool | None = None

    def count_row(self, code: str | None) -> None:
        """Count a picture; code: of its error. For drivers that can say so before a part ends."""
        with self._lock:
            self._by_row.done += 1
            if code is not None:
                self._by_row.errors[code] += 1
            self._report()

    def run(self, driver: Driver, stop: Event) -> BatchResult:
        """Run until every picture is done, or the event is set.

        Raises PathNotFound, BatchError and StoreUnavailable; what is done by then is kept.
        """
        started = time.monotonic()
        source = self._open_source()
        items = source.items()
        first = next(items, None)
        if first is None:
            raise _no_pictures(self.job.source, source.ignored)
        output = Output(open_parts(self.job.output), self._model())
        try:
            self._run_chunks(driver, chain([first], items), output, stop)
            is_complete = not stop.is_set()
            output.finish(is_complete)
        except BaseException:
            stop.set()  # ends the listing
            with contextlib.suppress(SceneError):
                output.finish(is_complete=False)
            raise
        finally:
            output.close()
        manifest = output.manifest
        return BatchResult(
            self._count.done,
            self._already_done,
            source.ignored,
            manifest.rows,
            manifest.errors_by_code,
            time.monotonic() - started,
            is_complete,
        )

    def _open_source(self) -> Source:
        source, out = self.job.source, self.job.output
        is_same = source.rstrip("/") == out.rstrip("/") or (
            not is_url(source) and not is_url(out) and Path(source).resolve() == Path(out).resolve()
        )
        if is_same:
            raise BatchError(
                f"{source} is both SOURCE and OUT. Name another folder or prefix for the output."
            )
        return open_source(source, RemoteFiles(self._settings.fetch_timeout_s), out)

    def _model(self) -> BatchModel:
        decoders = open_decoders(self._settings)  # starts none
        return batch_model(open_classifier(self._settings, decoders), self.job)

    def _run_chunks(
        self, driver: Driver, items: Iterator[SourceItem], output: Output, stop: Event
    ) -> None:
        is_resumed = output.manifest.rows > 0
        chunks = chunks_of(self._to_do(items, output.done, stop), self._part_rows)
        spool = self._spool = ChunkSpool()
        listing = threading.Thread(target=spool.fill, args=(chunks, stop), name="listing")
        listing.start()
        try:
            if is_resumed:
                spool.wait_until_full()
                output.take_out(self._changed)

            def on_part(summary: PartSummary) -> None:
                output.add(summary)
                with self._lock:
                    self._by_part.done += summary.rows
                    self._by_part.errors.update(summary.errors_by_code)
                    self._report()

            driver.run(self.job, spool.chunks(), on_part, stop)
        except BaseException:
            stop.set()
            raise
        finally:
            listing.join()
            spool.close()

    def _to_do(
        self, items: Iterator[SourceItem], done: DoneItems, stop: Event
    ) -> Iterator[SourceItem]:
        for item in items:
            if stop.is_set():
                return
            state = done.state(item)
            if state is ItemState.DONE:
                self._already_done += 1
                continue
            if state is ItemState.CHANGED:
                self._changed.append(item.location)
            yield item

    @property
    def _count(self) -> _Count:
        return max(self._by_row, self._by_part, key=lambda count: count.done)

    def _report(self) -> None:
        if self._on_progress is not None:
            count, spool = self._count, self._spool
            total = spool.items if spool is not None and spool.is_full else None
            self._on_progress(BatchProgress(count.done, total, dict(count.errors)))


def _no_pictures(source: str, ignored: int) -> BatchError:
    reason = "it is empty"
    if ignored:
        reason = f"{ignored:,} file{' is' if ignored == 1 else 's are'} not named like pictures"
    return BatchError(f"{source} has no pictures: {reason}.", code="no_pictures")
