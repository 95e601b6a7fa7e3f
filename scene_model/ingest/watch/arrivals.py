"""New files of a folder, until they are whole: size and time stay the same for a while."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scene_model.ingest.watch.folder_files import FileStamp


@dataclass
class _Arrival:
    """A file that is not done. since: when it was scanned first with this stamp."""

    stamp: FileStamp
    since: float
    has_failed: bool = False


@dataclass
class Arrivals:
    """The files that are not done; times in seconds of one clock.

    quiet_s: how long a file has to stay the same before it is tried. old_s: after how long a file
    that cannot be decoded is given up; until then it may be incomplete.
    """

    quiet_s: float
    old_s: float
    _waiting: dict[str, _Arrival] = field(default_factory=dict)
    _in_work: dict[str, _Arrival] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of files, those in work too."""
        return len(self._waiting.keys() | self._in_work.keys())

    def note(self, path: str, stamp: FileStamp, now: float) -> None:
        """Add a file that is not done, or start again with one that has changed."""
        arrival = self._waiting.get(path) or self._in_work.get(path)
        if arrival is None or arrival.stamp != stamp:
            self._waiting[path] = _Arrival(stamp, now)

    def next_due(self) -> float:
        """Return when the next file is due; infinity without one."""
        return min(map(self._due, self._waiting.values()), default=math.inf)

    def take(
        self,
        now: float,
        limit: int,
        stamp_of: Callable[[str], FileStamp | None],
        is_whole: Callable[[str], bool] = lambda _path: True,
    ) -> list[tuple[str, FileStamp]]:
        """Return files that are due and still the same; they are in work from now on.

        is_whole: a file that does not look whole is taken only when it is old.
        """
        taken: list[tuple[str, FileStamp]] = []
        due = [path for path, arrival in self._waiting.items() if self._due(arrival) <= now]
        for path in due:
            if len(taken) == limit:
                break
            arrival, stamp = self._waiting[path], stamp_of(path)
            if stamp is None:
                del self._waiting[path]
            elif stamp != arrival.stamp:
                self._waiting[path] = _Arrival(stamp, now)
            elif not arrival.has_failed and not is_whole(path):
                arrival.has_failed = True
            elif path not in self._in_work:
                self._in_work[path] = self._waiting.pop(path)
                taken.append((path, stamp))
        return taken

    def finish(self, path: str) -> None:
        """Mark a file as done; if it has changed since, it waits again."""
        self._in_work.pop(path, None)

    def fail(self, path: str, now: float) -> bool:
        """Whether a file that failed is given up; otherwise it is tried again when it is old."""
        arrival = self._in_work.pop(path, None)
        if arrival is None or path in self._waiting:
            return False
        if now - arrival.since >= self.old_s:
            return True
        arrival.has_failed = True
        self._waiting[path] = arrival
        return False

    def postpone(self, path: str, now: float) -> None:
        """Let a file wait again, as if it had just been scanned."""
        arrival = self._in_work.pop(path, None)
        if arrival is not None:
            self._waiting.setdefault(path, _Arrival(arrival.stamp, now))

    def postpone_all(self, now: float) -> None:
        """Let all files in work wait again: their job has ended without them."""
        for path in list(self._in_work):
            self.postpone(path, now)

    def clear(self) -> None:
        """Forget all files; the next scan finds them again."""
        self._waiting.clear()
        self._in_work.clear()

    def paths(self) -> Iterator[str]:
        """Yield all paths."""
        yield from self._waiting.keys() | self._in_work.keys()

    def _due(self, arrival: _Arrival) -> float:
        return arrival.since + (self.old_s if arrival.has_failed else self.quiet_s)
