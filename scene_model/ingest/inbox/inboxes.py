"""The inboxes of one library, and the thread that adds what has arrived in them.

LIBRARY/inbox.lock    held by the process that has the inboxes open

Files that arrive within a second are one job, and the next job begins when it has ended.
"""

import datetime
import logging
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from scene_model.errors import LibraryInUse, SceneError
from scene_model.ingest.inbox.inbox import FOLDER_NAME, HELD_S, Inbox, Waiting
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.runner import JobRunner
from scene_model.jobs.job import Outcome
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.library.files.file_system import library_error
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits

_MAX_JOB_FILES = 500
# A job waits so long for more files, and for files that could not be added for now.
_QUIET_S, _RETRY_S = 1.0, 60.0
_CLOSE_S = 5.0

logger = logging.getLogger(__name__)


class Inboxes:
    """The inboxes of one library by the ids of their codes; thread-safe."""

    def __init__(
        self,
        library: Library,
        jobs: JobRunner,
        limits: PhotoLimits,
        quiet_s: float = _QUIET_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open none yet. quiet_s: how long a job waits for more files."""
        self._library, self._jobs, self._limits = library, jobs, limits
        self._quiet_s, self._clock = quiet_s, clock
        self._lock = threading.Lock()
        self._inboxes: dict[str, Inbox] = {}
        self._lock_file: LockFile | None = None
        self._thread: threading.Thread | None = None
        self._wake, self._is_closed = threading.Event(), threading.Event()

    def start(self, in_use: Collection[str] = ()) -> None:
        """Open the inboxes of earlier runs, and add what arrived in them.

        in_use: the ids of the codes in use; the inboxes of others are removed once they are empty.
        """
        folder = self._library.folder / FOLDER_NAME
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir():
                inbox = self.of(path.name)
                if path.name not in in_use:
                    inbox.forget()
        self._run_thread()

    def of(self, code_id: str) -> Inbox:
        """Return the inbox of a code; raises LibraryError, also when another process has it."""
        with self._lock:
            if code_id not in self._inboxes:
                self._require_lock()
                self._inboxes[code_id] = Inbox(
                    self._library, code_id, self._limits, self._run_thread, self._clock
                )
            return self._inboxes[code_id]

    def end(self, code_id: str) -> None:
        """Forget the inbox of a code that was ended; what has arrived is still added."""
        with self._lock:
            inbox = self._inboxes.get(code_id)
        if inbox is not None:
            inbox.forget()

    def close(self) -> None:
        """Submit no more jobs; what is not added stays in the inboxes."""
        self._is_closed.set()
        self._wake.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSE_S)
        with self._lock:
            if self._lock_file is not None:
                self._lock_file.release()

    def _require_lock(self) -> None:
        """Lock the inboxes: each process would rewrite their lists without the other's files."""
        if self._lock_file is None:
            try:
                self._lock_file = acquire_lock(self._library.folder / FOLDER_NAME)
            except OSError as error:
                raise library_error(error, self._library.folder) from error
        if self._lock_file is None:
            raise LibraryInUse(
                "Another running Scene Gallery has the inboxes of this library open. Use that one, "
                "or end it."
            )

    def _run_thread(self) -> None:
        self._wake.set()
        with self._lock:
            if self._thread is None and self._inboxes and not self._is_closed.is_set():
                self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            self._wake.clear()
            self._is_closed.wait(self._quiet_s)
            try:
                retry_s = self._add_waiting()
            except SceneError as error:
                logger.warning("files of an inbox are not added yet: %s", error.message)
                retry_s = _RETRY_S
            self._wake.wait(retry_s)

    def _add_waiting(self) -> float:
        """Add what has arrived; returns after how many seconds to look again."""
        for inbox in list(self._inboxes.values()):
            while waiting := inbox.waiting()[:_MAX_JOB_FILES]:
                if self._is_closed.is_set():
                    return 0.0
                if not self._add(inbox, waiting):
                    return _RETRY_S
        return HELD_S / 10

    def _add(self, inbox: Inbox, waiting: list[Waiting]) -> bool:
        """Run a job; False when files of it have to be tried again later."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        files = [_item(number, file, now) for number, file in enumerate(waiting)]

        def settle(file: IncomingFile, outcome: Outcome) -> None:
            inbox.settle(Path(file.source or ""), outcome)

        job = self._jobs.submit_inbox(files, settle)
        while not job.wait(0.5):
            if self._is_closed.is_set():
                return True
        tried = {file.source for file in waiting}
        return not any(file.source in tried for file in inbox.waiting())


def has_inboxes(library_folder: Path) -> bool:
    """Whether a library has inboxes, without opening it."""
    folder = library_folder / FOLDER_NAME
    return folder.is_dir() and any(folder.iterdir())


def _item(number: int, file: Waiting, now: str) -> IncomingFile:
    return IncomingFile(
        file.shown_path.rpartition("/")[2],
        f"{number:06d}",
        now,
        shown_path=file.shown_path,
        source=str(file.source),
        is_from_inbox=True,
    )
