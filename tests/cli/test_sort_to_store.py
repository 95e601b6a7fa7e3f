"""``sort``, ``undo`` and ``resume`` with a DEST in an object store."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from scene_model.cli.main import main
from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from tests.s3_server import S3Server, running_s3

DEST = "s3://bucket/photos"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Server]:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_SORTS", str(tmp_path / "sorts"))
    with running_s3() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def source(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "temple.jpg").write_bytes(temple)
    (folder / "temple.xmp").write_text("sidecar")
    (folder / "flower.jpg").write_bytes(flower)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    capfd.readouterr()
    code = main([*map(str, arguments), "--jsonl"])
    out, errors = capfd.readouterr()
    assert "Traceback" not in errors
    return code, [json.loads(line) for line in out.splitlines()]


def test_move_and_undo_with_the_library_following(
    source: Path, s3: S3Server, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    temple = source / "temple.jpg"
    assert main(["library", "add", "--reference", str(temple)]) == 0
    code, lines = run(capfd, "sort", source, DEST, "--move", "--dry-run")
    assert code == 3, "one file is no picture"
    assert {line["action"] for line in lines} == {"would move", "stays"}
    assert s3.objects == {}
    code, lines = run(capfd, "sort", source, DEST, "--move")
    assert code == 3
    targets = {Path(line["file"]).name: line["target"] for line in lines if line["target"]}
    assert sorted(targets) == ["flower.jpg", "temple.jpg", "temple.xmp"]
    for name, target in targets.items():
        assert s3.objects[target.removeprefix("s3://")] == before[name]
    assert [path.name for path in source.iterdir()] == ["broken.jpg"]
    assert reference(tmp_path / "library") == (None, targets["temple.jpg"])
    code, lines = run(capfd, "resume", DEST)
    assert (code, len(lines)) == (0, 3)
    code, lines = run(capfd, "undo", DEST)
    assert (code, len(lines)) == (0, 3)
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before
    assert s3.objects == {}
    assert reference(tmp_path / "library") == (temple, None)
    assert run(capfd, "undo", DEST)[0] == 2


def reference(library: Path) -> tuple[Path | None, str | None]:
    """Where the only photo of the library has its original."""
    with Library(library) as opened, opened.database.reader.begin() as connection:
        return tuple(connection.execute(select(photos.c.reference, photos.c.remote_url)).one())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sort", ".", DEST, "--hardlink"], "no links"),
        (["sort", "nowhere", DEST], "no folder"),
        (["undo", "s3://bucket//x"], "no prefix"),
        (["undo", ".", "--source", "."], "object stores alone"),
    ],
)
def test_wrong_usage(
    arguments: list[str], message: str, s3: S3Server, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capfd.readouterr().err
    assert s3.objects == {}
