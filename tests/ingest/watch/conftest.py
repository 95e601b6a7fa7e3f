"""A watched folder whose time the test sets, and whose events the test sends."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scene_model.ingest.watch.events import Events
from scene_model.ingest.watch.folder_watcher import FolderWatcher, Pace, Surroundings
from scene_model.ingest.watch.ledger import Ledger
from scene_model.ingest.watch.mounts import Mount
from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.services import Services


class SentEvents:
    """Events that a test sends."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.paths: list[str] | None = []
        self.is_closed = False

    def take(self) -> list[str] | None:
        paths, self.paths = self.paths, []
        return paths

    def close(self) -> None:
        self.is_closed = True


@dataclass
class WatchedPlace:
    """A folder, its watcher, and the clock of both."""

    services: Services
    folder: Path
    by_reference: bool = True
    mounts: Sequence[Mount] = ()
    now: float = 1_000.0
    slept: float = 0.0
    opened: list[SentEvents] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.restart()

    def restart(self) -> None:
        """Begin as a new process would, with what is on the disk."""
        folders = WatchedFolders(self.services.library)
        watched = WatchedFolder(self.folder, self.by_reference)
        folders.save(watched)
        library = self.services.library
        ledger = Ledger(folders.ledger_file(watched), library.file_system, library.files.new_dir)
        surroundings = Surroundings(
            self._open_events, lambda: self.mounts, lambda: self.now, lambda: self.now + self.slept
        )
        self.watcher = FolderWatcher(
            watched,
            ledger,
            library,
            self.services.jobs,
            Pace(),
            surroundings,
            on_done=lambda path, _outcome: self.done.append(Path(path).name),
        )
        self.services.jobs.listen(self.watcher.receive)

    @property
    def events(self) -> SentEvents:
        return self.opened[-1]

    def _open_events(self, folder: Path, wake: Callable[[], None]) -> Events:
        self.opened.append(SentEvents())
        return self.opened[-1]

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps, as the thread would; jobs end in between."""
        end = self.now + seconds
        while True:
            wait_s = self.watcher.step()
            for job in self.services.jobs.running():
                assert job.wait(60)
            if self.now >= end:
                break
            self.now = min(self.now + wait_s, end)

    def write(self, name: str, data: bytes) -> Path:
        """Write a file and send its event."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if self.opened and self.events.paths is not None:
            self.events.paths.append(str(path))
        return path

    def names(self) -> list[str]:
        """Names of all photos outside the trash."""
        library = self.services.library
        return sorted(photo.name for photo in library.records(library.find()))


@pytest.fixture
def place(services: Services, tmp_path: Path) -> WatchedPlace:
    """A folder watched by reference."""
    return WatchedPlace(services, tmp_path / "in")


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
