"""What is done of a batch: the manifest, the parts it lists, and how a killed run goes on.

A row counts once its part is in the manifest. The manifest is replaced every few seconds, so a
killed run leaves whole parts that it does not list; the next run takes them over. A part that
shares files with a listed one is a leftover, of a row that was taken out or of a worker that
outlived its run, and is removed.
"""

import contextlib
import datetime
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scene_model.errors import BatchError
from scene_model.scale.done_items import DONE_COLUMNS, DoneItems
from scene_model.scale.items import Chunk, SourceItem
from scene_model.scale.manifest import MANIFEST_FILE, Manifest, PartEntry, read_manifest
from scene_model.scale.part_job import PartSummary
from scene_model.scale.part_store import PartStore
from scene_model.scale.parts import BatchModel, part_bytes, part_model, utf8

_SAVE_INTERVAL_S = 3.0
_PART_NAME = re.compile(r"part-[0-9a-f]{24}\.parquet")
_READERS = 8


class Output:
    """The output of one run, locked against others; safe to share between threads.

    done: the items that need not be read. manifest: as it is now.
    """

    def __init__(self, store: PartStore, model: BatchModel) -> None:
        """Lock the output, and take over what is whole.

        Raises BatchError where another run has the lock, or the output is of another model or
        source, and StoreUnavailable.
        """
        self._store = store
        self._lock = threading.Lock()
        self._saved_at = 0.0
        self._output_lock = store.lock()
        try:
            self.manifest = read_manifest(store) or Manifest(model, started_at=_now())
            self._earlier_s, self._began = self.manifest.seconds, time.monotonic()
            _check_same(self.manifest.model, model, store.location)
            self.done = DoneItems()
            self._numbers: list[str] = []
            self._take_over()
            self.manifest.is_complete = False
            self._save()
        except BaseException:
            self._output_lock.release()
            raise

    def add(self, summary: PartSummary) -> None:
        """Record a part that is written; raises StoreUnavailable."""
        with self._lock:
            self.manifest.parts[summary.part_name] = PartEntry(
                summary.rows, dict(summary.errors_by_code), summary.bytes_read
            )
            if time.monotonic() - self._saved_at >= _SAVE_INTERVAL_S:
                self._save()

    def take_out(self, locations: Iterable[str]) -> None:
        """Remove the rows of items that are to be read again; raises StoreUnavailable."""
        by_part: defaultdict[str, set[str]] = defaultdict(set)
        for location in locations:
            by_part[self._numbers[self.done.part(location)]].add(utf8(location))
        if not by_part:
            return
        for name, files in by_part.items():
            self._replace(name, files)
        # The order matters: readers of the manifest have every other row at any moment.
        self._save()
        for name in by_part:
            if name not in self.manifest.parts:
                self._store.remove(name)

    def finish(self, is_complete: bool) -> None:
        """Write the manifest; of a complete run, remove parts of workers that outlived theirs."""
        with self._lock:
            self.manifest.is_complete = is_complete
            self._save()
        if is_complete:
            for name in self._unlisted():
                self._store.remove(name)

    def close(self) -> None:
        """Let other runs begin."""
        self._output_lock.release()

    def _take_over(self) -> None:
        """Compare the manifest with the parts there are."""
        names = set(self._store.names())
        parts = self.manifest.parts
        self.manifest.parts = {name: parts[name] for name in sorted(parts) if name in names}
        with ThreadPoolExecutor(_READERS) as pool:
            for name, rows in zip(
                self.manifest.parts,
                pool.map(self._done_rows, self.manifest.parts),
                strict=True,
            ):
                self._add_done(name, rows)
        for name in self._unlisted():
            self._adopt(name)

    def _unlisted(self) -> list[str]:
        names = (name for name in self._store.names() if _PART_NAME.fullmatch(name))
        return [name for name in names if name not in self.manifest.parts]

    def _adopt(self, name: str) -> None:
        rows = self._done_rows(name)
        files = rows.column("file").to_pylist()
        if self.done.overlap(files):
            self._store.remove(name)
            return
        with self._opened(name) as part:
            model = part_model(part)
            if model is None:
                raise BatchError(
                    f"{name} in {self._store.location} was not written by a batch. Move it away "
                    "and run the batch again.",
                    code="batch_damaged",
                )
            _check_same(model, self.manifest.model, self._store.location)
            sizes = part.read(["bytes"]).column("bytes").to_pylist()
        self.manifest.parts[name] = _entry(rows, sum(size or 0 for size in sizes))
        self._add_done(name, rows)

    def _add_done(self, name: str, rows: pa.Table) -> None:
        self.done.add(len(self._numbers), rows)
        self._numbers.append(name)

    def _done_rows(self, name: str) -> pa.Table:
        with self._opened(name) as part:
            return part.read(list(DONE_COLUMNS))

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[pq.ParquetFile]:
        try:
            with self._store.open(name) as file, pq.ParquetFile(file) as part:
                yield part
        except (pa.ArrowException, OSError) as error:
            raise BatchError(
                f"{name} in {self._store.location} is damaged: {error}. Remove it and run the "
                "batch again.",
                code="batch_damaged",
            ) from error

    def _replace(self, name: str, files: set[str]) -> None:
        """Write a part's other rows as a new part, and list that instead."""
        with self._opened(name) as part:
            table = part.read()
        keeps = [file not in files for file in table.column("file").to_pylist()]
        kept = table.filter(pa.array(keeps, pa.bool_()))
        del self.manifest.parts[name]
        if kept.num_rows == 0:
            return
        columns = (kept.column(column).to_pylist() for column in ("file", "version"))
        items = (SourceItem(file, version) for file, version in zip(*columns, strict=True))
        new_name = Chunk(tuple(items)).part_name
        sizes = kept.column("bytes").to_pylist()
        self._store.write(new_name, part_bytes(kept))
        self.manifest.parts[new_name] = _entry(kept, sum(size or 0 for size in sizes))

    def _save(self) -> None:
        self.manifest.updated_at = _now()
        self.manifest.seconds = self._earlier_s + time.monotonic() - self._began
        self._store.write(MANIFEST_FILE, self.manifest.as_bytes())
        self._saved_at = time.monotonic()


def _entry(rows: pa.Table, bytes_read: int) -> PartEntry:
    errors = Counter(error["code"] for error in rows.column("error").to_pylist() if error)
    return PartEntry(rows.num_rows, dict(errors), bytes_read)


def _check_same(present: BatchModel, model: BatchModel, location: str) -> None:
    """Raise BatchError where an output is of another model, source or other columns."""
    values: list[tuple[str, Any, Any]] = [
        ("the source", present.source, model.source),
        ("the model", present.bundle, model.bundle),
        ("the network", present.backbone, model.backbone),
        ("the head", (present.head, present.labels), (model.head, model.labels)),
        ("embeddings", present.with_embeddings, model.with_embeddings),
    ]
    for what, stored, requested in values:
        if stored != requested:
            is_head = isinstance(stored, tuple)
            difference = "other labels" if is_head else f"{stored}, not {requested}"
            raise BatchError(
                f"{location} holds a batch with another value for {what}: {difference}. "
                "Use the same command and model to go on with it, or another output.",
                code="batch_differs",
            )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
