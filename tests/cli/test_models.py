"""`models`: list, add, use and remove."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.cli.main import main
from scene_model.config import DEFAULT_BUNDLE_DIR, PROJECT_DIR
from scene_model.errors import EXIT_DONE, EXIT_FAILED, EXIT_SOME_FAILED, EXIT_USAGE
from tests.model_store.hub_server import COMMIT, Hub, hub_server
from tests.model_store.networks import ASSETS

PHOTO = PROJECT_DIR / "tests" / "assets" / "china.jpg"
DEFAULT = DEFAULT_BUNDLE_DIR.name


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bundles"
    monkeypatch.setenv("SCENE_BUNDLES", str(folder))
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_server() as hub:
        hub.add_folder(ASSETS / "vit")
        hub.files["LICENSE"] = b"The licence, in many words."
        monkeypatch.setenv("SCENE_MODEL_HUB", hub.base)
        yield hub


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == EXIT_DONE
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_add_use_classify_remove(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "add", str(ASSETS / "vit"), "--name", "my_vit"]) == EXIT_DONE
    output = capsys.readouterr().out
    for text in ("added ", "licence: cc0-1.0", " ms for a photo", "5 labels", "not been measured"):
        assert text in output
    assert open_bundle(bundles / "my_vit").description.backbone.sha256 in output
    assert main(["models", "add", str(ASSETS / "clip")]) == EXIT_DONE
    assert "It finds photos by words; it tags none." in capsys.readouterr().out
    rows = listed(capsys)
    assert (rows[DEFAULT]["in_use"], rows["my_vit"]["in_use"]) == (["tags"], [])
    assert (rows["my_vit"]["engine"], rows["my_vit"]["licence"]) == ("onnx", "cc0-1.0")
    assert (rows["my_vit"]["for"], rows["clip"]["for"]) == (["tags"], ["search"])

    other = ["--library", str(tmp_path / "other")]
    assert main(["models", "use", "my_vit", *other]) == EXIT_DONE
    assert main(["models", "remove", "my_vit", "--yes", *other]) == EXIT_USAGE
    assert listed(capsys)["my_vit"]["in_use"] == []
    assert main(["models", "use", "my_vit"]) == EXIT_DONE
    rows = listed(capsys)
    assert (rows[DEFAULT]["in_use"], rows["my_vit"]["in_use"]) == ([], ["tags"])
    assert main(["library", "add", str(PHOTO), "--jsonl"]) == EXIT_DONE
    assert main(["library", "search", "", "--json"]) == EXIT_DONE
    assert '"my_vit@' in capsys.readouterr().out

    assert main(["models", "remove", "my_vit", "--yes"]) == EXIT_USAGE
    assert "my_vit is in use" in capsys.readouterr().err
    assert main(["models", "use", "clip"]) == EXIT_DONE
    rows = listed(capsys)
    assert (rows["clip"]["in_use"], rows["my_vit"]["in_use"]) == (["search"], ["tags"])
    assert main(["models", "use", "clip", "--for", "tags"]) == EXIT_FAILED
    assert main(["models", "remove", "clip", "--yes"]) == EXIT_USAGE
    assert main(["models", "use", DEFAULT]) == EXIT_DONE
    assert main(["models", "remove", "my_vit"]) == EXIT_USAGE
    assert "Nothing was removed" in capsys.readouterr().err
    assert main(["models", "remove", "my_vit", "--yes"]) == EXIT_DONE
    assert sorted(path.name for path in bundles.iterdir()) == ["clip"]


def test_what_cannot_be_removed(bundles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundles.mkdir()
    for name in (DEFAULT, "none", "..", "../bundles"):
        assert main(["models", "remove", name, "--yes"]) != EXIT_DONE
        assert "There is no model" in capsys.readouterr().err
    assert DEFAULT_BUNDLE_DIR.is_dir()


def test_the_shipped_model_stays_where_own_ones_lie_beside_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCENE_BUNDLES", str(DEFAULT_BUNDLE_DIR.parent))
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    assert main(["models", "remove", DEFAULT, "--yes"]) == EXIT_USAGE
    assert "belongs to the program" in capsys.readouterr().err
    assert DEFAULT_BUNDLE_DIR.is_dir()


def test_from_a_hub(bundles: Path, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "add", hub.repository]) == EXIT_USAGE
    output = capsys.readouterr()
    assert "Nothing was downloaded" in output.err
    for text in (COMMIT, "licence: apache-2.0", "model.onnx  sha256 ", " bytes"):
        assert text in output.out
    assert hub.fetched == []
    assert main(["models", "add", hub.repository, "--yes"]) == EXIT_DONE
    assert sorted(path.name for path in bundles.iterdir() if path.is_dir()) == [
        ".downloads",
        "vit_tiny",
    ]
    assert not list((bundles / ".downloads").iterdir())
    description = open_bundle(bundles / "vit_tiny").description
    assert description.licence == "apache-2.0"
    assert description.training["added_from"] == f"{hub.repository}@{COMMIT}"
    assert (bundles / "vit_tiny" / "LICENSE.txt").read_bytes() == hub.files["LICENSE"]
    # A name that is taken is refused before anything is downloaded.
    hub.gets.clear()
    assert main(["models", "add", hub.repository, "--yes"]) == EXIT_USAGE
    assert hub.gets == []


class Terminal(io.StringIO):
    """Standard input with somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["", "n\n", "\n", "yes please\n"])
def test_only_a_yes_downloads(
    bundles: Path,
    hub: Hub,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["models", "add", hub.repository]) == EXIT_USAGE
    size = sum(map(len, hub.files.values()))
    assert f"Download {size:,} bytes? [y/N]" in capsys.readouterr().out
    assert (hub.fetched, bundles.exists()) == ([], False)


def test_a_yes_removes(
    bundles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DEFAULT_BUNDLE_DIR, bundles / "copy")
    monkeypatch.setattr("sys.stdin", Terminal("Y\n"))
    assert main(["models", "remove", "copy"]) == EXIT_DONE
    assert list(bundles.iterdir()) == []


def test_a_hub_that_fails(bundles: Path, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.faults["model.onnx"] = "403"
    assert main(["models", "add", hub.repository, "--yes"]) == EXIT_FAILED
    assert "add the folder" in capsys.readouterr().err
    assert not (bundles / "vit_tiny").exists()


def test_wrong_usage(bundles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vit = str(ASSETS / "vit")
    for arguments in (
        ["add", "no/such/file.onnx"],
        ["add", vit, "--size", "big"],
        ["add", vit, "--scale", "1/0"],
        ["add", vit, "--mean", "1,2"],
        ["add", vit, "--deviation", "nan,1,1"],
        ["add", vit, "--size", "-3"],
        ["add", vit, "--colour-order", "BGR"],
        ["add", vit, "--labels", "no-such-file.txt"],
        ["use"],
    ):
        assert main(["models", *arguments]) == EXIT_USAGE, arguments
        assert "Traceback" not in capsys.readouterr().err
    assert main(["models", "use", "none"]) == EXIT_FAILED
    assert not bundles.exists() or not list(bundles.iterdir())


def test_a_damaged_model_is_listed_with_its_problem(
    bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(DEFAULT_BUNDLE_DIR, bundles / "copy")
    (bundles / "copy" / "heads.npz").write_bytes(b"nothing")
    assert main(["models", "list"]) == EXIT_SOME_FAILED
    output = capsys.readouterr()
    assert "copy  cannot be used" in output.out
    assert "heads.npz" in output.err
    assert f"* {DEFAULT}" in output.out


def test_visitors_of_a_shared_server_change_no_model(
    bundles: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENE_MODE", "shared")
    for arguments in (["add", hub.repository, "--yes"], ["add", str(ASSETS / "vit")]):
        assert main(["models", *arguments]) == EXIT_FAILED
    assert main(["models", "use", DEFAULT]) == EXIT_FAILED
    assert main(["models", "remove", DEFAULT, "--yes"]) == EXIT_FAILED
    assert "Visitors of a shared server" in capsys.readouterr().err
    assert (hub.gets, bundles.exists()) == ([], False)
