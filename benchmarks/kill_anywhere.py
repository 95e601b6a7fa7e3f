"""Kill migrations, retags, embeddings, emptyings of the trash and restores; nothing is lost.

Each round starts a process on a fresh copy of a library, kills it (SIGKILL, without cleanup), and
checks every row, decision, embedding and original. Then the work is done again to its end.

    python -m benchmarks.kill_anywhere [--kills 50] [--photos 80] [--seed 0] [--folder DIR]
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.kill_ingest import made_photo
from scene_model.classifier.bundle import FloatArray
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import SceneError
from scene_model.ingest.embed_item import Embedder
from scene_model.library import edits, trash
from scene_model.library.embeddings.backbone_embeddings import (
    Network,
    embedding_by,
    photos_without,
    remove_embeddings,
)
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.photos.content import Content
from scene_model.photos.hashes import file_content_hash
from scene_model.services import open_services

_VERSION_2 = PROJECT_DIR / "tests" / "assets" / "library_version_2.sql"
_BACKUP = "backup.zip"
_NETWORK = Network("0123456789abcdef", 512)
Facts = dict[str, tuple[object, ...]]
"""What a person would miss, by photo: name, class, own tags, whether it is in the trash."""


@dataclass(frozen=True)
class Scenario:
    """One kind of work.

    make: writes a library and what else is needed into a folder. work: is killed. check: returns
    what is lost, given the facts of before, and whether the work was done to its end.
    """

    make: Callable[[Path, int], None]
    work: Callable[[Path], None]
    check: Callable[[Path, Facts, bool], list[str]]


def facts_of(library: Library) -> Facts:
    """Read the facts of all photos of an open library."""
    return {
        photo.id: (
            photo.name,
            photo.photo_class if photo.class_source == "human" else None,
            tuple(tag.label for tag in photo.tags if tag.head == "human"),
            photo.trashed_at,
        )
        for photo in library.records([*library.find(), *library.find(trashed=True)])
    }


def make_library(folder: Path, count: int) -> None:
    """Add photos; some have tags and classes of a person, every third is in the trash."""
    services = open_services(Settings(library=folder / "library", workers=2))
    services.jobs.submit([(f"{n}.jpg", made_photo(n)) for n in range(count)]).wait(600)
    library = services.library
    ids = library.find()
    edits.add_tag(library, ids[::2], "Grandma")
    edits.set_class(library, ids[1::2], "holiday")
    edits.move_to_trash(library, ids[::3])
    services.close()


def make_for_retag(folder: Path, count: int) -> None:
    """Make a library that another model has tagged."""
    make_library(folder, count)
    database = folder / "library" / "library.db"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE photos SET bundle = 'earlier@0'")
        connection.execute("UPDATE automatic_tags SET bundle = 'earlier@0'")


def make_for_restore(folder: Path, count: int) -> None:
    """Make a library and a backup of it."""
    make_library(folder, count)
    with Library(folder / "library") as library:
        write_backup(library, folder / _BACKUP)


def make_of_version_2(folder: Path, count: int) -> None:
    """Make a library of version 2 with many rows; its originals are not pictures."""
    library = folder / "library"
    library.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(library / "library.db")) as connection, connection:
        connection.executescript(_VERSION_2.read_text(encoding="utf-8"))
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM edit_changes")
        names = [row[1] for row in connection.execute("PRAGMA table_info(photos)")]
        columns = ", ".join(f'"{name}"' for name in names if name not in ("id", "name"))
        (template,) = connection.execute("SELECT min(id) FROM photos").fetchone()
        for number in range(20 * count):
            data = f"original {number}".encode()
            photo_id = hashlib.sha256(data).hexdigest()
            original = library / "originals" / photo_id[:2] / f"{photo_id}.jpg"
            original.parent.mkdir(parents=True, exist_ok=True)
            original.write_bytes(data)
            connection.execute(
                f"INSERT INTO photos (id, name, {columns}) "  # noqa: S608 - the table's own names
                f"SELECT ?, ?, {columns} FROM photos WHERE id = ?",
                (photo_id, f"{number}.jpg", template),
            )
            connection.execute(
                "INSERT INTO tag_decisions VALUES (?, 'Grandma', 'added', '2026')", (photo_id,)
            )
        # The photos of the dump have no original here.
        connection.execute("DELETE FROM photos WHERE name NOT GLOB '[0-9]*.jpg'")


def _open_and_close(folder: Path) -> None:
    Library(folder / "library").close()


def _retag(folder: Path) -> None:
    services = open_services(Settings(library=folder / "library", workers=2))
    print("working", flush=True)
    services.jobs.retag().wait(600)
    services.close()


def _embed(folder: Path) -> None:
    """Embed all photos by a further network, remove the embeddings, and embed them again."""
    services = open_services(Settings(library=folder / "library", workers=2), resume=False)
    embedder = Embedder(_NETWORK, _made_embedding)
    print("working", flush=True)
    services.jobs.embed(embedder).wait(600)
    remove_embeddings(services.library, _NETWORK)
    services.jobs.embed(embedder).wait(600)
    services.close()


def _made_embedding(content: Content) -> FloatArray:
    digest = hashlib.sha256(content if isinstance(content, bytes) else b"video").digest()
    return np.frombuffer(digest * 16, np.uint8).astype(np.float32)


def _empty_trash(folder: Path) -> None:
    with Library(folder / "library") as library:
        print("working", flush=True)
        trash.empty_trash(library, trash.trash_contents(library).photo_ids)


def _restore(folder: Path) -> None:
    restore_backup(folder / _BACKUP, folder / "library", replace=True)


def faults_of(library: Library, before: Facts, may_lack: frozenset[str] = frozenset()) -> list[str]:
    """Compare an open library with the facts of before; ``may_lack``: deleted on purpose."""
    now, wrong = facts_of(library), list[str]()
    wrong += [f"{photo_id[:12]} is lost" for photo_id in set(before) - set(now) - may_lack]
    wrong += [f"{p[:12]} was changed" for p in set(before) & set(now) if before[p] != now[p]]
    for photo_id in now:
        try:
            if file_content_hash(library.original_path(photo_id)) != photo_id:
                wrong.append(f"the original of {photo_id[:12]} was changed")
        except (SceneError, OSError) as error:
            wrong.append(str(error))
    return wrong


def _check_migration(folder: Path, before: Facts, is_finished: bool) -> list[str]:
    with Library(folder / "library") as library:
        for photo_id in library.find():
            library.embedding(photo_id)
        return faults_of(library, before)


def _check_retag(folder: Path, before: Facts, is_finished: bool) -> list[str]:
    with Library(folder / "library") as library:
        wrong = faults_of(library, before)
        wrong += [problem.message for problem in verify(library, settle_s=0).problems]
        if is_finished and library.tagged_by_other_bundles("earlier@0") == []:
            wrong.append("nothing was tagged again")
    return wrong


def _check_embeddings(folder: Path, before: Facts, is_finished: bool) -> list[str]:
    with Library(folder / "library") as library:
        wrong = faults_of(library, before)
        wrong += [problem.message for problem in verify(library, settle_s=0).problems]
        missing = set(photos_without(library, _NETWORK))
        if is_finished and missing:
            wrong.append(f"{len(missing)} photos have no embedding")
        for photo_id in set(library.find()) - missing:
            stored = embedding_by(library, _NETWORK, photo_id)
            expected = _made_embedding(library.original_path(photo_id).read_bytes())
            if not np.array_equal(stored, expected):
                wrong.append(f"{photo_id[:12]} has another photo's embedding")
    return wrong


def _check_emptying(folder: Path, before: Facts, is_finished: bool) -> list[str]:
    trashed = frozenset(photo_id for photo_id, fact in before.items() if fact[3] is not None)
    with Library(folder / "library") as library:
        wrong = faults_of(library, before, may_lack=trashed)
        trash.finish_emptying(library)
        wrong += [problem.message for problem in verify(library, settle_s=0).problems]
        if is_finished and library.count(trashed=True):
            wrong.append("the trash is not empty")
    return wrong


def _check_restore(folder: Path, before: Facts, is_finished: bool) -> list[str]:
    """Each of the library's folders that is there must be whole, and one must be there."""
    folders = [folder / "library", *folder.glob("library.before-*")]
    whole = [path for path in folders if (path / "library.db").is_file()]
    if not whole or (is_finished and not (folder / "library").is_dir()):
        return ["the library is gone"]
    wrong = []
    for path in whole:
        with Library(path) as library:
            wrong += faults_of(library, before)
            wrong += [problem.message for problem in verify(library, settle_s=0).problems]
    return wrong


SCENARIOS = {
    "migration": Scenario(make_of_version_2, _open_and_close, _check_migration),
    "retag": Scenario(make_for_retag, _retag, _check_retag),
    "embeddings": Scenario(make_library, _embed, _check_embeddings),
    "emptying": Scenario(make_library, _empty_trash, _check_emptying),
    "restore": Scenario(make_for_restore, _restore, _check_restore),
}


def work_in_process(name: str, folder: Path, delay_s: float | None) -> tuple[bool, float]:
    """Run a scenario's work in a process and kill it after a delay.

    Returns whether it ended before that, and how long it worked.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.kill_anywhere", "--work", name, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT_DIR,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe, some lines above
    with process:
        process.stdout.readline()
        started = time.perf_counter()
        try:
            _, errors = process.communicate(timeout=delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            process.communicate()
            return False, time.perf_counter() - started
        if process.returncode:
            print(errors.decode(errors="replace")[-1000:])
    return process.returncode == 0, time.perf_counter() - started


def run(name: str, work_dir: Path, count: int, kills: int, moments: random.Random) -> list[str]:
    """Kill one kind of work until it was killed ``kills`` times; returns what was lost."""
    scenario, template, killed, rounds = SCENARIOS[name], work_dir / name, 0, 0
    scenario.make(template, count)
    round_dir, wrong = work_dir / "round", list[str]()
    before, duration_s = _facts(template, round_dir), 0.0
    while killed < kills and rounds < 4 * kills + 4:
        shutil.rmtree(round_dir, ignore_errors=True)
        shutil.copytree(template, round_dir)
        delay_s = moments.uniform(0, duration_s) if rounds else None
        is_ended, took_s = work_in_process(name, round_dir, delay_s)
        duration_s = duration_s or took_s
        killed, rounds = killed + (not is_ended), rounds + 1
        wrong += _checked(scenario, round_dir, before, is_ended and delay_s is None)
        if not is_ended:
            wrong += (
                [] if work_in_process(name, round_dir, None)[0] else ["it cannot be done again"]
            )
            wrong += _checked(scenario, round_dir, before, True)
        if wrong:
            break
    print(
        f"{name}: {killed} kills within {duration_s:.2f} s; {', '.join(wrong) or 'nothing lost'}",
        flush=True,
    )
    return wrong


def _facts(template: Path, round_dir: Path) -> Facts:
    shutil.copytree(template, round_dir)
    with Library(round_dir / "library") as library:
        return facts_of(library)


def _checked(scenario: Scenario, folder: Path, before: Facts, is_finished: bool) -> list[str]:
    _age_leftovers(folder)
    try:
        return scenario.check(folder, before, is_finished)
    except (SceneError, sqlite3.Error, OSError) as error:
        return [f"{type(error).__name__}: {error}"]


def _age_leftovers(folder: Path) -> None:
    """Make incomplete files as old as they are when the next opening of a library removes them."""
    two_hours_ago = time.time() - 7200
    for path in folder.glob("*/new/*"):
        os.utime(path, (two_hours_ago, two_hours_ago))


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=80)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, folder = options.work
        if name in ("migration", "restore"):  # the others print it once the library is open
            print("working", flush=True)
        SCENARIOS[name].work(Path(folder))
        return 0
    moments, wrong = random.Random(options.seed), list[str]()  # noqa: S311 - not for secrets
    share = -(-options.kills // len(SCENARIOS))
    with tempfile.TemporaryDirectory(dir=options.folder) as work_dir:
        for name in SCENARIOS:
            wrong += run(name, Path(work_dir), options.photos, share, moments)
            shutil.rmtree(Path(work_dir) / name, ignore_errors=True)
            shutil.rmtree(Path(work_dir) / "round", ignore_errors=True)
    print("nothing was lost" if not wrong else f"{len(wrong)} faults, see above")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
