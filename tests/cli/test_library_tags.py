"""The commands `library sidecars` and `library keywords`."""

import json
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.export.sidecar import Keyword, read_keywords, write_sidecar
from scene_model.library import edits
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash
from scene_model.photos.xmp import rating_of


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    return tmp_path / "library"


def test_out_beside_references_and_in_again(
    tmp_path: Path,
    library: Path,
    temple: bytes,
    flower: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    referenced, stored = tmp_path / "temple.jpg", tmp_path / "flower.jpg"
    referenced.write_bytes(temple)
    stored.write_bytes(flower)
    assert main(["library", "add", "--reference", str(referenced)]) == 0
    assert main(["library", "add", str(stored)]) == 0
    with Library(library) as opened:
        edits.add_tag(opened, [content_hash(temple)], "anna + ben")
        edits.set_rating(opened, [content_hash(temple)], 5)
    capsys.readouterr()
    assert main(["library", "sidecars", "--jsonl"]) == 3, "one photo has no place for a sidecar"
    lines = {Path(line["file"]).name: line for line in map(json.loads, _out(capsys))}
    assert lines["flower.jpg"]["error"]["code"] == "original_missing"
    sidecar = Path(lines["temple.jpg"]["sidecar"])
    assert sidecar == tmp_path / "temple.jpg.xmp"
    assert read_keywords(sidecar.read_bytes()) == ["anna + ben"]
    assert rating_of(sidecar.read_bytes()) == 5
    assert referenced.read_bytes() == temple
    assert main(["library", "sidecars", "--into", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").rglob("*.jpg.xmp"))) == 2

    write_sidecar(stored, [Keyword("Lisbon"), Keyword("Sea", "scenes", 0.9, "b")], rating=3)
    capsys.readouterr()
    assert main(["library", "keywords", str(stored), "--json"]) == 0
    (line,) = json.loads("".join(_out(capsys)))
    assert (line["tags"], line["rating"]) == (["Lisbon"], 3)
    with Library(library) as opened:
        tags, rating = (
            opened.photo(content_hash(flower)).tags,
            opened.photo(content_hash(flower)).rating,
        )
    assert rating == 3
    assert [tag.label for tag in tags if tag.head == "human"] == ["Lisbon"]
    assert main(["library", "keywords", str(stored)]) == 0
    assert "nothing new" in capsys.readouterr().out
    with Library(library) as opened:
        edits.set_rating(opened, [content_hash(flower)], 1)
    write_sidecar(stored, [], rating=4)
    assert main(["library", "keywords", str(stored)]) == 0
    with Library(library) as opened:
        assert opened.photo(content_hash(flower)).rating == 1, "a person gave it"


@pytest.mark.parametrize("options", [[], ["--reference"]])
def test_a_rating_in_a_sidecar_is_read_on_adding(
    tmp_path: Path, library: Path, flower: bytes, options: list[str]
) -> None:
    photo = tmp_path / "flower.jpg"
    photo.write_bytes(flower)
    write_sidecar(photo, [], rating=4)
    assert main(["library", "add", *options, str(photo)]) == 0
    with Library(library) as opened:
        assert opened.photo(content_hash(flower)).rating == 4


def _out(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()
