"""The command `models measure`: its table, its JSON and its error messages."""

import json
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.config import Settings
from scene_model.library import edits
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import open_services
from tests.bundles import own_head
from tests.pictures import encode, textured
from tests.tiny_networks import float_rule, headless_bundle, onnx_network

Output = pytest.CaptureFixture[str]


@pytest.fixture
def models(models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with one of one's own, and an empty library."""
    own_head(models_dir, "mine", labels=("zermatt", "sea"))
    monkeypatch.setenv("SCENE_BUNDLES", str(models_dir))
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    return models_dir


@pytest.fixture
def folder(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    root = tmp_path / "photos"
    for name, data in (("Buildings", temple), ("Flower", flower), ("Nonsense", flower)):
        (root / name).mkdir(parents=True)
        (root / name / "a.jpg").write_bytes(data)
    return root


def measured(output: Output, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["models", "measure", *arguments, "--json"])
    document: dict[str, Any] = json.loads(output.readouterr().out)
    return code, document


def test_on_a_labelled_folder(models: Path, folder: Path, capsys: Output) -> None:
    assert main(["models", "measure", "mine", "--folder", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "compared on 2 photos of the folder" in text
    assert "no clear difference" in text
    assert "not compared, not labels of both: Nonsense (1)" in text
    assert text.count("photos/s") == 2
    (folder / "Flower" / "broken.jpg").write_bytes(b"")
    code, document = measured(capsys, "mine", "--folder", str(folder))
    assert code == 3
    assert document["photos"] == 2
    assert [failed["code"] for failed in document["failed"]] == ["empty_file"]
    assert document["current"]["bundle"].startswith("scene_mobilenet_v2@")
    assert document["candidate"]["bundle"].startswith("mine@")
    assert document["candidate"]["right"] + document["candidate"]["unsure"] <= 2
    assert document["incomparable"] == {"Nonsense": 1}


def test_on_what_people_decided(
    models: Path, tmp_path: Path, decoders: Decoders, capsys: Output
) -> None:
    settings = Settings(library=tmp_path / "library", workers=2)
    services = open_services(settings, decoders=decoders)
    files = [(f"{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(6)]
    assert services.jobs.submit(files).wait(60)
    ids = services.library.find()
    services.close()
    # Nobody decided yet.
    assert main(["models", "measure", "mine"]) == 2
    assert "Nobody chose the class" in capsys.readouterr().err
    services = open_services(settings, decoders=decoders)
    edits.set_class(services.library, ids[:4], "sea")
    services.close()
    code, document = measured(capsys, "mine")
    assert code == 0
    assert document["photos"] == 4
    # It files every photo by its first label.
    assert (document["candidate"]["right"], document["candidate"]["wrong"]) == (0, 4)
    assert document["undecided"]["photos"] == 2
    assert {change["candidate"]["label"] for change in document["changes"]} == {"zermatt"}
    assert all(change["truth"] == "sea" for change in document["changes"])
    assert main(["models", "measure", "mine", "--table", "--photos", "2"]) == 0
    output = capsys.readouterr()
    rows = [line.split("\t") for line in output.out.splitlines()]
    assert {row[3] for row in rows} == {"zermatt (wrong)", "zermatt"}
    assert "People mostly choose a class where the model in use was wrong" in output.err


def test_models_that_cannot_be_measured(models: Path, folder: Path, capsys: Output) -> None:
    rule = float_rule()
    headless_bundle(models / "words", onnx_network(rule), rule, "onnx")
    for name, says in (
        ("words", "has no labels: it serves search only"),
        ("nowhere", "No model is called 'nowhere'"),
    ):
        assert main(["models", "measure", name, "--folder", str(folder)]) == 1
        error = capsys.readouterr().err
        assert says in error
        assert "Traceback" not in error
    assert main(["models", "measure", "mine", "--folder", str(folder / "nowhere")]) != 0
    assert "There is no folder" in capsys.readouterr().err
