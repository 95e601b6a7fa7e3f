"""Batches over REST: files on disk for a while, an answer each, a ZIP by class; then they go.

LIBRARY/batches/JOB/000000 …     the files, by their number in the request
LIBRARY/batches/JOB/result.json  how the batch ended; written once, whole
LIBRARY/batches/JOB/key.json     the Idempotency-Key it was sent with

They lie where the caller's library lies and are looked for only there, so one library's caller
never finds another's. They are no part of the library.
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

from scene_model.api.batch import RESULT_NAME, Batch, failed_item
from scene_model.api.batch_zip import zip_of_batch
from scene_model.api.inference_queue import InferenceQueue
from scene_model.api.request.form import ReceivedFile
from scene_model.api.schemas import BatchItem, JobStatus
from scene_model.errors import (
    InternalError,
    JobNotFound,
    JobRunning,
    KeyReused,
    SceneError,
    ServerBusy,
)
from scene_model.library.file_system import library_error

_JOB_ID = re.compile(r"[0-9a-f]{32}")
_KEY = "key.json"
_SWEEP_EVERY_S = 30.0
# A download that goes on keeps its batch for so long after its last piece.
_DOWNLOAD_GRACE_S = 60.0
_RETRY_BATCH_S = 10

logger = logging.getLogger(__name__)

AnswerFile = Callable[[Path, str], BatchItem]


class Batches:
    """The batches of this process, and those on disk that ended before it began."""

    def __init__(
        self,
        inference_queue: InferenceQueue,
        max_batches: int,
        lifetime_s: float,
        max_of_one: int | None = None,
    ) -> None:
        """Begin with none; max_of_one: how many may be one library's, where there are several."""
        self._looks, self._max_batches, self._lifetime_s = inference_queue, max_batches, lifetime_s
        self._max_of_one = max_batches if max_of_one is None else max_of_one
        self._lock = threading.Lock()
        self._batches: dict[str, Batch] = {}
        self._receiving: set[Path] = set()
        self._roots: set[Path] = set()
        self._downloaded: dict[str, float] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    def watch(self, root: Path) -> None:
        """Let what is old in a folder go, now and from now on."""
        with self._lock:
            self._roots.add(root)
            if self._sweeper is None:
                self._sweeper = threading.Thread(
                    target=self._sweep, name="old-batches", daemon=True
                )
                self._sweeper.start()

    def begin(self, root: Path) -> Path:
        """Make the folder that a batch is received into; raises ServerBusy or LibraryError."""
        with self._lock:
            at_work, own = self._at_work(), self._at_work(root)
            if self._closed.is_set() or at_work >= self._max_batches or own >= self._max_of_one:
                raise ServerBusy(
                    f"{at_work} batches are being worked on, {own} of them yours, as many as may "
                    "be (SCENE_MAX_BATCHES). Try again after the seconds that Retry-After says.",
                    _RETRY_BATCH_S,
                )
            folder = root / secrets.token_hex(16)
            self._receiving.add(folder)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            with self._lock:
                self._receiving.discard(folder)  # its place is another's again
            raise library_error(error, root.parent) from error
        return folder

    def skip_files(self, folder: Path) -> None:
        """Remove what was received of a batch that does not come about."""
        _remove(folder)
        with self._lock:
            self._receiving.discard(folder)

    def start(
        self,
        folder: Path,
        files: Sequence[ReceivedFile],
        answer: AnswerFile,
        key: tuple[str, str] | None = None,
    ) -> str:
        """Work on what was received; returns the job's id: an earlier one's for a known key.

        answer: looks at one file. key: an Idempotency-Key and the request's digest.
        Raises KeyReused when the key came with another request before.
        """
        names = [received.name for received in files]
        batch = Batch(folder.name, folder, names, self._lifetime_s, [None] * len(files))
        batch.left = len(files)
        with self._lock:
            if key is not None:
                known = self._known(folder.parent, *key)
                if known is not None:
                    return known
                text = json.dumps({"key": key[0], "digest": key[1]})
                (folder / _KEY).write_text(text, encoding="utf-8")
            self._batches[batch.id] = batch
            self._receiving.discard(folder)
        works = [
            partial(self._look, batch, number, received.error, answer)
            for number, received in enumerate(files)
        ]
        self._looks.submit_batch(batch.id, works, str(folder.parent))
        return batch.id

    def find(self, root: Path, job_id: str) -> Batch | JobStatus:
        """A batch at work, or how one ended; raises JobNotFound for another library's, too."""
        with self._lock:
            batch = self._batches.get(job_id)
        if batch is not None and batch.folder.parent == root:
            if not batch.finished.is_set():
                return batch
            if batch.unwritten is not None:
                return batch.unwritten
        if _JOB_ID.fullmatch(job_id):
            status = _read(root / job_id)
            if status is not None and not _has_expired(status):
                return status
        raise JobNotFound("There is no such job here; jobs go some time after they end.")

    def status(self, root: Path, job_id: str) -> JobStatus:
        """Tell how far a batch is or how it ended; raises JobNotFound."""
        found = self.find(root, job_id)
        return found.status() if isinstance(found, Batch) else found

    def cancel(self, root: Path, job_id: str) -> JobStatus:
        """Stop after the photos that are being looked at; what ended stays as it is."""
        found = self.find(root, job_id)
        if isinstance(found, JobStatus):
            return found
        found.cancelled.set()
        return found.status()

    def archive(self, root: Path, job_id: str) -> Iterator[bytes]:
        """Yield a ZIP by class; raises JobNotFound, or JobRunning before the end."""
        found = self.find(root, job_id)
        if isinstance(found, Batch):
            raise JobRunning("The batch is not done yet. Ask for its job until it is.")
        return self._pieces(root / job_id, found)

    def close(self) -> None:
        """End every batch with what is done of it."""
        self._closed.set()
        if self._sweeper is not None:
            self._sweeper.join()
        with self._lock:
            batches = list(self._batches.values())
        for batch in batches:
            batch.cancelled.set()
            batch.end()

    def _look(
        self, batch: Batch, number: int, error: SceneError | None, answer: AnswerFile
    ) -> None:
        name, path = batch.names[number], batch.path(number)
        if batch.cancelled.is_set():
            batch.record(number, None)
            return
        try:
            if error is not None:
                raise error
            item = answer(path, name)
        except SceneError as told:
            item = failed_item(name, told)
        except Exception as unforeseen:
            logger.error("classifying a file of a batch failed", exc_info=unforeseen)
            item = failed_item(name, InternalError("An internal error; see the server's log."))
        if item.error is not None:
            path.unlink(missing_ok=True)
        batch.record(number, item)
        if batch.finished.is_set() and batch.unwritten is None:
            with self._lock:
                self._batches.pop(batch.id, None)  # on disk from now on

    def _known(self, root: Path, key: str, digest: str) -> str | None:
        for path in root.glob(f"*/{_KEY}"):
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if kept.get("key") != key:
                continue
            job_id = path.parent.name
            status = _read(path.parent)
            is_alive = job_id in self._batches if status is None else not _has_expired(status)
            if not is_alive:
                continue
            if kept.get("digest") != digest:
                raise KeyReused(
                    "This Idempotency-Key came before with other files or parameters. "
                    "Use a new key for a new request."
                )
            return job_id
        return None

    def _pieces(self, folder: Path, status: JobStatus) -> Iterator[bytes]:
        for piece in zip_of_batch(folder, status.results or []):
            self._downloaded[folder.name] = time.monotonic()
            yield piece

    def _at_work(self, root: Path | None = None) -> int:
        """How many batches there are; of one library, if given."""
        running = [b.folder for b in self._batches.values() if not b.finished.is_set()]
        return sum(root in (None, folder.parent) for folder in [*running, *self._receiving])

    def _sweep(self) -> None:
        while True:
            with self._lock:
                roots = list(self._roots)
            for root in roots:
                try:
                    self._remove_old(root)
                except Exception:  # the next time may find it otherwise
                    logger.exception("old batches are not removed")
            if self._closed.wait(min(_SWEEP_EVERY_S, self._lifetime_s)):
                return

    def _remove_old(self, root: Path) -> None:
        for folder in root.iterdir() if root.is_dir() else ():
            if not folder.is_dir():
                continue
            with self._lock:
                batch = self._batches.get(folder.name)
                if folder in self._receiving or (batch and not batch.finished.is_set()):
                    continue
            touched = self._downloaded.get(folder.name, -_DOWNLOAD_GRACE_S)
            if time.monotonic() - touched < _DOWNLOAD_GRACE_S:
                continue
            status = _read(folder)
            if status is None:  # of a process that was killed, or another's at work
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
    # The result first: what is half removed must not be found any more.
    (folder / RESULT_NAME).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
