"""Watch a folder in which files arrive slowly and move, while the watch is killed; and an idle one.

Files are written in chunks, some under a partial name; meanwhile some are renamed and moved, and
the watching process is killed (SIGKILL) at random moments and started again. At the end every photo
must be in the library once and whole. This runs with events and with scans alone. Then a folder of
many files that are done is watched, and the processor time of the idle process is measured.

    python -m benchmarks.watch [--files 1000] [--kills 20] [--idle-files 50000] [--idle-s 60]
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.kill_ingest import faults, made_photo
from scene_model.config import PROJECT_DIR
from scene_model.ingest.watch.folder_files import UnreadableFolders, photo_files
from scene_model.ingest.watch.ledger import HandledFile, Ledger
from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash

_CHUNK_BYTES = 4_000
# Longer than a file has to stay the same before it is tried.
_LONG_PAUSE_S = 3.0
_FIRST_KILL_S, _LAST_KILL_S = 2.0, 7.0
_END_S = 300.0
_FILES_PER_FOLDER = 100


class SlowWriter(threading.Thread):
    """Writes photos in chunks into a folder, and renames and moves some that are written."""

    def __init__(
        self, folder: Path, count: int, seed: int, total_s: float, long_pauses: int
    ) -> None:
        """total_s: about how long all of it takes. long_pauses: in the middle of so many files."""
        super().__init__(daemon=True)
        self.folder, self.ids = folder, set[str]()
        self._count, self._pause_s = count, total_s / count / 3
        self._paused_files = {number * count // (long_pauses + 1) for number in range(long_pauses)}
        self._random = random.Random(seed)  # noqa: S311
        self.moves = 0

    def run(self) -> None:
        """Write and move."""
        (self.folder / "sorted").mkdir()
        written: list[Path] = []
        for number in range(self._count):
            data = made_photo(number)
            self.ids.add(content_hash(data))
            written.append(self._write(number, data))
            if number % 3 == 2:
                written.append(self._move(written.pop(self._random.randrange(len(written)))))
        for index in range(0, len(written), 4):
            written[index] = self._move(written[index])

    def _write(self, number: int, data: bytes) -> Path:
        path = self.folder / f"{number:05d}.jpg"
        target = path.with_name(f"{path.name}.part") if number % 4 == 0 else path
        is_long = number in self._paused_files
        with target.open("wb") as file:
            for start in range(0, len(data), _CHUNK_BYTES):
                file.write(data[start : start + _CHUNK_BYTES])
                file.flush()
                time.sleep(_LONG_PAUSE_S if is_long and start == 0 else self._pause_s)
        if target != path:
            target.rename(path)
        return path

    def _move(self, path: Path) -> Path:
        self.moves += 1
        folder = self.folder / "sorted" if path.parent == self.folder else self.folder
        return path.rename(folder / f"moved_{self.moves}_{path.name}")


def _started(folder: Path, library: Path, options: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "scene_model", "watch", str(folder), "--library", str(library)]
        + options,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT_DIR,
    )


def kill_while_writing(
    folder: Path, library: Path, files: int, kills: int, options: list[str], long_pauses: int = 8
) -> list[str]:
    """Watch while files arrive, and kill it ``kills`` times; returns the faults at the end."""
    folder.mkdir(parents=True)
    moments = random.Random(len(options))  # noqa: S311
    began = time.perf_counter()
    writing_s = kills * (_FIRST_KILL_S + _LAST_KILL_S) / 2
    writer = SlowWriter(folder, files, len(options), writing_s, long_pauses)
    writer.start()
    for _ in range(kills):
        process = _started(folder, library, options)
        with process:
            time.sleep(moments.uniform(_FIRST_KILL_S, _LAST_KILL_S))
            process.kill()
    with _started(folder, library, options) as process:
        writer.join()
        _wait_for(library, writer.ids, folder if "--reference" in options else None)
        process.send_signal(signal.SIGINT)
        exit_code = process.wait(60)
    wrong = _faults(library, writer.ids, folder if "--reference" in options else None)
    if exit_code != 130:
        wrong.append(f"exit code {exit_code} instead of 130")
    print(
        f"{' '.join(options)}: {files} files, {writer.moves} moves, {kills} kills in "
        f"{time.perf_counter() - began:.0f} s: {', '.join(wrong[:5]) or 'no faults'}",
        flush=True,
    )
    return wrong


def _wait_for(library: Path, ids: set[str], referenced: Path | None) -> None:
    """Wait until all photos are there, and followed to where their files are."""
    deadline = time.monotonic() + _END_S
    while time.monotonic() < deadline and _faults(library, ids, referenced):
        time.sleep(1)


def _faults(library_folder: Path, ids: set[str], referenced: Path | None) -> list[str]:
    with Library(library_folder) as library:
        stored = set(library.find())
        wrong = [] if stored == ids else [f"{len(stored & ids)} of {len(ids)} photos"]
        wrong += [f"{len(stored - ids)} half or double"] if stored - ids else []
        # Read only when nothing is missing: a copy is read whole for its hash.
        wrong = wrong or faults(library)
        if not wrong and referenced is not None:
            records = library.records(ids)
            outside = [r.name for r in records if r.reference is None]
            wrong = [f"{name} is a copy" for name in outside]
        left = [path.name for path in library.incoming_dir.iterdir() if path.is_dir()]
        return wrong or [f"the job {name} is left" for name in left]


def idle_share(folder: Path, library_folder: Path, files: int, seconds: float, way: str) -> float:
    """Watch a folder whose files are all done; returns the share of a core that it takes.

    way: "events" or "scans". Reads `/proc`, so Linux only.
    """
    _make_done_folder(folder, library_folder, files)
    options = ["--copy"] if way == "events" else ["--copy", "--interval", "20"]
    with _started(folder, library_folder, options) as process:
        watched = WatchedFolder(folder, by_reference=False)
        with Library(library_folder) as library:
            folders = WatchedFolders(library)
            deadline = time.monotonic() + _END_S
            while time.monotonic() < deadline and not _is_scanned(folders, watched):
                time.sleep(0.5)
            photos = folders.read_state(watched).get("photos")
        time.sleep(5)
        began, before = time.perf_counter(), _cpu_s(process.pid)
        time.sleep(seconds)
        share = (_cpu_s(process.pid) - before) / (time.perf_counter() - began)
        process.send_signal(signal.SIGINT)
        process.wait(60)
    print(f"idle, {way}: {photos:,} files, {share:.2%} of a core over {seconds:.0f} s", flush=True)
    return share


def _is_scanned(folders: WatchedFolders, watched: WatchedFolder) -> bool:
    return folders.read_state(watched).get("scanned_at") is not None


def _make_done_folder(folder: Path, library_folder: Path, files: int) -> None:
    """Make small files, and the list of handled files as a watch would have left it."""
    for number in range(files):
        path = folder / f"{number // _FILES_PER_FOLDER:04d}" / f"{number:06d}.jpg"
        if number % _FILES_PER_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"done")
    watched = WatchedFolder(folder, by_reference=False)
    with Library(library_folder) as library:
        folders = WatchedFolders(library)
        folders.save(watched)
        files_dir = library.files.new_dir
        ledger = Ledger(folders.ledger_file(watched), library.file_system, files_dir)
        for path_text, stamp in photo_files(str(folder), UnreadableFolders()):
            ledger.record(path_text, HandledFile(stamp, content_hash(path_text.encode())))


def _cpu_s(process_id: int) -> float:
    """Return user and system time of a process and of its children (proc(5))."""
    process = Path(f"/proc/{process_id}")
    fields = (process / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    own_s = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    lists = [path.read_text(encoding="ascii") for path in process.glob("task/*/children")]
    return own_s + sum(_cpu_s(int(child)) for text in lists for child in text.split())


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--idle-files", type=int, default=50_000)
    parser.add_argument("--idle-s", type=float, default=60.0)
    options = parser.parse_args()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background by a shell
        signal.signal(signal.SIGINT, signal.default_int_handler)
    is_sound = True
    with tempfile.TemporaryDirectory() as temporary:
        for name, way in (
            ("events, copies", ["--copy"]),
            ("events, references", ["--reference"]),
            ("scans, references", ["--reference", "--interval", "1"]),
        ):
            folder = Path(temporary) / name
            wrong = kill_while_writing(
                folder / "in", folder / "library", options.files, options.kills, way
            )
            is_sound &= not wrong
        for way_name in ("events", "scans"):
            folder = Path(temporary) / f"idle {way_name}"
            share = idle_share(
                folder / "in", folder / "library", options.idle_files, options.idle_s, way_name
            )
            is_sound &= share < 0.01
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
