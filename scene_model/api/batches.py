"""REST batches: received files, a prediction for each, a ZIP by class; removed after a time.

LIBRARY/batches/JOB/000000 …     the files, by their number in the request
LIBRARY/batches/JOB/result.json  the final status; written once, atomically
LIBRARY/batches/JOB/key.json     the Idempotency-Key of the request

They are stored next to the caller's library and only searched there, so the caller of one library
has no access to the batches of another. They are not part of the library.
"""

import datetime
import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from scene_model.api.batch import RESULT_NAME, Batch, ClassifyFile
from scene_model.api.batch_zip import zip_of_batch
from scene_model.api.inference_queue import InferenceQueue
from scene_model.api.request.form import ReceivedFile
from scene_model.api.schemas import JobStatus
from scene_model.errors import JobNotFound, JobRunning, UsageError
from scene_model.jobs.engine import JobEngine, JobItem
from scene_model.jobs.job import JobKind
from scene_model.jobs.workers import Limits
from scene_model.library.files.file_system import library_error

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_KEY = "key.json"
_SWEEP_INTERVAL_S = 30.0
# A batch is not removed until so long after the last chunk of a download was sent.
_DOWNLOAD_GRACE_S = 60.0

logger = logging.getLogger(__name__)


class Batches:
    """The running batches of this process, and those on disk that have ended; thread-safe."""

    def __init__(
        self,
        inference_queue: InferenceQueue,
        max_batches: int,
        lifetime_s: float,
        max_per_owner: int | None = None,
    ) -> None:
        """Begin without batches; max_per_owner: how many may belong to one library."""
        per_owner = max_batches if max_per_owner is None else max_per_owner
        limits = Limits(max_batches, per_owner, "SCENE_MAX_BATCHES")
        # Ended batches are read from disk.
        self._engine = JobEngine({JobKind.CLASSIFY: inference_queue}, limits, max_stored=0)
        self._lifetime_s = lifetime_s
        self._lock = threading.Lock()
        self._batches: dict[str, Batch] = {}
        self._roots: set[Path] = set()
        self._downloaded: dict[str, float] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    def watch(self, root: Path) -> None:
        """Remove expired batches of a folder, now and regularly until `close`."""
        with self._lock:
            self._roots.add(root)
            if self._sweeper is None:
                self._sweeper = threading.Thread(
                    target=self._sweep, name="old-batches", daemon=True
                )
                self._sweeper.start()

    def begin(self, root: Path) -> Path:
        """Make the folder that a batch is received into; raises ServerBusy or LibraryError."""
        folder = root / secrets.token_hex(16)
        self._engine.reserve(folder.name, str(root))
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            self._engine.release(folder.name)
            raise library_error(error, root.parent) from error
        return folder

    def discard(self, folder: Path) -> None:
        """Remove the received files of a batch that is not started."""
        _remove(folder)
        self._engine.release(folder.name)

    def start(
        self,
        folder: Path,
        files: Sequence[ReceivedFile],
        classify_file: ClassifyFile,
        key: tuple[str, str] | None = None,
        after: Callable[[], None] = lambda: None,
    ) -> str:
        """Start a job on the received files; returns its id, or that of the key's earlier job.

        key: an Idempotency-Key and the request's digest. after: called when all files are
        processed. Raises UsageError when the key was used with another request before.
        """
        batch = Batch(folder, [received.name for received in files], self._lifetime_s)
        with self._lock:
            if key is not None:
                earlier_id = self._find_by_key(folder.parent, *key)
                if earlier_id is not None:
                    return earlier_id
                text = json.dumps({"key": key[0], "digest": key[1]})
                (folder / _KEY).write_text(text, encoding="utf-8")
            self._batches[batch.id] = batch
            self._engine.begin(batch.job, str(folder.parent), partial(self._end, batch, after))
        items = [
            JobItem(received.name, partial(batch.classify, number, received.error, classify_file))
            for number, received in enumerate(files)
        ]
        self._engine.add(batch.job, items)
        return batch.id

    def find(self, root: Path, job_id: str) -> Batch | JobStatus:
        """Return a running batch, or the final status of an ended one of this library.

        Raises JobNotFound.
        """
        with self._lock:
            batch = self._batches.get(job_id)
        if batch is not None and batch.folder.parent == root:
            if batch.is_running:
                return batch
            if batch.unwritten is not None:
                return batch.unwritten
        if _JOB_ID.fullmatch(job_id):
            status = _read(root / job_id)
            if status is not None and not _has_expired(status):
                return status
        raise JobNotFound("There is no such job. Jobs are removed some time after they end.")

    def status(self, root: Path, job_id: str) -> JobStatus:
        """Return the progress or the final status of a batch; raises JobNotFound."""
        batch = self.find(root, job_id)
        return batch.status() if isinstance(batch, Batch) else batch

    def cancel(self, root: Path, job_id: str) -> JobStatus:
        """Stop after the files in work; no effect on an ended batch. Raises JobNotFound."""
        batch = self.find(root, job_id)
        if isinstance(batch, JobStatus):
            return batch
        batch.cancel()
        return batch.status()

    def archive(self, root: Path, job_id: str) -> Iterator[bytes]:
        """Yield a ZIP by class; raises JobNotFound, or JobRunning before the end."""
        status = self.find(root, job_id)
        if isinstance(status, Batch):
            raise JobRunning("The batch is still running. Poll its job until it has ended.")
        return self._zip_chunks(root / job_id, status)

    def close(self) -> None:
        """End every batch with the results so far; call it after the inference queue is closed."""
        self._closed.set()
        if self._sweeper is not None:
            self._sweeper.join()
        self._engine.close()

    def _end(self, batch: Batch, after: Callable[[], None]) -> None:
        after()
        batch.write_result()
        if batch.unwritten is None:  # the file on disk replaces the batch in memory
            with self._lock:
                self._batches.pop(batch.id, None)

    def _find_by_key(self, root: Path, key: str, digest: str) -> str | None:
        """Return the id of the unexpired job with an Idempotency-Key; raises UsageError."""
        for path in root.glob(f"*/{_KEY}"):
            try:
                row = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if row.get("key") != key:
                continue
            job_id = path.parent.name
            status = _read(path.parent)
            is_valid = job_id in self._batches if status is None else not _has_expired(status)
            if not is_valid:
                continue
            if row.get("digest") != digest:
                raise UsageError(
                    "This Idempotency-Key was used before with other files or parameters. "
                    "Use a new key for a new request.",
                    code="key_reused",
                )
            return job_id
        return None

    def _zip_chunks(self, folder: Path, status: JobStatus) -> Iterator[bytes]:
        for chunk in zip_of_batch(folder, status.results or []):
            self._downloaded[folder.name] = time.monotonic()
            yield chunk

    def _sweep(self) -> None:
        while True:
            with self._lock:
                roots = list(self._roots)
            for root in roots:
                try:
                    if not root.parent.is_dir():  # the library is gone
                        with self._lock:
                            self._roots.discard(root)
                    self._remove_old(root)
                except Exception:  # the next sweep tries again
                    logger.exception("expired batches could not be removed")
            if self._closed.wait(min(_SWEEP_INTERVAL_S, self._lifetime_s)):
                return

    def _remove_old(self, root: Path) -> None:
        for folder in root.iterdir() if root.is_dir() else ():
            if not folder.is_dir():
                continue
            if self._engine.is_active(folder.name):
                continue
            last_read = self._downloaded.get(folder.name, -_DOWNLOAD_GRACE_S)
            if time.monotonic() - last_read < _DOWNLOAD_GRACE_S:
                continue
            status = _read(folder)
            if status is None:  # of a process that was killed, or running in another process
                is_old = time.time() - folder.stat().st_mtime > max(self._lifetime_s, 86_400.0)
            else:
                is_old = _has_expired(status)
            if is_old:
                _remove(folder)
                with self._lock:
                    self._batches.pop(folder.name, None)
                    self._downloaded.pop(folder.name, None)


def _read(folder: Path) -> JobStatus | None:
    try:
        status = JobStatus.model_validate_json((folder / RESULT_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return None if status.expires_at is None else status


def _has_expired(status: JobStatus) -> bool:
    expires = datetime.datetime.fromisoformat(str(status.expires_at))
    return expires <= datetime.datetime.now().astimezone()


def _remove(folder: Path) -> None:
    # The result first, so that a partly removed batch cannot be read.
    (folder / RESULT_NAME).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
