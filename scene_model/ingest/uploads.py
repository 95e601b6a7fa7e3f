"""Files that are sent one by one: announced as a list, tagged as each arrives.

An upload is a job of the runner from its first moment, so its progress, Cancel, and what is
left of it after a restart are those of every job. A file counts as arrived when all its
announced bytes are on the disk under its name; until then it is a leftover that anybody removes.
"""

import datetime
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scene_model.errors import (
    FileNotAnnounced,
    SceneError,
    TooManyFiles,
    UploadBusy,
    UploadIncomplete,
    UploadOver,
)
from scene_model.ingest.incoming import IncomingBatch, IncomingFile, announce
from scene_model.ingest.quota import NO_QUOTA, Quota
from scene_model.ingest.runner import JobRunner
from scene_model.jobs.job import Job, JobKind
from scene_model.library.file_system import library_error
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits, check_file_bytes
from scene_model.photos.names import refusal_by_name

MAX_FILES = 50_000
# Files of one library on their way at the same time; a page sends four.
MAX_AT_ONCE = 16
# A phone that sleeps for a while must not lose its place; a tab closed long ago must.
IDLE_S = 1_800.0
# Senders are asked to wait a little when so many files lie here untagged: as many as are tagged
# in so many seconds, so that also a slow computer tags a photo soon after it came.
_BACKLOG_S, _BACKLOG_LEAST, _BACKLOG_MOST = 12.0, 16, 150


@dataclass(frozen=True)
class Announced:
    """A file its owner wants to send: its name, or its path in the folder that was dropped."""

    path: str
    file_bytes: int


class Uploads:
    """The uploads under way into one library; safe to share between threads."""

    def __init__(
        self,
        jobs: JobRunner,
        library: Library,
        limits: PhotoLimits,
        quota: Quota = NO_QUOTA,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock``: seconds, to tell what lies idle."""
        self._jobs, self._library, self._limits = jobs, library, limits
        self._quota, self._clock = quota, clock
        self._announcing = threading.Lock()
        self._heard: dict[str, float] = {}
        self._places = threading.Semaphore(MAX_AT_ONCE)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while a file comes in; raises UploadBusy when all are taken."""
        if not self._places.acquire(blocking=False):
            raise UploadBusy(
                f"{MAX_AT_ONCE} files of this library are on their way already, the limit. "
                "Wait for one of them."
            )
        try:
            yield
        finally:
            self._places.release()

    def announce(self, files: Sequence[Announced]) -> Job:
        """Begin an upload; what its name or size rules out is counted as skipped at once.

        A file's number is its place in ``files``. Raises TooManyFiles, QuotaExceeded or
        LibraryFull before anything is written.
        """
        if len(files) > MAX_FILES:
            raise TooManyFiles(
                f"{len(files):,} files were announced; the limit is {MAX_FILES:,}. "
                "Send them in several parts."
            )
        refused = {i: r for i, f in enumerate(files) if (r := self._refusal(f)) is not None}
        wanted = [f.file_bytes for i, f in enumerate(files) if i not in refused]
        self._library.require_space(sum(wanted))
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        items = [_item(number, file, now) for number, file in enumerate(files)]
        with self._announcing:
            self.require_room(len(wanted), sum(wanted))
            batch = announce(self._library.incoming_dir, items, self._library.file_system)
            job = self._jobs.start(batch)
        self._heard[job.id] = self._clock()
        for number, problem in refused.items():
            with batch.pending.lock:
                batch.pending.arrived(items[number])
            self._jobs.skip_files(job, [items[number]], problem)
        return job

    def require_room(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when the library may not hold so much beside what is under way."""
        running = self._jobs.running(JobKind.ADD)
        coming = sum(job.progress().total - job.progress().done for job in running)
        pending = [item for job in running for item in self.missing(job.id)]
        coming_bytes = sum(item.file_bytes or 0 for item in pending)
        self._quota.require(photos + coming, file_bytes + coming_bytes)

    def missing(self, job_id: str) -> list[IncomingFile]:
        """The files of an upload that have not arrived; none when it is over."""
        batch = self._jobs.batch(job_id)
        return [] if batch is None else batch.pending.files()

    def open(self) -> list[Job]:
        """The uploads that still wait for files, oldest first; what lies idle is ended."""
        self.end_idle()
        return self._waiting()

    def is_backed_up(self, job_id: str) -> bool:
        """Tell whether a sender should wait: many files of the upload are still untagged."""
        batch = self._jobs.batch(job_id)
        if batch is None:
            return False
        progress = self._jobs.job(job_id).progress()
        untagged = progress.total - progress.done - len(batch.pending.files())
        soon_tagged = int(progress.photos_per_s * _BACKLOG_S)
        return untagged > min(max(soon_tagged, _BACKLOG_LEAST), _BACKLOG_MOST)

    def begin_file(self, job_id: str, number: int, file_bytes: int | None) -> Path | None:
        """Make room for a file that is about to arrive; None when it is here already.

        Returns where to write it: a name of its own, on the library's file system. Raises
        UploadOver, FileNotAnnounced, UploadIncomplete, QuotaExceeded or LibraryFull.
        """
        batch = self._batch(job_id)
        item = batch.pending.find(_file(number))
        if item is None:
            if (batch.folder / _file(number)).exists() or self._is_settled(job_id, number):
                return None
            raise FileNotAnnounced(f"The upload has no file of number {number}.")
        if file_bytes is not None and file_bytes != item.file_bytes:
            raise UploadIncomplete(
                f"{file_bytes:,} bytes come, but {item.file_bytes:,} were announced: the file was "
                "changed meanwhile. Drop it again."
            )
        self._heard[job_id] = self._clock()
        self._library.require_space(item.file_bytes or 0)
        # The list was let in, but the others on the server may have filled it meanwhile.
        self._quota.require(0, item.file_bytes or 0)
        return self._library.files.new_dir / secrets.token_hex(16)

    def announced_bytes(self, job_id: str, number: int) -> int:
        """How many bytes a file is to have; 0 when it is not waited for any more."""
        item = self._batch(job_id).pending.find(_file(number))
        return (item.file_bytes or 0) if item is not None else 0

    def finish_file(self, job_id: str, number: int, written: Path) -> None:
        """Take a file that was written whole, and let it be tagged; raises as `begin_file`."""
        batch = self._batch(job_id)
        item = batch.pending.find(_file(number))
        if item is None:
            return  # cancelled, or sent twice at once: the other one is here
        has_bytes = written.stat().st_size
        if has_bytes != item.file_bytes:
            raise UploadIncomplete(
                f"{has_bytes:,} of {item.file_bytes:,} bytes arrived. Send the file again."
            )
        try:
            _flush(written)
            with batch.pending.lock:
                if batch.pending.find(item.file) is None:
                    return
                self._library.file_system.before_step("rename", batch.path(item))
                written.replace(batch.path(item))
                batch.pending.arrived(item)
        except OSError as error:
            raise library_error(error, self._library.folder) from error
        self._heard[job_id] = self._clock()
        self._quota.add(has_bytes)
        self._jobs.feed(self._jobs.job(job_id), [item])

    def end(self, job_id: str) -> Job:
        """Wait for nothing more; what did not arrive is named among the skipped."""
        job = self._jobs.job(job_id)
        batch = self._jobs.batch(job_id)
        if batch is not None:
            reason = UploadIncomplete("It has not arrived. Drop it again to add it.")
            self._jobs.skip_files(job, batch.pending.end(), reason)
        self._heard.pop(job_id, None)
        return job

    def end_idle(self) -> list[Job]:
        """End the uploads from which nothing was heard for half an hour."""
        now, ended = self._clock(), []
        for job in self._waiting():
            if now - self._heard.setdefault(job.id, now) > IDLE_S:
                ended.append(self.end(job.id))
        return ended

    def _waiting(self) -> list[Job]:
        return [job for job in self._jobs.running() if self.missing(job.id)]

    def _refusal(self, file: Announced) -> SceneError | None:
        try:
            check_file_bytes(file.file_bytes, self._limits)
        except SceneError as error:
            return error
        return refusal_by_name(file.path)

    def _batch(self, job_id: str) -> IncomingBatch:
        batch = self._jobs.batch(job_id)
        if batch is None or self._jobs.job(job_id).is_cancelled:
            self._jobs.job(job_id)  # says JobNotFound when there never was one
            raise UploadOver("This upload is over; nothing more is taken. Begin another.")
        return batch

    def _is_settled(self, job_id: str, number: int) -> bool:
        # Whatever was announced, and is not waited for, has been dealt with.
        return 0 <= number < self._jobs.job(job_id).progress().total


def _item(number: int, file: Announced, now: str) -> IncomingFile:
    shown = file.path.encode("utf-8", "replace").decode("utf-8")
    name = PurePosixPath(shown.replace("\\", "/")).name or shown
    return IncomingFile(name, _file(number), now, file.file_bytes, shown)


def _file(number: int) -> str:
    return f"{number:06d}"


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
