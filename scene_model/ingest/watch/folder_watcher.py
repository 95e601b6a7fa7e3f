"""Watch one folder: find new files, wait until they are whole, add them, follow moved ones.

`FolderWatcher.step` does what is due and returns how long it may wait; `watches` calls it in a
thread. New files come from events and from scans. A scan finds what events missed, and is all
there is on network drives.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from scene_model.errors import LibraryError
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.runner import JobRunner
from scene_model.ingest.watch.arrivals import Arrivals
from scene_model.ingest.watch.events import Events, FolderEvents, OpenEvents
from scene_model.ingest.watch.folder_files import (
    UnreadableFolders,
    WatchedPaths,
    photo_files,
    stamp_of,
)
from scene_model.ingest.watch.folder_state import FolderState, FolderStatus, now_text
from scene_model.ingest.watch.intake import FileDone, Intake
from scene_model.ingest.watch.ledger import Ledger
from scene_model.ingest.watch.lost_originals import lost_originals
from scene_model.ingest.watch.mounts import ListMounts, list_mounts, mount_of
from scene_model.ingest.watch.names import is_photo_name, is_watched_folder_name
from scene_model.ingest.watch.watched_folders import WatchedFolder
from scene_model.jobs.job import Outcome
from scene_model.library.store import Library

_SLEEP_S = 30.0
# How soon the next job begins after one has ended.
_JOB_WAIT_S = 0.2
# Failures that come from the computer, not from the file: tried again after a restart.
_TRIED_AGAIN = frozenset(("unreadable_file", "decoding_stopped", "internal_error"))

_ABSENT = (
    "The folder is not there at the moment. It is watched again when it is back: connect its drive."
)
_EMPTY = "None of the files that were here is there. If the folder belongs to a drive, connect it."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often a folder is scanned, and how long files have to stay the same; in seconds.

    scan_s: between scans of a folder without events. scan_with_events_s: with events. scan_factor:
    a scan waits at least so many times the processor time of the last one. presence_s: between two
    looks whether the folder is there. retry_s: after a full disk. quiet_s, old_s: see `Arrivals`.
    """

    scan_s: float = 20.0
    scan_with_events_s: float = 300.0
    scan_factor: float = 200.0
    presence_s: float = 5.0
    retry_s: float = 60.0
    quiet_s: float = 2.0
    old_s: float = 60.0


@dataclass(frozen=True)
class Surroundings:
    """What a watcher needs of the computer; tests replace it.

    open_events: None: folders are only scanned. clock, wall_clock: seconds; the second one also
    runs while the computer sleeps.
    """

    open_events: OpenEvents | None = FolderEvents
    mounts: ListMounts = list_mounts
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time


class FolderWatcher:
    """Watches one folder; `step` and `close` belong to one thread, the rest to any."""

    def __init__(
        self,
        folder: WatchedFolder,
        ledger: Ledger,
        library: Library,
        jobs: JobRunner,
        pace: Pace,
        surroundings: Surroundings,
        wake: Callable[[], None] = lambda: None,
        on_done: FileDone = lambda _path, _outcome: None,
    ) -> None:
        """wake: called when `step` has something to do. on_done: see `FileDone`."""
        self.folder, self.ledger = folder, ledger
        self._root = str(folder.path)
        self._library = library
        self._pace, self._surroundings = pace, surroundings
        self._wake = wake
        arrivals = Arrivals(pace.quiet_s, pace.old_s)
        self._intake = Intake(folder, ledger, library, jobs, arrivals, pace.retry_s, on_done)
        self._events: Events | None = None
        self._identity: tuple[int, int] | None = None
        self._next_scan = -math.inf
        self._is_scan_asked = threading.Event()
        self._last_step: tuple[float, float, float] | None = None
        self._lost_of: tuple[int, int] | None = None
        self._counted = -1
        self._is_stopped = False
        self.scans = 0
        self.state = FolderState(FolderStatus.STARTING)
        self.try_again(_TRIED_AGAIN)

    def step(self) -> float:
        """Do what is due; return the seconds until there is something to do again."""
        self._notice_sleep()
        self._intake.settle(self._clock())
        if self._is_present():
            self._take_events()
            if self._is_scan_asked.is_set() or self._clock() >= self._next_scan:
                self._is_scan_asked.clear()
                self._scan()
            was_adding = self._intake.is_adding
            self._intake.submit(self._clock())
            if was_adding and not self._intake.is_adding and self.state.missing:
                self._next_scan = -math.inf  # the missing ones may have been moved
        self._update_state()
        wait_s = self._wait_s()
        self._last_step = (self._clock(), self._surroundings.wall_clock(), wait_s)
        return wait_s

    def receive(self, file: IncomingFile, outcome: Outcome) -> None:
        """Take the outcome of one of the folder's files."""
        self._intake.receive(file, outcome)

    def scan_soon(self) -> None:
        """Scan at the next step, also when a scan is running."""
        self._is_scan_asked.set()
        self._wake()

    def try_again(self, codes: frozenset[str] | None = None) -> None:
        """Try the failed files again; codes: only those that failed with one of them."""
        failed = self.ledger.failed()
        self.ledger.forget(f.path for f in failed if codes is None or f.code in codes)
        self.scan_soon()

    def is_idle(self) -> bool:
        """Whether the folder was scanned and none of its files is left to do."""
        is_scanned = self.scans > 0 or self.state.status is FolderStatus.ABSENT
        return is_scanned and self._intake.is_idle

    def stop(self) -> None:
        """End a scan and a job; their photos so far stay."""
        self._is_stopped = True
        self._intake.stop()

    def close(self) -> None:
        """Wait for the photos in work, and store what was done with them."""
        self.stop()
        self._intake.close(self._clock())
        self._update_state()
        self._close_events()

    def _clock(self) -> float:
        return self._surroundings.clock()

    def _notice_sleep(self) -> None:
        """Begin anew after the computer slept: events may be lost, and drives gone and back."""
        if self._last_step is None:
            return
        now, wall = self._clock(), self._surroundings.wall_clock()
        before, wall_before, wait_s = self._last_step
        is_late = now - before > wait_s + _SLEEP_S
        if is_late or wall - wall_before - (now - before) > _SLEEP_S:
            self._identity = None

    def _is_present(self) -> bool:
        """Check that the folder is there; begin to listen to it when it comes or comes back."""
        try:
            status = self.folder.path.stat()
            with os.scandir(self._root):
                pass
        except OSError as error:
            self._lose(error)
            return False
        identity = (status.st_dev, status.st_ino)
        if identity != self._identity:
            self._identity = identity
            self._close_events()
            mount = mount_of(self.folder.path.resolve(), self._surroundings.mounts())
            note = ""
            if self._surroundings.open_events is None or not mount.has_events:
                note = self._scan_note("the system reports no changes on this drive")
            else:
                self._events = self._surroundings.open_events(self.folder.path, self._wake)
            self.state = replace(self.state, status=FolderStatus.WATCHING, message="", note=note)
            self._next_scan = -math.inf
        return True

    def _scan_note(self, reason: str) -> str:
        return f"Scanned every {self._pace.scan_s:.0f} s or less often, since {reason}."

    def _lose(self, error: OSError) -> None:
        status, message = FolderStatus.ABSENT, _ABSENT
        if isinstance(error, PermissionError):
            status = FolderStatus.UNREADABLE
            message = f"The folder cannot be read: {error.strerror}. Change its permissions."
        self._identity = None
        self._intake.arrivals.clear()
        self._close_events()
        self.state = replace(self.state, status=status, message=message)

    def _close_events(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None

    def _take_events(self) -> None:
        events = self._events
        if events is None:
            return
        if events.problem is not None:
            # Said once: from now on the folder is only scanned.
            hint = " On Linux, raise fs.inotify.max_user_watches." if os.name == "posix" else ""
            logger.warning(
                "%s is scanned, not listened to: %s.%s", self._root, events.problem, hint
            )
            note = self._scan_note(f"listening to it failed ({events.problem})") + hint
            self.state = replace(self.state, note=note)
            self._close_events()
            self._next_scan = min(self._next_scan, self._clock() + self._pace.scan_s)
            return
        paths = events.take()
        if paths is None:
            self._next_scan = -math.inf
            return
        watched = WatchedPaths(self.folder.path)
        for path in paths:
            if watched.covers(Path(path)):
                self._notice_change(path)

    def _notice_change(self, path: str) -> None:
        """Scan what an event names: a file, or a folder that came with all its files."""
        name = os.path.basename(path)  # noqa: PTH119 - text, as the events are
        stamp = stamp_of(path) if is_photo_name(name) else None
        if stamp is not None:
            self._intake.note(path, stamp, self._clock())
        elif is_watched_folder_name(name) and os.path.isdir(path):  # noqa: PTH112
            for file, stamp in photo_files(path, UnreadableFolders(), self._stopped):
                self._intake.note(file, stamp, self._clock())

    def _stopped(self) -> bool:
        return self._is_stopped

    def _scan(self) -> None:
        began, unreadable, present = time.thread_time(), UnreadableFolders(), set[str]()
        for path, stamp in photo_files(self._root, unreadable, self._stopped):
            present.add(path)
            self._intake.note(path, stamp, self._clock())
        if self._is_stopped:
            return
        self.scans += 1
        is_empty = not present and len(self.ledger) > 0
        if not is_empty:
            self._compare(present, unreadable)
        message = _EMPTY if is_empty else ""
        if unreadable.folders:
            message = f"{len(unreadable.folders):,} folders in it cannot be read."
        status = FolderStatus.ABSENT if is_empty else FolderStatus.WATCHING
        self.state = replace(self.state, status=status, message=message, scanned_at=now_text())
        has_events = self._events is not None
        usual_s = self._pace.scan_with_events_s if has_events else self._pace.scan_s
        cost_s = (time.thread_time() - began) * self._pace.scan_factor
        self._next_scan = self._clock() + max(usual_s, cost_s)

    def _compare(self, present: set[str], unreadable: UnreadableFolders) -> None:
        """Find the originals that are gone, and forget files that are gone and were copied."""
        try:
            basis = (self._library.version(), hash(frozenset(present)))
            if basis == self._lost_of:
                return
            lost = lost_originals(self._library, self.folder.path, self.ledger, present, unreadable)
        except LibraryError as error:
            logger.warning("the originals in %s were not compared: %s", self._root, error.message)
            return
        self._lost_of = basis
        self.state = replace(self.state, missing=tuple(lost))
        kept = {*present, *lost}
        gone = [p for p in self.ledger.paths() if p not in kept and not unreadable.covers(p)]
        self.ledger.forget(gone)

    def _update_state(self) -> None:
        """Let the state show what the intake does, while the folder is there."""
        state, intake = self.state, self._intake
        if state.status not in (FolderStatus.ABSENT, FolderStatus.UNREADABLE) or intake.is_adding:
            if self._clock() < intake.held_until:
                state = replace(state, status=FolderStatus.WAITING, message=intake.message)
            elif intake.is_adding:
                state = replace(state, status=FolderStatus.ADDING, message="")
            elif state.status in (FolderStatus.WAITING, FolderStatus.ADDING):
                state = replace(state, status=FolderStatus.WATCHING, message="")
        state = replace(state, pending=len(intake.arrivals))
        if self._counted != self.ledger.version:
            self._counted = self.ledger.version
            state = replace(
                state,
                photos=self.ledger.photo_count,
                failed=tuple(self.ledger.failed()),
            )
        self.state = state

    def _wait_s(self) -> float:
        now = self._clock()
        if self._intake.is_adding:
            return min(_JOB_WAIT_S, self._pace.presence_s)
        due = max(self._intake.arrivals.next_due(), self._intake.held_until)
        return max(0.05, min(self._pace.presence_s, self._next_scan - now, due - now))
