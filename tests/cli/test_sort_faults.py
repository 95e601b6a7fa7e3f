"""``sort`` with real system errors: each file is reported, nothing is lost, exit code 3."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from scene_model.export.sorting.transaction import sort_files
from tests.conftest import ASSETS
from tests.export.sorting.faults import mounted
from tests.export.sorting.source_photos import content, snapshot

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="users and mounts of POSIX")
_NOBODY = 65534


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")


@pytest.fixture
def source(tmp_path: Path, made_photos: list[tuple[str, bytes]]) -> Path:
    return write_photos(tmp_path / "photos", made_photos)


def write_photos(folder: Path, photos: list[tuple[str, bytes]]) -> Path:
    for number, (name, data) in enumerate(photos[:6]):
        inner = folder / ("" if number % 2 else "inner")
        inner.mkdir(parents=True, exist_ok=True)
        (inner / name).write_bytes(data)
    return folder


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, str | None]]:
    """Run a command; returns the exit code, and each file's name with its error's code."""
    capfd.readouterr()
    code = main([*map(str, arguments), "--jsonl"])
    out, errors = capfd.readouterr()
    assert "Traceback" not in errors
    return code, codes(out)


def codes(out: str) -> dict[str, str | None]:
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert all(line["error"] is None or line["error"]["message"] for line in lines)
    return {Path(x["file"]).name: x["error"] and x["error"]["code"] for x in lines}


@pytest.mark.parametrize("kind", ["--copy", "--move"])
def test_a_full_disk(
    source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    for path in source.rglob("*.jpg"):
        path.write_bytes(path.read_bytes() + bytes(100_000))
    before, hashes = snapshot(source), content(source)
    with mounted(tmp_path / "small", "size=400k") as small:
        code, errors_by_name = run(capfd, "sort", source, small / "sorted", kind)
        assert (code, len(errors_by_name)) == (3, 6)
        assert set(errors_by_name.values()) == {None, "target_full"}
        assert set(content(source, small)) == set(hashes)
        code, errors_by_name = run(capfd, "undo", small / "sorted")
        assert (code, set(errors_by_name.values())) == (0, {None})
    assert snapshot(source) == before


def test_a_read_only_target(
    source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(source)
    with mounted(tmp_path / "read", "size=1m") as target:
        subprocess.run(["mount", "-o", "remount,ro", str(target)], check=True)  # noqa: S607
        code, errors_by_name = run(capfd, "sort", source, target / "sorted", "--move")
    assert (code, len(errors_by_name), set(errors_by_name.values())) == (3, 6, {"target_read_only"})
    assert snapshot(source) == before


def test_vanished_changed_and_taken_between_plan_and_execution(
    source: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: list[str] = []

    def meanwhile(plan: Any, *rest: Any, **more: Any) -> Any:
        gone, changed, taken = plan.steps[:3]
        names.extend(Path(step.source).name for step in (gone, changed, taken))
        Path(gone.source).unlink()
        Path(changed.source).write_bytes(b"an edit")
        Path(taken.target).parent.mkdir(parents=True)
        Path(taken.target).write_bytes(b"somebody else's")
        return sort_files(plan, *rest, **more)

    monkeypatch.setattr("scene_model.cli.sort.sort_files", meanwhile)
    code, errors_by_name = run(capfd, "sort", source, tmp_path / "sorted", "--move")
    assert code == 3
    assert [errors_by_name[name] for name in names] == [
        "source_vanished",
        "changed_since",
        "target_taken",
    ]
    assert list(errors_by_name.values()).count(None) == 3
    contents = content(source, tmp_path / "sorted")
    assert sum(contents.values()) == 6, "five of ours, and the foreign file"


def test_unusual_names(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], made_photos: list[tuple[str, bytes]]
) -> None:
    names = [b"line\nbreak.jpg", b"bad\xff\xfe.jpg", b"x" * 251 + b".jpg", b"Case.jpg", b"case.JPG"]
    for number, name in enumerate(names):
        inner = tmp_path / "photos" / str(number)
        inner.mkdir(parents=True)
        (inner / os.fsdecode(name)).write_bytes(made_photos[0][1] + bytes([number]))
        (inner / os.fsdecode(b"no picture " + name[-240:])).write_bytes(b"nothing")
    before, dest = snapshot(tmp_path / "photos"), tmp_path / "sorted"
    code, errors_by_name = run(capfd, "sort", tmp_path / "photos", dest, "--move")
    assert code == 3
    assert sorted(name for name, error in errors_by_name.items() if error is None) == sorted(
        map(os.fsdecode, names)
    )
    assert list(errors_by_name.values()).count("not_a_picture") == len(names)
    assert {"Case.jpg", "case (2).JPG"} <= {path.name for path in dest.rglob("*.[jJ]*")}
    assert run(capfd, "undo", dest)[0] == 0
    assert snapshot(tmp_path / "photos") == before


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users can access; pytest's folders are private."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


# Root has all permissions, so drop them. Another user may not be able to read the program's files,
# so a dry run imports every module first.
_AS_NOBODY = f"""
import contextlib, io, os, sys
from scene_model.cli.main import main
from tests.decoding import decode_here
decode_here()  # the other user cannot start this interpreter where it lies in a private folder
with contextlib.redirect_stdout(io.StringIO()):
    main(["sort", sys.argv[1], sys.argv[1] + " sorted", "--dry-run", "--jsonl"])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({_NOBODY})
    os.setuid({_NOBODY})
sys.exit(main(sys.argv[2:]))
"""


def as_nobody(folder: Path, *arguments: object) -> tuple[int, dict[str, str | None]]:
    """Run a command as an unprivileged user."""
    process = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, ASSETS, *map(str, arguments), "--jsonl"],
        cwd=PROJECT_DIR,
        env=os.environ | {"SCENE_LIBRARY": str(folder / "library"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in process.stderr, process.stderr
    return process.returncode, codes(process.stdout)


def test_denied_permissions(shared_folder: Path, made_photos: list[tuple[str, bytes]]) -> None:
    source, dest = write_photos(shared_folder / "photos", made_photos), shared_folder / "sorted"
    dest.mkdir()
    if os.geteuid() == 0:
        for path in (shared_folder, *shared_folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
    secret, *_ = sorted(path for path in source.glob("*.jpg"))
    unmovable = {path.name for path in (source / "inner").glob("*.jpg")}
    before, hashes = snapshot(source), content(source)
    secret.chmod(0)
    (source / "inner").chmod(0o555)  # readable, but files cannot be removed
    code, errors_by_name = as_nobody(shared_folder, "sort", source, dest, "--move")
    assert code == 3
    assert errors_by_name.pop(secret.name) == "unreadable_file"
    assert {
        name for name, error in errors_by_name.items() if error == "target_read_only"
    } == unmovable
    assert list(errors_by_name.values()).count(None) == 2
    assert content(source, dest) == hashes, "no copy remains of a file that cannot be removed"

    (source / "inner").chmod(0o755)
    code, errors_by_name = as_nobody(shared_folder, "resume", dest)
    assert (code, set(errors_by_name.values())) == (0, {None})
    dest.chmod(0o555)
    code, errors_by_name = as_nobody(shared_folder, "undo", dest)
    assert (code, set(errors_by_name.values())) == (3, {"target_read_only"})
    dest.chmod(0o755)
    code, errors_by_name = as_nobody(shared_folder, "undo", dest)
    assert (code, len(errors_by_name)) == (0, 5)
    secret.chmod(0o644)
    assert snapshot(source) == before

    dest.chmod(0o555)
    code, errors_by_name = as_nobody(shared_folder, "sort", source, dest / "in", "--copy")
    assert (code, len(errors_by_name), set(errors_by_name.values())) == (3, 6, {"target_read_only"})
    assert snapshot(source) == before


# Ctrl-C while the program is still importing a slow module.
_INTERRUPTED = """
import runpy, signal, sys
class Hit:
    def find_spec(self, name, path=None, target=None):
        if name == "scene_model.services":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Hit())
runpy.run_module("scene_model", run_name="__main__")
"""


def test_interrupted_while_importing() -> None:
    process = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, "sort", "here", "there"],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        check=False,
    )
    assert (process.returncode, process.stderr) == (130, "")
