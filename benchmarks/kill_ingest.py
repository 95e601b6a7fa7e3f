"""Kill an ingest of 500 photos at fifty random moments; no photo may be lost or incomplete.

Each round starts a process that resumes the ingest, kills it (SIGKILL, without cleanup), and then
checks the library: every row has complete files, and every photo has a row or a pending upload.
The last round runs to the end.

    python -m benchmarks.kill_ingest [--photos 500] [--kills 50] [--folder DIR]
"""

import argparse
import io
import itertools
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import select

from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import SceneError
from scene_model.ingest.new_batch import receive
from scene_model.library.database.schema import free_slots, photos
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash, file_content_hash
from scene_model.services import open_services

_UPLOADED_AT = "2026-01-02T03:04:05.000+00:00"


def made_photo(number: int) -> bytes:
    """Make a small JPEG that differs for each number."""
    pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((240, 180)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def faults(library: Library) -> list[str]:
    """List the faults of a library: damaged database, missing or incomplete files, wrong slots."""
    wrong = []
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(photos)).all()
        free = {(row.file, row.slot) for row in connection.execute(select(free_slots))}
        sound = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if sound != "ok" or dangling:
        wrong.append(f"database: {sound}, {len(dangling)} rows without a photo")
    slots = [(row.embedding_file, row.embedding_slot) for row in rows]
    if len(set(slots)) < len(slots):
        wrong.append("two photos share a slot")
    if free & set(slots):
        wrong.append("a slot is both used and free")
    for row in rows:
        try:
            if file_content_hash(library.original_path(row.id)) != row.id:
                wrong.append(f"{row.name}: original has other contents")
            library.embedding(row.id)
            thumbnail = library.files.thumbnail_location(row.id).read_bytes()
            Image.open(io.BytesIO(thumbnail)).load()
            if library.photo(row.id).is_video:
                Image.open(library.files.frames_location(row.id)).load()
            if not library.photo(row.id).tags and row.auto_class != "unsure":
                wrong.append(f"{row.name}: no tags")
        except (SceneError, OSError) as error:
            wrong.append(f"{row.name}: {error}")
    return wrong


def orphans(library: Library) -> set[str]:
    """Ids of originals without a row."""
    stored = {path.stem for path in (library.folder / "originals").rglob("*.*")}
    return stored - set(library.find()) - set(library.find(trashed=True))


def work(folder: Path) -> None:
    """Resume unfinished uploads and end when they are done; runs in a process of its own."""
    services = open_services(Settings(library=folder, workers=2))
    print("working", flush=True)
    for job in services.jobs.running():
        job.wait()
    services.close()


def _killed_after(folder: Path, delay_s: float | None) -> bool:
    """Run `work` in a process and kill it after a delay; True when it ended before that."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kill_ingest", "--work", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT_DIR,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe, two lines above
    with process, process.stdout as output:
        output.readline()
        try:
            return process.wait(delay_s) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            process.wait()
            return False


def run(folder: Path, count: int, kills: int, seed: int) -> tuple[int, bool]:
    """Kill up to ``kills`` times, then run to the end.

    Returns the number of kills and whether there were no faults.
    """
    data = {content_hash(photo): photo for photo in map(made_photo, range(count))}
    uploads: Iterator[tuple[str, bytes]] = (
        (f"{number:04d}.jpg", photo) for number, photo in enumerate(data.values())
    )
    with Library(folder) as library:
        receive(library.incoming_dir, uploads, _UPLOADED_AT).lock_file.release()
    moments, killed, wrong, started = random.Random(seed), 0, 0, time.perf_counter()  # noqa: S311
    # Scaled with the duration of the ingest, so that the kills spread over all of it.
    mean_s = max(0.05, 0.012 * count / max(kills, 1))
    while killed < kills and not _killed_after(folder, moments.uniform(0, 2 * mean_s)):
        killed += 1
        wrong += _check(folder, data, killed)
    ended = _killed_after(folder, None)
    wrong += _check(folder, data, killed)
    with Library(folder) as library:
        stored_ids, orphan_ids = set(library.find()), orphans(library)
        pending = [path for path in library.incoming_dir.iterdir() if path.is_dir()]
    took = time.perf_counter() - started
    print(
        f"{killed} kills in {took:.0f} s: {len(stored_ids)} of {count} photos, {len(orphan_ids)} "
        f"originals without a row, {len(pending)} uploads left, {wrong} faults"
    )
    return killed, ended and not wrong and stored_ids == set(
        data
    ) and not orphan_ids and not pending


def _check(folder: Path, data: dict[str, bytes], killed: int) -> int:
    """Print the faults after a kill; returns their number."""
    try:
        with Library(folder) as library:
            messages = faults(library)
            stored_ids = set(library.find())
            pending_ids = {
                content_hash(path.read_bytes())
                for path in library.incoming_dir.rglob("*")
                if path.is_file() and path.name.isdigit()
            }
    except (SceneError, sqlite3.Error) as error:
        messages, stored_ids, pending_ids = [str(error)], set(), set()
    lost = set(data) - stored_ids - pending_ids
    if lost:
        messages.append(f"{len(lost)} photos lost")
    print(
        f"    kill {killed}: {len(stored_ids)} stored, {len(pending_ids)} pending",
        *messages,
        flush=True,
    )
    return len(messages)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return 0
    done, is_sound = 0, True
    with tempfile.TemporaryDirectory() as temporary:
        # On a fast machine an ingest may end before enough kills; then another one starts.
        for seed in itertools.count():
            folder = (options.folder or Path(temporary)) / f"library {seed}"
            killed, was_sound = run(folder, options.photos, options.kills - done, seed)
            done, is_sound = done + killed, is_sound and was_sound
            if done >= options.kills or not is_sound:
                break
    print(f"{done} kills in total: {'no faults' if is_sound else 'FAULTS, see above'}")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
