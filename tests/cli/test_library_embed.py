"""The command `library embed`: choose the search model, compute and remove its embeddings."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scene_model.cli.main import main
from tests.pictures import encode
from tests.text_pairs import colour_pair


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of two coloured pictures, and a pair to choose."""
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_BUNDLES", str(tmp_path / "bundles"))
    colour_pair(tmp_path / "bundles")
    for name, colour in {"p1": (250, 10, 10), "p2": (10, 10, 250)}.items():
        (tmp_path / f"{name}.jpg").write_bytes(encode(Image.new("RGB", (64, 64), colour)))
    assert main(["library", "add", str(tmp_path / "p1.jpg"), str(tmp_path / "p2.jpg")]) == 0
    return tmp_path / "library"


def record(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["library", "embed", "--json", *options]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_a_model_is_chosen_used_and_removed(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = record(capsys)
    assert shipped["model"] == "scene_mobilenet_v2"
    assert shipped["embeddings"] is None, "the photos' own serve"
    assert record(capsys, "--model", "none")["model"] is None
    planned = record(capsys, "--model", "colours", "--dry-run")
    assert planned["embeddings"]["missing"] == 2
    assert (planned["done"], planned["embeddings"]["file_bytes"]) == (0, 0)
    done = record(capsys)
    assert (done["model"], done["done"], done["failed"]) == ("colours", 2, [])
    assert done["embeddings"]["file_bytes"] == planned["embeddings"]["missing_bytes"]
    capsys.readouterr()
    assert main(["library", "search", "--jsonl", '"a red thing"']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["p1.jpg"]
    removed = record(capsys, "--remove")
    assert removed["freed_bytes"] == done["embeddings"]["file_bytes"]
    assert removed["embeddings"]["embedded"] == 0
    assert record(capsys, "--model", "none")["model"] is None
    assert main(["library", "embed", "--remove"]) == 2
    assert "library embed --model" in capsys.readouterr().err


def test_embeddings_of_a_removed_model_are_listed_and_removed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    computed = record(capsys, "--model", "colours")
    (stored,) = computed["stored"]
    assert (stored["model"], stored["embedded"], stored["is_in_use"]) == ("colours", 2, True)
    record(capsys, "--model", "none")
    capsys.readouterr()
    assert main(["models", "remove", "colours", "--yes"]) == 0
    assert f"library embed --remove {stored['network']}" in capsys.readouterr().out
    assert main(["library", "embed"]) == 0
    assert "Not in use: 2 embeddings of" in capsys.readouterr().out
    (left,) = record(capsys)["stored"]
    assert (left["model"], left["is_in_use"]) == (None, False)
    assert main(["library", "embed", "--remove", "nothing"]) == 2
    assert "'nothing'" in capsys.readouterr().err
    removed = record(capsys, "--remove", stored["network"])
    assert removed["freed_bytes"] == stored["file_bytes"] > 0
    assert removed["stored"] == []


def test_what_it_prints_for_people(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "embed"]) == 0
    assert "the photos' own embeddings" in capsys.readouterr().out
    assert main(["library", "embed", "--model", "none"]) == 0
    assert "--model NAME" in capsys.readouterr().out
    (library / "originals").rename(library / "elsewhere")
    assert main(["library", "embed", "--model", "colours"]) == 3
    printed = capsys.readouterr().out
    assert "2 missing, which take 288 bytes" in printed
    assert "p1.jpg\toriginal_missing" in printed
    assert "0 photos embedded." in printed
    (library / "elsewhere").rename(library / "originals")
    assert main(["library", "embed"]) == 0
    assert "2 photos embedded." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nothing", "..", "a/b"])
def test_a_model_that_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "embed", "--model", name]) == 1
    assert name in capsys.readouterr().err
