"""`library rules`: the rules, a dry run, a run on all photos and its undo."""

import json
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.library.albums.album_edits import create_album, delete_album
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import activate_rule, create_rule, find_rule
from scene_model.library.store import Library
from tests.library.rows import Row, put

pytestmark = pytest.mark.slow

TAG = Action(ActionKind.TAG, "Rex")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "1")
    with Library(tmp_path / "library") as opened:
        put(opened, [Row("dog 1.jpg"), Row("dog 2.jpg"), Row("cat.jpg")])
        activate_rule(opened, find_rule(opened, create_rule(opened, "Dogs", "name:dog", [TAG])))
        create_rule(opened, "Cats", "name:cat", [Action(ActionKind.FAVOURITE)])
    return tmp_path / "library"


def output(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capfd.readouterr()
    assert main(["library", "rules", *arguments]) == code
    return capfd.readouterr().out


def test_the_exact_fields(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rules: list[dict[str, Any]] = json.loads(output(capfd, "--json"))
    assert rules[0] == {
        "id": 1,
        "name": "Dogs",
        "query": "name:dog",
        "actions": [{"kind": "tag", "value": "Rex"}],
        "does": "add the tag “Rex”",
        "active": True,
        "pause_reason": None,
        "photos": 0,
    }
    assert [rule["active"] for rule in rules] == [True, False]
    assert [json.loads(line) for line in output(capfd, "--jsonl").splitlines()] == rules
    assert output(capfd).splitlines()[1] == ("Cats\tname:cat\tmark as favourite\t0 photos\tpaused")


def test_a_dry_run_changes_nothing(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(output(capfd, "--dry-run", "dogs", "--json"))
    assert shown == {
        "name": "Dogs",
        "query": "name:dog",
        "matching": 2,
        "changed": 2,
        "actions": [
            {"does": "add the tag “Rex”", "changed": 2, "left_to_people": 0, "left_to_rules": 0}
        ],
        "folders": {},
        "in_place": 0,
        "not_copied": 0,
        "sidecars": None,
        "examples": [Row("dog 2.jpg").id, Row("dog 1.jpg").id],
        "failure": None,
    }
    assert output(capfd, "--dry-run", "Cats").splitlines() == [
        "1 photo matches; the rule would change 1.",
        "mark as favourite\t1 photo",
    ]
    with Library(library) as opened:
        assert opened.photo(Row("dog 1.jpg").id).shown_tags == ()
    assert output(capfd, "--dry-run", "Birds", code=1) == ""


def test_a_run_and_its_undo(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runs = json.loads(output(capfd, "--run", "--json"))
    words = "add the tag “Rex”"
    files = {"copies": None, "sidecars": None}
    assert runs == [{"id": 1, "rule": "Dogs", "does": words, "photos": 2} | files]
    assert json.loads(output(capfd, "--json"))[0]["photos"] == 2
    assert output(capfd, "--run", "Cats") == "2\tCats\tmark as favourite\t1 photo\n"
    assert output(capfd, "--run") == ""
    output(capfd, "--undo", "1")
    with Library(library) as opened:
        assert opened.photo(Row("dog 1.jpg").id).shown_tags == ()
        assert opened.photo(Row("cat.jpg").id).favourite
    output(capfd, "--undo", "9", code=1)


def test_a_rule_that_cannot_run_is_named(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Library(library) as opened:
        album_id = create_album(opened, "Pets")
        rule_id = create_rule(opened, "Pets", "name:dog", [Action(ActionKind.ALBUM, str(album_id))])
        activate_rule(opened, find_rule(opened, rule_id))
        delete_album(opened, album_id)
    capfd.readouterr()
    assert main(["library", "rules", "--run"]) == 3
    captured = capfd.readouterr()
    assert captured.out == "1\tDogs\tadd the tag “Rex”\t2 photos\n"
    assert "Pets is paused: The album “Pets” no longer exists." in captured.err
    assert "Pets\tname:dog" in output(capfd)


def test_copies_into_a_folder(
    library: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sorted"
    folder.mkdir()
    with Library(library) as opened:
        for name in ("dog 1.jpg", "dog 2.jpg"):
            path = opened.files.copy_location(Row(name).id, "JPEG")
            path.parent.mkdir(exist_ok=True)
            path.write_text(name)
        action = Action(ActionKind.COPY, str(folder), "{class}/{name}")
        rule_id = create_rule(opened, "Copies", "name:dog", [action])
    assert json.loads(output(capfd, "--json"))[2]["actions"] == [
        {"kind": "copy", "value": str(folder), "layout": "{class}/{name}"}
    ]
    shown = json.loads(output(capfd, "--dry-run", "copies", "--json"))
    assert (shown["changed"], shown["folders"], shown["not_copied"]) == (2, {"sea": 2}, 0)
    assert output(capfd, "--dry-run", "copies").splitlines()[-1] == "sea\t2 files"
    (run,) = json.loads(output(capfd, "--run", "Copies", "--json"))
    assert run["copies"] == {"state": "done", "count": 2, "note": None}
    assert sorted(path.name for path in (folder / "sea").iterdir()) == ["dog 1.jpg", "dog 2.jpg"]
    (folder / "sea" / "dog 1.jpg").write_text("edited")
    assert main(["library", "rules", "--undo", str(run["id"])]) == 3
    captured = capfd.readouterr().err
    assert "2 photos changed back, 1 copy removed" in captured
    assert "1 photo was not removed: " in captured
    with Library(library) as opened:
        activate_rule(opened, find_rule(opened, rule_id))
    output(capfd, "--undo", "9", code=1)
    (folder / "sea" / "dog 1.jpg").unlink()
    opened_file = library / "originals" / Row("dog 1.jpg").id[:2] / f"{Row('dog 1.jpg').id}.jpg"
    opened_file.unlink()
    line = output(capfd, "--run", "Copies", code=3)
    assert "1 copy made. 1 photo was not copied: The original of" in line


def test_sidecars(library: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with Library(library) as opened:
        rows = [
            Row(f"bird {number}.jpg", added=["Robin"], more={"reference": pictures / f"{number}"})
            for number in range(2)
        ]
        put(opened, [*rows, Row("bird 2.jpg")])
        for number in range(2):
            (pictures / f"{number}").write_text("")
        create_rule(opened, "Birds", "name:bird", [Action(ActionKind.SIDECAR)])
    (pictures / "0.xmp").write_text("of another program")
    actions = json.loads(output(capfd, "--json"))[2]["actions"]
    assert actions == [{"kind": "sidecar", "value": ""}]
    counts = {"written": 1, "existing": 1, "empty": 0, "stored": 1, "not_written": 0}
    shown = json.loads(output(capfd, "--dry-run", "birds", "--json"))
    assert (shown["changed"], shown["sidecars"]) == (2, counts)
    assert output(capfd, "--dry-run", "birds").splitlines()[1:] == [
        "write XMP sidecars\t2 photos",
        "sidecars that would be written\t1",
        "photos that have a sidecar already; it stays\t1",
        "photos in the library or at URLs, where no sidecars are written\t1",
    ]
    (run,) = json.loads(output(capfd, "--run", "Birds", "--json", code=3))
    note = "1 photo has a sidecar already; it stays."
    assert run["sidecars"] == {"state": "done", "count": 1, "note": note}
    assert sorted(path.name for path in pictures.iterdir()) == ["0", "0.xmp", "1", "1.xmp"]
    capfd.readouterr()
    assert main(["library", "rules", "--undo", str(run["id"])]) == 0
    assert "2 photos changed back, 1 sidecar removed" in capfd.readouterr().err
    assert not (pictures / "1.xmp").exists()
    line = output(capfd, "--run", "Birds", code=3)
    assert line.endswith(f"\t2 photos\t1 sidecar written. {note}\n")
