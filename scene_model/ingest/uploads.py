"""Uploads sent file by file: announced as a list, each file tagged as it arrives.

An upload is a job of the runner from the start, so it has the progress, Cancel and resume of
every job. A file counts as arrived when all its announced bytes are on disk under its name;
an incomplete file is temporary and may be removed at any time.
"""

import datetime
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import (
    FileNotAnnounced,
    UploadBusy,
    UploadIncomplete,
    UploadOver,
    UsageError,
)
from scene_model.ingest.announced import Announced, file_of, listed, refusal
from scene_model.ingest.archives.members import is_archive_name
from scene_model.ingest.incoming import IncomingBatch
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.new_batch import announce
from scene_model.ingest.quota import NO_QUOTA, Quota, Reception
from scene_model.ingest.runner import JobRunner
from scene_model.jobs.job import Job, JobKind
from scene_model.library.files.file_system import PRIVATE_MODE, library_error
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits

MAX_FILES = 50_000
# Files of one library received at the same time; a page sends four.
MAX_AT_ONCE = 16
# Long enough for a phone that sleeps for a while; uploads of closed tabs end.
IDLE_S = 1_800.0
# Senders have to pause when more files are untagged than are tagged in _BACKLOG_S seconds, within
# these limits: also a slow computer then tags a photo soon after it arrived.
_BACKLOG_S, _MIN_BACKLOG, _MAX_BACKLOG = 12.0, 16, 150


@dataclass(frozen=True)
class _Receiving:
    """A file or part that is being received. expected_bytes: what was announced of it."""

    job_id: str
    reception: Reception
    expected_bytes: int


class Uploads:
    """The running uploads into one library; thread-safe."""

    def __init__(
        self,
        jobs: JobRunner,
        library: Library,
        limits: PhotoLimits,
        quota: Quota = NO_QUOTA,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock``: monotonic seconds, to end idle uploads."""
        self._jobs, self._library, self._limits = jobs, library, limits
        self._quota, self._clock = quota, clock
        self._announcing = threading.Lock()
        self._last_active: dict[str, float] = {}
        self._slots = threading.Semaphore(MAX_AT_ONCE)
        # Of the files that are being received, by the path they are written to.
        self._receiving: dict[Path, _Receiving] = {}

    @contextmanager
    def receive_slot(self) -> Iterator[None]:
        """Hold a slot while a file is received; raises UploadBusy when all are in use."""
        if not self._slots.acquire(blocking=False):
            raise UploadBusy(
                f"{MAX_AT_ONCE} files of this library are being received, the limit. "
                "Wait until one has arrived."
            )
        try:
            yield
        finally:
            self._slots.release()

    def announce(self, files: Sequence[Announced], with_archives: bool = False) -> Job:
        """Begin an upload; files refused by name or size are counted as skipped at once.

        A file's number is its index in ``files``. with_archives: whether archives may be sent; they
        are, if there is nothing else, read together once they have all arrived. Raises UsageError,
        QuotaExceeded or LibraryFull before anything is written.
        """
        if len(files) > MAX_FILES:
            raise UsageError(
                f"{len(files):,} files were announced; the limit is {MAX_FILES:,}. "
                "Send them in several parts.",
                code="too_many_files",
            )
        is_export = with_archives and all(is_archive_name(file.path) for file in files)
        refused = {
            i: r
            for i, f in enumerate(files)
            if not is_export and (r := refusal(f, self._limits)) is not None
        }
        accepted = [f.file_bytes for i, f in enumerate(files) if i not in refused]
        self._library.require_space(sum(accepted))
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        items = [listed(number, file, now, is_export) for number, file in enumerate(files)]
        with self._announcing:
            self.require_room(len(accepted), sum(accepted))
            batch = announce(self._library.incoming_dir, items, self._library.file_system)
            job = self._jobs.start(batch)
        self._last_active[job.id] = self._clock()
        for number, problem in refused.items():
            with batch.pending.lock:
                batch.pending.arrived(items[number])
            self._jobs.skip_files(job, [items[number]], problem)
        return job

    def submit(self, photos: int, file_bytes: int, files: Iterable[tuple[str, bytes]]) -> Job:
        """Write files (name, bytes) to disk, and start a job that adds them.

        photos, file_bytes: how many these are. Raises QuotaExceeded or LibraryFull.
        """
        self.require_room(photos, file_bytes)
        with self._quota.receiving(file_bytes) as reception:
            reception.received(file_bytes)
            job = self._jobs.submit(files)
            reception.finish()
        return job

    def require_room(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when that many more, with the running uploads, exceed the quota."""
        running = self._jobs.running(JobKind.ADD)
        expected = sum(job.progress().total - job.progress().done for job in running)
        pending = [item for job in running for item in self.missing(job.id)]
        # What is being received, and parts on disk, are counted by the quota.
        counted = [receiving.expected_bytes for receiving in list(self._receiving.values())]
        counted += [sum(self.received_bytes(job.id).values()) for job in running]
        expected_bytes = sum(item.file_bytes or 0 for item in pending) - sum(counted)
        self._quota.require(photos + expected, file_bytes + expected_bytes)

    def next_job(self, job_id: str) -> str | None:
        """Return the id of the job that adds what an upload of archives has brought, if any."""
        return self._jobs.next_job(job_id)

    def missing(self, job_id: str) -> list[IncomingFile]:
        """Return the files of an upload that have not arrived; none when it has ended."""
        batch = self._jobs.batch(job_id)
        return [] if batch is None else batch.pending.files()

    def open(self) -> list[Job]:
        """End the idle uploads; return those that still expect files, oldest first."""
        self.end_idle()
        return self._incomplete()

    def is_backed_up(self, job_id: str) -> bool:
        """Return whether the sender should pause: many files of the upload are untagged."""
        batch = self._jobs.batch(job_id)
        if batch is None:
            return False
        progress = self._jobs.job(job_id).progress()
        untagged = progress.total - progress.done - len(batch.pending.files())
        soon_tagged = int(progress.photos_per_s * _BACKLOG_S)
        return untagged > min(max(soon_tagged, _MIN_BACKLOG), _MAX_BACKLOG)

    def begin_file(self, job_id: str, number: int, file_bytes: int | None) -> Path | None:
        """Return the temporary path to write a file to; None when it has arrived already.

        Call `leave_file` with the path in the end. file_bytes: the size the sender declares now,
        if it does. Raises UploadOver, FileNotAnnounced, UploadIncomplete, QuotaExceeded or
        LibraryFull.
        """
        batch = self._batch(job_id)
        item = batch.pending.find(file_of(number))
        if item is None:
            if (batch.folder / file_of(number)).exists() or self._is_settled(job_id, number):
                return None
            raise FileNotAnnounced(f"The upload has no file of number {number}.")
        if file_bytes is not None and file_bytes != item.file_bytes:
            raise UploadIncomplete(
                f"The file has {file_bytes:,} bytes, but {item.file_bytes:,} were announced: it "
                "was changed in the meantime. Drop it again."
            )
        self._last_active[job_id] = self._clock()
        self._library.require_space(item.file_bytes or 0)
        # Checked again: other visitors may have filled the server since the list was accepted.
        announced_bytes = item.file_bytes or 0
        reception = self._quota.receiving(announced_bytes)
        path = self._library.files.new_dir / secrets.token_hex(16)
        self._receiving[path] = _Receiving(job_id, reception, announced_bytes)
        return path

    def count_received(self, path: Path, file_bytes: int) -> None:
        """Count bytes that were written to a path of `begin_file`; raises QuotaExceeded."""
        receiving = self._receiving.get(path)
        if receiving is not None:
            self._last_active[receiving.job_id] = self._clock()
            receiving.reception.received(file_bytes)

    def leave_file(self, path: Path) -> None:
        """Remove a path of `begin_file`; no effect on a file that was accepted."""
        self._end_reception(path)
        path.unlink(missing_ok=True)

    def announced_bytes(self, job_id: str, number: int) -> int:
        """Return the announced size of a file; 0 when it is no longer expected."""
        item = self._batch(job_id).pending.find(file_of(number))
        return (item.file_bytes or 0) if item is not None else 0

    def begin_part(self, job_id: str, number: int, offset: int) -> Path | None:
        """Return the path to write a part of a file to; None when the file has arrived already.

        offset: how many bytes came before. Call `leave_part` in the end. Raises as `begin_file`.
        """
        batch = self._batch(job_id)
        item = batch.pending.find(file_of(number))
        if item is None:
            return self.begin_file(job_id, number, None)  # arrived, or never announced
        path = _part(batch, item, offset)
        missing_bytes = max(0, (item.file_bytes or 0) - offset)
        self._library.require_space(missing_bytes)
        # In one step: the same part may be sent twice at the same time.
        with self._announcing:
            if path in self._receiving:
                raise UploadBusy("This part of the file is being received already.")
            received = self.received_bytes(job_id).get(number, 0)
            if offset != received:
                raise UploadIncomplete(
                    f"The part begins at byte {offset:,}, but {received:,} bytes have arrived.",
                    code="part_out_of_order",
                )
            try:
                path.touch(PRIVATE_MODE)
            except OSError as error:
                raise library_error(error, self._library.folder) from error
            reception = self._quota.receiving(missing_bytes)
            self._receiving[path] = _Receiving(job_id, reception, missing_bytes)
        self._last_active[job_id] = self._clock()
        return path

    def leave_part(self, path: Path) -> None:
        """End the reception of a part; parts that were received whole are kept."""
        self._end_reception(path)

    def finish_part(self, job_id: str, number: int, path: Path) -> bool:
        """Keep a part that was written whole; True when the file has arrived with it.

        A part counts once it is flushed to disk and the name of its file says how long it is.
        """
        batch = self._batch(job_id)
        item = batch.pending.find(file_of(number))
        if item is None:
            return True
        file_bytes = path.stat().st_size
        if file_bytes == item.file_bytes:
            self.finish_file(job_id, number, path)
            return True
        try:
            _flush(path)
            path.replace(_part(batch, item, file_bytes))
        except OSError as error:
            raise library_error(error, self._library.folder) from error
        self._last_active[job_id] = self._clock()
        self._end_reception(path, is_kept=True)
        return False

    def received_bytes(self, job_id: str) -> dict[int, int]:
        """Return the bytes that have arrived of each file sent in parts, by its number."""
        batch = self._jobs.batch(job_id)
        names = [] if batch is None else [path.name for path in batch.folder.glob("[0-9]*.*")]
        parts = (name.partition(".") for name in names)
        return {int(file): int(file_bytes) for file, _, file_bytes in parts}

    def finish_file(self, job_id: str, number: int, written: Path) -> None:
        """Accept a file that was written whole and queue it for tagging; raises as `begin_file`."""
        batch = self._batch(job_id)
        item = batch.pending.find(file_of(number))
        if item is None:
            return  # cancelled, or sent twice at the same time and already accepted
        arrived_bytes = written.stat().st_size
        if arrived_bytes != item.file_bytes:
            raise UploadIncomplete(
                f"{arrived_bytes:,} of {item.file_bytes:,} bytes arrived. Send the file again."
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
        self._last_active[job_id] = self._clock()
        self._end_reception(written, is_kept=True)
        self._jobs.feed(self._jobs.job(job_id), [item])

    def end(self, job_id: str) -> Job:
        """Expect no more files; those that did not arrive are counted as skipped."""
        job = self._jobs.job(job_id)
        batch = self._jobs.batch(job_id)
        if batch is not None:
            reason = UploadIncomplete("The file has not arrived. Drop it again to add it.")
            self._jobs.skip_files(job, batch.pending.end(), reason)
        self._last_active.pop(job_id, None)
        return job

    def end_idle(self) -> list[Job]:
        """End the uploads that have received nothing for `IDLE_S`."""
        now, ended = self._clock(), []
        for job in self._incomplete():
            if now - self._last_active.setdefault(job.id, now) > IDLE_S:
                ended.append(self.end(job.id))
        return ended

    def _end_reception(self, path: Path, is_kept: bool = False) -> None:
        receiving = self._receiving.pop(path, None)
        if receiving is not None and is_kept:
            receiving.reception.finish()
        elif receiving is not None:
            receiving.reception.end()

    def _incomplete(self) -> list[Job]:
        return [job for job in self._jobs.running() if self.missing(job.id)]

    def _batch(self, job_id: str) -> IncomingBatch:
        batch = self._jobs.batch(job_id)
        if batch is None or self._jobs.job(job_id).is_cancelled:
            self._jobs.job(job_id)  # raises JobNotFound for an unknown id
            raise UploadOver("This upload has ended and accepts no more files. Begin another.")
        return batch

    def _is_settled(self, job_id: str, number: int) -> bool:
        # A file that was announced and is no longer pending has been processed.
        return 0 <= number < self._jobs.job(job_id).progress().total


def _part(batch: IncomingBatch, item: IncomingFile, file_bytes: int) -> Path:
    return batch.folder / f"{item.file}.{file_bytes}"


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
