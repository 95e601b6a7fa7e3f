"""Write the files of runs of rules, and remove them when runs are undone, also after a kill."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from scene_model.errors import SceneError, SortRunning
from scene_model.jobs.lock_file import acquire_lock
from scene_model.library.rules.run_files import FileColumns, FileState, RunFiles, settle_files
from scene_model.library.store import Library

LOCK_NAME = "rule-copies"

Run = TypeVar("Run", bound=RunFiles)

logger = logging.getLogger(__name__)


class RunFileWriter(ABC, Generic[Run]):
    """Does what is left to do of one kind of files, run by run."""

    def __init__(self, library: Library, columns: FileColumns, noun: str) -> None:
        """Set up. columns: of the kind of files. noun: what they are called, in the plural."""
        self._library, self._columns, self._noun = library, columns, noun

    def finish(self) -> None:
        """Do what is left to do of all runs, also of a process that was killed.

        If another process is at it, that one does it. What fails is recorded with its run.
        """
        postponed: set[tuple[int, str]] = set()
        while runs := [r for r in self._unfinished() if (r.run_id, r.state) not in postponed]:
            lock = acquire_lock(self._library.folder / LOCK_NAME)
            if lock is None:
                return
            try:
                # Read again: another process may have done them before we got the lock.
                states = {run.run_id: run for run in self._unfinished()}
                for run in (states[run.run_id] for run in runs if run.run_id in states):
                    if (run.run_id, run.state) in postponed or not self._finish(run):
                        postponed.add((run.run_id, run.state))
            finally:
                lock.release()

    @abstractmethod
    def _unfinished(self) -> Sequence[Run]:
        """Return the runs that have files to write or to remove, the earliest first."""

    @abstractmethod
    def _write(self, run: Run) -> None:
        """Write the files of a run, and record how it ended."""

    @abstractmethod
    def _remove(self, run: Run) -> None:
        """Remove the files of a run, and record how it ended."""

    def _finish(self, run: Run) -> bool:
        """Write or remove what a run has to; False where it must wait for something."""
        try:
            if run.state is FileState.UNDOING:
                self._remove(run)
            else:
                self._write(run)
        except SortRunning:
            return False
        except Exception as error:  # one bad run never fails the others
            if not isinstance(error, SceneError | OSError):
                logger.exception("the %s of a rule failed", self._noun)
            return self._failed(run, str(getattr(error, "message", error)))
        return True

    def _failed(self, run: Run, reason: str) -> bool:
        if run.state is FileState.UNDOING:  # tried again at the next start
            note = f"Its {self._noun} are not removed yet. {reason}"
            settle_files(self._library, self._columns, run, FileState.UNDOING, None, note)
            return False
        settle_files(self._library, self._columns, run, FileState.FAILED, None, reason)
        return True
