"""``sort``, ``undo`` and ``resume``: lines, exit codes, the effect of the library."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.cli.main import main
from scene_model.cli.terminal import progress_text
from scene_model.config import PROJECT_DIR
from scene_model.library import edits
from scene_model.library.albums.album_edits import create_album, create_query_album
from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash
from tests.bundles import grouped
from tests.pictures import placed, textured
from tests.videos import video


@pytest.fixture
def source(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    folder = tmp_path / "photos"
    (folder / "inside").mkdir(parents=True)
    (folder / "temple.jpg").write_bytes(temple)
    (folder / "temple.xmp").write_text("sidecar")
    (folder / "inside" / "flower.jpg").write_bytes(flower)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("notes")
    return folder


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    return tmp_path / "library"


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Any:
    """Run a command; returns the exit code and its objects."""

    def run(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
        capfd.readouterr()
        code = main([*map(str, arguments), "--jsonl"])
        out, errors = capfd.readouterr()
        assert "Traceback" not in errors
        return code, [json.loads(line) for line in out.splitlines()]

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".scene-sort" not in path.parts
    }


def test_a_dry_run_touches_nothing(source: Path, tmp_path: Path, lines: Any) -> None:
    code, printed = lines("sort", source, tmp_path / "sorted", "--dry-run", "--move")
    assert code == 3
    assert not (tmp_path / "sorted").exists()
    assert {Path(line["file"]).name: line["action"] for line in printed} == {
        "broken.jpg": "stays",
        "temple.jpg": "would move",
        "temple.xmp": "would move",
        "flower.jpg": "would move",
    }
    (broken,) = [line for line in printed if line["error"]]
    assert broken["error"]["code"] == "not_a_picture"
    assert all(line["reason"] for line in printed)


@pytest.mark.parametrize("kind", ["--copy", "--move", "--hardlink"])
def test_sort_and_undo(source: Path, tmp_path: Path, lines: Any, kind: str) -> None:
    before, dest = files(source), tmp_path / "sorted"
    code, printed = lines("sort", source, dest, kind)
    assert code == 3, "one is no picture"
    targets = {Path(line["target"]) for line in printed if line["target"]}
    assert {path.name for path in targets} == {"temple.jpg", "temple.xmp", "flower.jpg"}
    assert all(path.is_file() and path.parent.parent == dest for path in targets)
    assert (source / "temple.jpg").exists() == (kind != "--move")
    code, printed = lines("undo", dest)
    assert (code, len(printed)) == (0, 3)
    assert files(source) == before
    assert not dest.exists()
    assert lines("undo", dest)[0] == 2


def test_videos_are_sorted_and_found_by_query(tmp_path: Path, lines: Any) -> None:
    source = tmp_path / "card"
    source.mkdir()
    made = {"a.mov": video("MOV"), "a.heic": b"", "b.webm": video("WEBM", 4.0)}
    for name, data in made.items():
        (source / name).write_bytes(data)
    code, printed = lines(
        "sort", source, tmp_path / "sorted", "--copy", "--where", "is:video duration>3s"
    )
    # The picture of which the first film is a companion is empty.
    assert code == 3
    assert {Path(line["file"]).name: line["action"] for line in printed} == {
        "a.heic": "stays",
        "b.webm": "copy",
    }
    assert list(files(tmp_path / "sorted").values()) == [made["b.webm"]]
    assert set(files(source)) == set(made)


def test_the_librarys_word_counts_and_costs_no_look(
    source: Path,
    tmp_path: Path,
    library: Path,
    lines: Any,
    monkeypatch: pytest.MonkeyPatch,
    temple: bytes,
) -> None:
    assert main(["library", "add", str(source / "temple.jpg"), str(source / "inside")]) == 0
    with Library(library) as opened:
        edits.set_class(opened, [content_hash(temple)], "China/2019")
    (source / "broken.jpg").unlink()

    def predict(self: Classifier, data: bytes) -> Prediction:
        raise AssertionError("a known photo is not looked at")

    monkeypatch.setattr(Classifier, "predict", predict)
    code, printed = lines("sort", source, tmp_path / "sorted")
    assert code == 0
    by_name = {Path(line["file"]).name: line for line in printed}
    assert by_name["temple.jpg"]["reason"] == "China/2019, by you"
    assert Path(by_name["temple.jpg"]["target"]).parent.name == "2019"
    code, printed = lines("sort", source, tmp_path / "asked", "--where", "is:edited")
    assert [Path(line["file"]).name for line in printed] == ["temple.jpg", "temple.xmp"]
    code, printed = lines("sort", source, tmp_path / "heads", "--by", "objects")
    assert code == 0
    code, printed = lines("sort", source, tmp_path / "albums", "--by", "album")
    assert {Path(line["target"]).parent.parent.name for line in printed} == {"albums"}


def test_albums_of_people_are_folders(
    source: Path, tmp_path: Path, library: Path, lines: Any
) -> None:
    (source / "broken.jpg").unlink()
    assert main(["library", "add", str(source / "inside" / "flower.jpg")]) == 0
    with Library(library) as opened:
        create_album(opened, "Our trip", opened.find())
        create_query_album(opened, "Before", "album:nowhere")
    code, printed = lines("sort", source, tmp_path / "albums", "--by", "album")
    assert code == 0
    by_name = {Path(line["file"]).name: line for line in printed}
    assert Path(by_name["flower.jpg"]["target"]).parent.name == "Our trip"
    assert by_name["flower.jpg"]["reason"] == "Our trip, by you"
    where = ["--where", "album:our_trip", "--layout", "{album}/{name}"]
    code, printed = lines("sort", source, tmp_path / "where", *where)
    assert [Path(line["target"]).parent.name for line in printed] == ["Our trip"]


def test_where_matches_photos_outside_the_library(
    source: Path, tmp_path: Path, library: Path, lines: Any
) -> None:
    (source / "broken.jpg").unlink()
    code, printed = lines("sort", source, tmp_path / "sorted", "--where", "name:flow -name:temple")
    assert code == 0
    assert [Path(line["file"]).name for line in printed] == ["flower.jpg"]
    assert not library.exists(), "sorting does not create a library"


@pytest.mark.parametrize(
    ("by", "reason"),
    [("class", "no sure class"), ("group", "no sure group"), ("scenes", "no sure label")],
)
def test_an_unsure_photo_says_what_is_not_sure(
    source: Path, tmp_path: Path, library: Path, lines: Any, by: str, reason: str
) -> None:
    assert main(["library", "add", str(source / "temple.jpg")]) == 0
    unsure = {"auto_class": "unsure", "auto_class_source": "none", "auto_group": "unsure"}
    with Library(library) as opened, opened.database.writer.begin() as connection:
        connection.execute(photos.update().values(unsure | {"class_head_unsure": True}))
    _, printed = lines("sort", source, tmp_path / "sorted", "--by", by)
    (line,) = [line for line in printed if line["file"].endswith("temple.jpg")]
    assert line["reason"] == reason


@pytest.fixture
def with_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(grouped(tmp_path / "models")))


@pytest.mark.usefixtures("with_groups")
def test_by_group_in_the_library_and_outside(
    source: Path, tmp_path: Path, library: Path, lines: Any, temple: bytes
) -> None:
    (source / "broken.jpg").unlink()
    assert main(["library", "add", str(source / "temple.jpg")]) == 0
    with Library(library) as opened:
        edits.set_class(opened, [content_hash(temple)], "sea")
    code, printed = lines("sort", source, tmp_path / "sorted", "--by", "group")
    assert code == 0
    dest = tmp_path / "sorted"
    by_name = {Path(line["file"]).name: line for line in printed}
    assert by_name["flower.jpg"]["target"] == str(dest / "plants" / "flower.jpg")
    assert by_name["flower.jpg"]["reason"] == "plants, by the model"
    assert by_name["temple.jpg"]["target"] == str(dest / "water" / "temple.jpg")
    assert by_name["temple.jpg"]["reason"] == "water, by you"
    assert lines("undo", dest)[0] == 0
    layout = "{group}/{class}/{name}"
    _, printed = lines("sort", source, dest, "--layout", layout, "--where", "group:plants")
    (line,) = printed
    assert line["target"] == str(dest / "plants" / "flower" / "flower.jpg")
    _, printed = lines("sort", source, tmp_path / "w", "--where", "group:water")
    assert {Path(line["file"]).name for line in printed} == {"temple.jpg", "temple.xmp"}


def test_groups_that_are_not_believed(
    source: Path, tmp_path: Path, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = grouped(tmp_path / "models", confidence_threshold=1.0)
    monkeypatch.setenv("SCENE_BUNDLE", str(bundle))
    for added in ("no photo", "one photo"):
        _, printed = lines("sort", source, tmp_path / added, "--by", "group")
        targets = [Path(line["target"]).parent.name for line in printed if line["target"]]
        assert targets == ["unsure"] * 3
        assert main(["library", "add", str(source / "temple.jpg")]) == 0


def test_references_follow_a_move_and_its_undo(
    source: Path, tmp_path: Path, library: Path, lines: Any, temple: bytes
) -> None:
    assert main(["library", "add", "--reference", str(source / "temple.jpg")]) == 0
    lines("sort", source, tmp_path / "sorted", "--move")
    with Library(library) as opened:
        moved = opened.original_path(content_hash(temple))
        assert opened.original_bytes(content_hash(temple)) == temple
    assert tmp_path / "sorted" in moved.parents
    lines("undo", tmp_path / "sorted")
    with Library(library) as opened:
        assert opened.original_path(content_hash(temple)) == source / "temple.jpg"


def test_layout(source: Path, tmp_path: Path, lines: Any) -> None:
    _, printed = lines("sort", source, tmp_path / "s", "--layout", "{taken:%Y}/{camera}/{name}")
    parents = {Path(line["target"]).parent.relative_to(tmp_path / "s") for line in printed[1:]}
    assert parents == {Path("undated/no camera")}


@pytest.mark.parametrize("is_added", [False, True])
def test_layout_by_place(
    is_added: bool, source: Path, tmp_path: Path, library: Path, lines: Any
) -> None:
    (source / "bay.jpg").write_bytes(placed(textured(64, 48), 38.7139, -9.1394))
    if is_added:
        assert main(["library", "add", str(source / "bay.jpg")]) == 0
    layout = ["--layout", "{country}/{city}/{place}/{name}", "--dry-run"]
    _, printed = lines("sort", source, tmp_path / "s", *layout)
    folders = {
        Path(line["file"]).name: Path(line["target"]).parent for line in printed if line["target"]
    }
    assert folders["bay.jpg"] == tmp_path / "s" / "Portugal" / "Lisbon" / "Lisbon, Portugal"
    assert folders["temple.jpg"] == tmp_path / "s" / "no place" / "no place" / "no place"
    _, printed = lines("sort", source, tmp_path / "s", "--dry-run", "--where", "place:lissabon")
    assert [Path(line["file"]).name for line in printed if line["target"]] == ["bay.jpg"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["sort", "nowhere", "dest"],
        ["sort", ".", "dest", "--by", "moods"],
        ["sort", ".", "dest", "--where", "(a"],
        ["sort", ".", "dest", "--copy", "--move"],
        ["sort", ".", "dest", "--layout", "{name}/{class}"],
        ["sort", ".", "dest", "--layout", "../{name}"],
        ["sort", ".", "dest", "--layout", "{mood}/{name}"],
        ["sort", "."],
        ["undo", "nowhere"],
        ["resume", "."],
    ],
)
def test_wrong_usage(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "dest").exists()


def test_the_library_itself_is_not_sorted(
    source: Path, tmp_path: Path, library: Path, lines: Any
) -> None:
    assert main(["library", "add", str(source / "temple.jpg")]) == 0
    before = files(library / "originals")
    lines("sort", tmp_path, tmp_path / "sorted", "--move")
    assert files(library / "originals") == before


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for children on Windows")
def test_interrupted_then_resumed(source: Path, tmp_path: Path, temple: bytes) -> None:
    for number in range(300):
        (source / f"{number:03d}.jpg").write_bytes(temple + b"%d" % number)
    before, dest = files(source), tmp_path / "sorted"
    library = {"SCENE_LIBRARY": str(tmp_path / "library")}
    environment = os.environ | library | {"PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(
        [sys.executable, "-m", "scene_model", "sort", str(source), str(dest), "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
        env=environment,
    )
    assert running.stdout is not None
    while "copy" not in (line := running.stdout.readline()):
        assert line, "the command ended before it copied anything"
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "resume" in errors
    assert "Traceback" not in errors
    assert main(["resume", str(dest)]) == 0
    assert len(files(dest)) == 303
    assert main(["undo", str(dest)]) == 0
    assert files(source) == before


def test_progress_shows_rate_and_time_left() -> None:
    assert progress_text("files", 250, 1000, 2, 10.0) == (
        "[#####...............] 250 of 1,000 files, 25/s, 0:30 left, 2 failed"
    )
    assert progress_text("photos", 3, None, 0, 0.5) == "3 photos"
    assert progress_text("photos checked", 1, 1, 0, 0.5).endswith("] 1 of 1 photo checked")


@pytest.mark.parametrize(
    ("kind", "summary"),
    [
        ("--copy", "3 copies removed."),
        ("--move", "3 files moved back."),
        ("--hardlink", "3 links removed."),
    ],
)
def test_undo_reports_what_it_did(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, summary: str
) -> None:
    (source / "broken.jpg").unlink()
    assert main(["sort", str(source), str(tmp_path / "sorted"), kind]) == 0
    assert main(["undo", str(tmp_path / "sorted")]) == 0
    assert summary in capsys.readouterr().err.splitlines()
