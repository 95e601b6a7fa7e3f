"""A bundle is opened whole and checked, or refused with its reason."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.errors import (
    BundleDamaged,
    BundleError,
    BundleNotFound,
    BundleTooNew,
    LabelCountMismatch,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "bundle"
    target.mkdir()
    for name in ("bundle.json", "backbone.tflite", "heads.npz"):
        shutil.copy(DEFAULT_BUNDLE_DIR / name, target)
    return target


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "bundle.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    change(description)
    file.write_text(json.dumps(description), encoding="utf-8")


def test_shipped_bundle(folder: Path) -> None:
    bundle = open_bundle(folder)
    assert bundle.description.id.startswith("scene_mobilenet_v2@")
    # The model a photo was tagged by is named by its weights, not by its folder.
    assert bundle.description.id == open_bundle(DEFAULT_BUNDLE_DIR).description.id


def refused(folder: Path) -> BundleError:
    with pytest.raises(BundleError) as caught:
        open_bundle(folder)
    return caught.value


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    assert type(refused(tmp_path / "nowhere")) is BundleNotFound
    (folder / "heads.npz").unlink()
    assert "heads.npz" in refused(folder).message


def test_half_copied_network(folder: Path) -> None:
    network = folder / "backbone.tflite"
    network.write_bytes(network.read_bytes()[:-100])
    error = refused(folder)
    assert type(error) is BundleDamaged
    assert "SHA-256" in error.message


def test_newer_format(folder: Path) -> None:
    def change(description: dict[str, Any]) -> None:
        description["format_version"] = 99
        description["something_new"] = True

    rewrite(folder, change)
    assert type(refused(folder)) is BundleTooNew


def test_broken_description(folder: Path) -> None:
    rewrite(folder, lambda d: d.pop("input"))
    assert "input" in refused(folder).message
    (folder / "bundle.json").write_text("{", encoding="utf-8")
    assert type(refused(folder)) is BundleDamaged


def test_labels_and_outputs_disagree(folder: Path) -> None:
    rewrite(folder, lambda d: d["heads"][0]["labels"].pop())
    assert type(refused(folder)) is LabelCountMismatch
