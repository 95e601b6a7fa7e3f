"""Write random bytes over copies of a library's database and of its backup.

Each command must end in time, without a traceback, and with an exit code of its own. Where
``library verify`` finds no problem, every row must be as it was before, but for values that nothing
repeats: how often one of those changed is printed. A damaged backup is refused, and then nothing is
left of it, or its library has every row and every original byte for byte.

    python -m benchmarks.damage [--databases 2000] [--backups 2000] [--seed 0] [--folder DIR]
"""

import argparse
import contextlib
import io
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from scene_model.cli.main import main as run_command
from scene_model.config import Settings
from scene_model.library import edits
from scene_model.services import open_services

MAX_S = 10.0
# Values that are stored once: a changed byte there may leave them possible.
STORED_ONCE = {
    "photos": {
        *("name", "width", "height", "confidence", "class_head_label"),
        *("auto_taken_source", "auto_taken_confidence", "taken_source", "taken_confidence"),
        *("human_taken_source", "human_taken_confidence", "folder", "modified_at"),
        *("auto_group", "auto_group_score", "guess", "guess_score"),
        *("favourite", "imported_rating", "human_rating"),
    },
    "automatic_tags": {"score"},
    "tag_decisions": {"at"},
    "class_decisions": {"at"},
    "edits": {"at", "description", "undone_at"},
    "edit_changes": {"before", "after", "field", "label"},
    "twins": {"kind", "likeness", "dismissed_at"},
    "taught_tags": {"kernel", "bias", "threshold", "told", "made_at"},
    "choices": {"value"},
    "saved_searches": {"query", "sort"},
}
# One of them on each database; all of them over many.
COMMANDS = (
    ("stats",),
    ("search", ""),
    ("export", "--csv", "-"),
    ("backup", "backup.zip"),
    ("verify", "--repair"),
    ("reclassify", "--dry-run"),
)


ADVICE = ("library rebuild", "library restore", "Update Scene Gallery", "Run `library verify`")
Rows = dict[str, list[object]]


@dataclass(frozen=True)
class Verdict:
    """What became of one database.

    is_reported: by verify. is_unnoticed: a value that is stored once changed, and is not reported.
    wrong: what must not happen.
    """

    is_reported: bool
    is_unnoticed: bool
    wrong: tuple[str, ...]


def make_library(folder: Path, count: int = 12) -> Path:
    """Make a library of a few photos with decisions, edits and a photo in the trash."""
    services = open_services(Settings(library=folder, workers=1))
    made = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((120, 90)).save(buffer, "JPEG", quality=90)
        made.append((f"photo {number}.jpg", buffer.getvalue()))
    services.jobs.submit(made).wait(120)
    library = services.library
    ids = library.find()
    edits.add_tag(library, ids[:5], "Grandma")
    edits.set_class(library, ids[3:6], "holiday")
    edits.move_to_trash(library, ids[6:7])
    services.close()
    return folder


def rows_of(database: Path, with_stored_once: bool = False) -> Rows:
    """Return all rows of a database, by table, without the columns that are stored once."""
    rows: Rows = {}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.text_factory = bytes
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (raw,) in names:
            table = raw.decode()
            if table.startswith("sqlite_"):
                continue
            left_out = set() if with_stored_once else STORED_ONCE.get(table, set())
            info = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
            columns = [row[1].decode() for row in info if row[1].decode() not in left_out]
            listed = ", ".join(f'"{column}"' for column in columns)
            query = f"SELECT {listed} FROM {table}"  # noqa: S608 - the library's own names
            rows[table] = sorted(connection.execute(query), key=repr)
    return rows


def damage(file: Path, moment: random.Random) -> None:
    """Overwrite a few places with random bytes, or cut the file short."""
    data = bytearray(file.read_bytes())
    if moment.random() < 0.05:
        del data[moment.randrange(len(data)) :]
    else:
        for _ in range(moment.choice((1, 1, 2, 8))):
            length = moment.choice((1, 1, 4, 16, 64, 512, 4096))
            # Half of them where the schema and the first tables are.
            end = 8192 if moment.random() < 0.2 else len(data)
            at = moment.randrange(end)
            data[at : at + length] = moment.randbytes(min(length, len(data) - at))
    file.write_bytes(bytes(data))


def run(arguments: list[str]) -> tuple[int, str, float]:
    """Run a command in this process; returns exit code, stderr and seconds."""
    output, errors, started = io.TextIOWrapper(io.BytesIO()), io.StringIO(), time.monotonic()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = run_command(arguments)
        except Exception as error:
            code = -1
            errors.write(f"Traceback: {type(error).__name__}: {error}")
    return code, errors.getvalue(), time.monotonic() - started


def check(library: Path, work: Path, seed: int) -> Verdict:
    """Damage a copy of a library, run verify and one more command on it."""
    moment = random.Random(seed)  # noqa: S311 - not for secrets
    folder, target = work / "library", work / "backup.zip"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(library, folder)
    target.unlink(missing_ok=True)
    originals = {path.name for path in (folder / "originals").rglob("*.jpg")}
    database = folder / "library.db"
    damage(database, moment)
    wrong, is_reported, is_unnoticed = list[str](), True, False
    for arguments in (("verify",), COMMANDS[seed % len(COMMANDS)]):
        name = " ".join(arguments)
        given = [str(target) if part == "backup.zip" else part for part in arguments]
        code, errors, took_s = run(["library", *given, "--library", str(folder)])
        if "Traceback" in errors or code not in (0, 1, 3):
            wrong.append(f"{name}: {code} {errors[-300:]}")
        if code == 1 and not any(advice in errors for advice in ADVICE):
            wrong.append(f"{name}: says not what to do: {errors[-300:]}")
        if took_s > MAX_S:
            wrong.append(f"{name}: took {took_s:.0f} s")
        if name == "verify":
            is_reported = code != 0
            if not is_reported:
                before, now = rows_of(library / "library.db"), rows_of(database)
                wrong += [f"verify: no problems, but {t} changed" for t in differing(before, now)]
                before, now = (rows_of(p, True) for p in (library / "library.db", database))
                is_unnoticed = bool(differing(before, now))
    if {path.name for path in (folder / "originals").rglob("*.jpg")} != originals:
        wrong.append(f"{name}: moved originals")
    return Verdict(is_reported, is_unnoticed, tuple(wrong))


def differing(before: Rows, now: Rows) -> list[str]:
    """Return the tables whose rows differ."""
    return [table for table, rows in before.items() if now.get(table) != rows]


def run_all(library: Path, work: Path, numbers: range) -> list[Verdict]:
    """Damage copies of a library, one for each number; prints what is wrong."""
    verdicts = []
    for number in numbers:
        verdicts.append(check(library, work, number))
        for message in verdicts[-1].wrong:
            print(f"    {number}: {message}", flush=True)
    return verdicts


def originals_of(folder: Path) -> dict[str, bytes]:
    """Return the originals of a library by file name."""
    return {path.name: path.read_bytes() for path in (folder / "originals").rglob("*.jpg")}


def check_backup(library: Path, backup: Path, work: Path, seed: int) -> Verdict:
    """Damage a copy of a backup and restore it."""
    moment = random.Random(seed)  # noqa: S311 - not for secrets
    damaged, folder = work / "damaged.zip", work / "restored"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copy(backup, damaged)
    damage(damaged, moment)
    code, errors, took_s = run(["library", "restore", str(damaged), "--library", str(folder)])
    wrong = list[str]()
    if "Traceback" in errors or code not in (0, 1):
        wrong.append(f"restore: {code} {errors[-300:]}")
    if took_s > MAX_S:
        wrong.append(f"restore: took {took_s:.0f} s")
    if code == 0:
        before, now = (rows_of(place / "library.db", True) for place in (library, folder))
        wrong += [f"restored, but {table} changed" for table in differing(before, now)]
        if originals_of(folder) != originals_of(library):
            wrong.append("restored, but originals changed")
    elif left := [path.name for path in work.iterdir() if path.name.startswith("restored")]:
        wrong.append(f"refused, but left {left}")
    return Verdict(code != 0, False, tuple(wrong))


def check_backups(library: Path, work: Path, numbers: range) -> list[Verdict]:
    """Damage copies of a library's backup, one for each number; prints what is wrong."""
    backup, folder = work / "whole.zip", work / "backups"
    folder.mkdir()
    code, errors, _ = run(["library", "backup", str(backup), "--library", str(library)])
    if code:
        raise SystemExit(f"no backup was made: {errors}")
    verdicts = []
    for number in numbers:
        verdicts.append(check_backup(library, backup, folder, number))
        for message in verdicts[-1].wrong:
            print(f"    backup {number}: {message}", flush=True)
    return verdicts


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--databases", type=int, default=2_000)
    parser.add_argument("--backups", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        work = Path(temporary)
        library = make_library(work / "made")
        started = time.perf_counter()
        numbers = range(options.seed, options.seed + options.databases)
        verdicts = run_all(library, work, numbers)
        took_s = time.perf_counter() - started
        of_backups = check_backups(
            library, work, range(options.seed, options.seed + options.backups)
        )
    faults = sum(len(verdict.wrong) for verdict in verdicts)
    reported = sum(verdict.is_reported for verdict in verdicts)
    unnoticed = sum(verdict.is_unnoticed for verdict in verdicts)
    print(
        f"{len(verdicts):,} databases in {took_s:.0f} s: verify reports {reported:,} as damaged; "
        f"{unnoticed:,} others have another value that nothing repeats; {faults:,} faults"
    )
    refused = sum(verdict.is_reported for verdict in of_backups)
    wrong = sum(len(verdict.wrong) for verdict in of_backups)
    print(
        f"{len(of_backups):,} backups: {refused:,} are refused, the others restored whole; "
        f"{wrong:,} faults"
    )
    return 1 if faults or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
