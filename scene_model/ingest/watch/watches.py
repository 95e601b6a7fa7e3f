"""All watched folders of one library in this process: a thread for each, and their list.

A folder on a drive that hangs then holds up no other one. The lock file of a folder keeps other
processes away from it; they take over when it is released.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from scene_model.errors import FolderNotWatchable
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.runner import JobRunner
from scene_model.ingest.watch.folder_state import FolderState, FolderStatus
from scene_model.ingest.watch.folder_watcher import FolderWatcher, Pace, Surroundings
from scene_model.ingest.watch.intake import FileDone
from scene_model.ingest.watch.ledger import Ledger
from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.jobs.job import Outcome
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.library.store import Library

_LOCK_RETRY_S, _CLOSE_S = 2.0, 40.0
_QUICK_RETRY_S, _QUICK_ATTEMPTS = 0.1, 3
# How often what other processes see of a folder is written.
_STATE_S = 2.0
_ELSEWHERE = "Another process watches it for this library; this one takes over when that ends."

logger = logging.getLogger(__name__)


def _nobody(_folder: WatchedFolder, _path: str, _outcome: Outcome) -> None:
    return None


class Watches:
    """The watched folders of one library; thread-safe.

    on_done: called with each file that is done, from the thread of its folder.
    """

    def __init__(
        self,
        library: Library,
        jobs: JobRunner,
        pace: Pace | None = None,
        surroundings: Surroundings | None = None,
        on_done: Callable[[WatchedFolder, str, Outcome], None] = _nobody,
    ) -> None:
        """Begin nothing yet."""
        self._library, self._jobs = library, jobs
        self._pace, self._surroundings = pace or Pace(), surroundings or Surroundings()
        self._on_done = on_done
        self.folders = WatchedFolders(library)
        self._lock = threading.Lock()
        self._running: dict[str, _FolderThread] = {}
        jobs.listen(self._route)

    def start(self) -> None:
        """Watch the folders of the list that are not paused."""
        for folder in self.folders.all():
            if not folder.is_paused:
                self.begin(folder)

    def watch(self, path: Path, by_reference: bool) -> WatchedFolder:
        """Add a folder to the list and watch it.

        Raises PathNotFound, FolderInaccessible, FolderNotWatchable or LibraryUnavailable.
        """
        path = path.expanduser().absolute()
        self.folders.require_watchable(path)
        folder = WatchedFolder(path, by_reference)
        self.folders.save(folder)
        self.begin(folder)
        return folder

    def begin(self, folder: WatchedFolder) -> None:
        """Watch a folder of the list in this process."""
        with self._lock:
            if folder.id not in self._running:
                on_done: FileDone = partial(self._on_done, folder)
                thread = _FolderThread(
                    folder, self._open_watcher, self.folders, on_done, self._pace.retry_s
                )
                self._running[folder.id] = thread

    def pause(self, folder_id: str) -> None:
        """Stop watching a folder until `resume`, also after a restart."""
        self.folders.set_paused(folder_id, True)
        self._end(folder_id)

    def resume(self, folder_id: str) -> None:
        """Watch a paused folder again."""
        folder = self.folders.set_paused(folder_id, False)
        if folder is not None:
            self.begin(folder)

    def remove(self, folder_id: str) -> None:
        """Stop watching a folder and forget what was done with its files; its photos stay.

        Raises FolderNotWatchable while another process watches it.
        """
        folder = self.folders.find(folder_id)
        if folder is None:
            return
        if self.state(folder).status is FolderStatus.ELSEWHERE:
            raise FolderNotWatchable(
                f"Another process watches {folder.path} for this library. End that one first.",
                code="folder_watched",
            )
        self._end(folder_id)
        self.folders.remove(folder)

    def scan_soon(self, folder_id: str) -> None:
        """Scan a folder now."""
        watcher = self._watcher(folder_id)
        if watcher is not None:
            watcher.scan_soon()

    def try_again(self, folder_id: str) -> None:
        """Try the failed files of a folder again."""
        watcher = self._watcher(folder_id)
        if watcher is not None:
            watcher.try_again()

    def states(self) -> list[tuple[WatchedFolder, FolderState]]:
        """Return the folders of the list with what they are doing, by path."""
        return [(folder, self.state(folder)) for folder in self.folders.all()]

    def state(self, folder: WatchedFolder) -> FolderState:
        """Return what a folder is doing; for one of another process, what that stored last."""
        thread = self._running.get(folder.id)
        watcher = None if thread is None else thread.watcher
        if watcher is not None:
            return watcher.state
        if thread is not None:
            stored = FolderState.from_row(self.folders.read_state(folder))
            if not thread.is_locked_out:
                return replace(stored, status=FolderStatus.STARTING, message="")
            return replace(stored, status=FolderStatus.ELSEWHERE, message=_ELSEWHERE)
        stored, is_watched = stored_state(self.folders, folder)
        if not is_watched:
            return stored
        return replace(stored, status=FolderStatus.ELSEWHERE, message=_ELSEWHERE)

    def is_idle(self) -> bool:
        """Whether every folder of this process was scanned and none of its files is left to do."""
        watchers = [thread.watcher for thread in list(self._running.values())]
        return all(watcher is not None and watcher.is_idle() for watcher in watchers)

    def close(self) -> None:
        """End the threads; the photos in work are finished."""
        threads = list(self._running.values())
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join()
        with self._lock:
            self._running.clear()

    def _watcher(self, folder_id: str) -> FolderWatcher | None:
        thread = self._running.get(folder_id)
        return None if thread is None else thread.watcher

    def _end(self, folder_id: str) -> None:
        thread = self._running.get(folder_id)
        if thread is not None:
            thread.stop()
            thread.join()  # until then it gets the outcomes of the photos in work
            with self._lock:
                self._running.pop(folder_id, None)

    def _route(self, file: IncomingFile, outcome: Outcome) -> None:
        """Give an outcome to the folder of the file."""
        path = Path(file.source or "")
        for thread in list(self._running.values()):
            watcher = thread.watcher
            if watcher is not None and path.is_relative_to(watcher.folder.path):
                watcher.receive(file, outcome)

    def _open_watcher(
        self, folder: WatchedFolder, wake: Callable[[], None], on_done: FileDone
    ) -> FolderWatcher:
        ledger_file, files = self.folders.ledger_file(folder), self._library.files
        ledger = Ledger(ledger_file, self._library.file_system, files.new_dir)
        return FolderWatcher(
            folder,
            ledger,
            self._library,
            self._jobs,
            self._pace,
            self._surroundings,
            wake,
            on_done,
        )


def stored_state(folders: WatchedFolders, folder: WatchedFolder) -> tuple[FolderState, bool]:
    """Return what a process stored last about a folder, and whether one watches it now.

    Without one, the status is PAUSED or STOPPED.
    """
    stored = FolderState.from_row(folders.read_state(folder))
    lock_file = _lock(folders, folder)
    if lock_file is None:
        return stored, True
    lock_file.release()
    status = FolderStatus.PAUSED if folder.is_paused else FolderStatus.STOPPED
    return replace(stored, status=status, message=""), False


def _lock(folders: WatchedFolders, folder: WatchedFolder) -> LockFile | None:
    try:
        return acquire_lock(folders.data_dir(folder))
    except OSError:
        return None


class _FolderThread:
    """The thread of one folder: waits for its lock, then lets its watcher step."""

    def __init__(
        self,
        folder: WatchedFolder,
        open_watcher: Callable[[WatchedFolder, Callable[[], None], FileDone], FolderWatcher],
        folders: WatchedFolders,
        on_done: FileDone,
        retry_s: float,
    ) -> None:
        self._retry_s = retry_s
        self.watcher: FolderWatcher | None = None
        self.is_locked_out = False
        self._folder, self._folders = folder, folders
        self._open_watcher, self._on_done = open_watcher, on_done
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="watched folder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end soon."""
        self._stop.set()
        self._wake.set()
        watcher = self.watcher
        if watcher is not None:
            watcher.stop()

    def join(self) -> None:
        """Wait until it has ended, though not for a drive that hangs."""
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        lock_file = self._acquire()
        if lock_file is None:
            return
        try:
            while not self._stop.is_set():
                try:
                    self._watch_until_stopped()
                except Exception:  # of one folder; the others go on
                    logger.exception("watching %s failed; it begins anew", self._folder.path)
                    self._stop.wait(self._retry_s)
        finally:
            lock_file.release()

    def _watch_until_stopped(self) -> None:
        watcher = self._open_watcher(self._folder, self._wake.set, self._on_done)
        self.watcher = watcher
        try:
            self._watch(watcher)
        finally:
            watcher.close()
            self.watcher = None
            self._folders.write_state(self._folder, watcher.state.as_row())

    def _acquire(self) -> LockFile | None:
        attempts = 0
        while not self._stop.is_set():
            lock_file = _lock(self._folders, self._folder)
            if lock_file is not None:
                self.is_locked_out = False
                return lock_file
            attempts += 1
            # A process that lists the folders holds the lock for a moment.
            self.is_locked_out = attempts > _QUICK_ATTEMPTS
            self._stop.wait(_LOCK_RETRY_S if self.is_locked_out else _QUICK_RETRY_S)
        return None

    def _watch(self, watcher: FolderWatcher) -> None:
        stored, stored_at = watcher.state, time.monotonic()
        while not self._stop.is_set():
            self._wake.clear()
            wait_s = watcher.step()
            is_due = time.monotonic() - stored_at > _STATE_S
            if is_due and watcher.state != stored and not self._stop.is_set():
                stored, stored_at = watcher.state, time.monotonic()
                self._folders.write_state(self._folder, stored.as_row())
            self._wake.wait(wait_s)
