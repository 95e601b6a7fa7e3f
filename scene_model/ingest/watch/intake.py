"""From files that are not done to jobs of the runner, and from their outcomes to the ledger."""

import logging
import math
import os
from collections.abc import Callable
from queue import Empty, SimpleQueue

from scene_model.errors import SceneError
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.runner import JobRunner
from scene_model.ingest.watch.arrivals import Arrivals
from scene_model.ingest.watch.folder_files import FileStamp, has_written_end, stamp_of
from scene_model.ingest.watch.folder_state import now_text
from scene_model.ingest.watch.ledger import HandledFile, Ledger
from scene_model.ingest.watch.watched_folders import WatchedFolder
from scene_model.jobs.job import Job, JobKind, Outcome
from scene_model.library.store import Library

# Few, so that other jobs get their turn and a kill leaves little to do again.
MAX_FILES_PER_JOB = 100
_END_S = 30.0

FileDone = Callable[[str, Outcome], None]
"""Called with a path and its outcome when a file is done."""

logger = logging.getLogger(__name__)


class Intake:
    """The files of one watched folder on their way into the library.

    `receive` and `stop` may be called from any thread, the rest belongs to one. message: what
    stands in the way until `held_until`, such as a full disk.
    """

    def __init__(
        self,
        folder: WatchedFolder,
        ledger: Ledger,
        library: Library,
        jobs: JobRunner,
        arrivals: Arrivals,
        retry_s: float,
        on_done: FileDone,
    ) -> None:
        """retry_s: how long to wait after something stood in the way."""
        self.arrivals = arrivals
        self._folder, self._ledger = folder, ledger
        self._library, self._jobs = library, jobs
        self._retry_s, self._on_done = retry_s, on_done
        self._outcomes = SimpleQueue[tuple[IncomingFile, Outcome]]()
        self._job: Job | None = None
        self._is_stopped = False
        self.held_until, self.message = -math.inf, ""

    @property
    def is_adding(self) -> bool:
        """Whether a job has not been completed."""
        return self._job is not None

    @property
    def is_idle(self) -> bool:
        """Whether no file is left to do."""
        return not len(self.arrivals) and self._outcomes.empty()

    def note(self, path: str, stamp: FileStamp, now: float) -> None:
        """Take a file that was scanned, unless it is done."""
        handled = self._ledger.get(path)
        if handled is None or handled.stamp != stamp:
            self.arrivals.note(path, stamp, now)

    def receive(self, file: IncomingFile, outcome: Outcome) -> None:
        """Take the outcome of one of the folder's files."""
        self._outcomes.put((file, outcome))

    def submit(self, now: float) -> None:
        """Begin a job of files that are whole, unless one is running."""
        if self._job is not None:
            if self._job.is_running:
                return
            self.settle(now)
            self.arrivals.postpone_all(now)
            self._job = None
        if self._is_stopped or now < max(self.held_until, self.arrivals.next_due()):
            return
        in_other_jobs = self._files_in_other_jobs()
        taken = self.arrivals.take(
            now,
            MAX_FILES_PER_JOB,
            lambda path: None if path in in_other_jobs else stamp_of(path),
            has_written_end,
        )
        if not taken:
            return
        try:
            largest = 0 if self._folder.by_reference else max(s.file_bytes for _, s in taken)
            self._library.require_space(largest)
            self._job = self._jobs.submit_scanned(self._items(taken))
        except SceneError as error:
            self._hold(error.message, now)
            self.arrivals.postpone_all(now)

    def settle(self, now: float) -> None:
        """Store the outcomes that were received."""
        while True:
            try:
                file, outcome = self._outcomes.get_nowait()
            except Empty:
                return
            self._settle(file, outcome, now)

    def stop(self) -> None:
        """Cancel the job; the photos so far stay."""
        self._is_stopped = True
        job = self._job
        if job is not None:
            job.cancel()

    def close(self, now: float) -> None:
        """Wait for the photos in work, and store what was done with them."""
        self.stop()
        if self._job is not None:
            self._job.wait(_END_S)
        self.settle(now)

    def _settle(self, file: IncomingFile, outcome: Outcome, now: float) -> None:
        path, problem = file.source or "", outcome.skipped
        if outcome.is_waiting:
            self._hold(problem.message if problem is not None else "", now)
            self.arrivals.postpone(path, now)
            return
        if problem is not None and problem.code == "file_changing":
            self.arrivals.postpone(path, now)
            return
        if problem is not None and not self.arrivals.fail(path, now):
            return
        stamp = FileStamp(file.file_bytes or 0, file.mtime_ns or 0)
        code, message = (problem.code, problem.message) if problem else ("", "")
        handled = HandledFile(stamp, outcome.photo_id, code, message)
        self._ledger.record(path, handled)
        self.arrivals.finish(path)
        self._on_done(path, outcome)

    def _hold(self, message: str, now: float) -> None:
        self.held_until, self.message = now + self._retry_s, message

    def _items(self, taken: list[tuple[str, FileStamp]]) -> list[IncomingFile]:
        uploaded_at = now_text()
        return [
            IncomingFile(
                os.path.basename(path).encode("utf-8", "replace").decode("utf-8"),  # noqa: PTH119
                f"{number:06d}",
                uploaded_at,
                file_bytes=stamp.file_bytes,
                source=path,
                by_reference=self._folder.by_reference,
                mtime_ns=stamp.mtime_ns,
            )
            for number, (path, stamp) in enumerate(taken)
        ]

    def _files_in_other_jobs(self) -> set[str]:
        """Return the files that a job of an earlier run, which was resumed, has not done yet."""
        batches = [self._jobs.batch(job.id) for job in self._jobs.running(JobKind.WATCH)]
        files = [file for batch in batches if batch is not None for file in batch.files]
        return {file.source for file in files if file.source is not None}
