"""Networks that are refused, with a named error, and leave nothing."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from scene_model.errors import ModelRefused
from scene_model.model_store.local_model import read_local
from scene_model.model_store.prepare_pair import prepare_pair
from scene_model.model_store.prepared import Task
from scene_model.model_store.trial import TrialLimits
from tests.model_store import networks
from tests.model_store.conftest import Store
from tests.model_store.networks import ASSETS

pytestmark = pytest.mark.slow


def test_labels_that_are_not_said(store: Store, tmp_path: Path) -> None:
    error = store.refusal(networks.linear(tmp_path / "net.onnx"), scale=1.0)
    assert (error.code, "--labels FILE" in error.message) == ("model_labels", True)


def test_another_number_of_labels(store: Store, tmp_path: Path) -> None:
    source = networks.linear(tmp_path / "net.onnx", labels=4)
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_labels"
    assert "4 outputs" in error.message
    assert "3 labels" in error.message


def test_a_colour_order_or_layout_that_contradicts(store: Store, tmp_path: Path) -> None:
    error = store.refusal(ASSETS / "vit", colour_order="BGR")
    assert error.code == "model_options"
    assert "--colour-order says BGR, but the model's config says RGB" in error.message
    source = networks.linear(tmp_path / "net.onnx")
    error = store.refusal(source, labels=True, scale=1.0, layout="NHWC")
    assert (error.code, "--layout says NHWC" in error.message) == ("model_options", True)


def test_a_pair_without_its_tokenizer(store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(ASSETS / "clip", tmp_path / "clip")
    (folder / "tokenizer.json").unlink()
    error = store.refusal(folder)
    assert (error.code, "tokenizer.json" in error.message) == ("model_files_missing", True)


def test_labels_of_a_pair(store: Store) -> None:
    assert store.refusal(ASSETS / "clip", labels=True).code == "model_options"


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_a_package_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    folder = ASSETS / "clip"
    task = Task(
        kind="pair",
        network=str(folder / "onnx" / "vision_model.onnx"),
        folder=str(tmp_path),
        max_bytes=1_000_000,
        declared=read_local(folder).declared,
        text=str(folder / "onnx" / "text_model.onnx"),
        tokenizer=str(folder / "tokenizer.json"),
        context_length=16,
    )
    assert prepare_pair(task).joint_size == 12
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelRefused, match=r"scene-gallery\[onnx\]") as caught:
        prepare_pair(task)
    assert caught.value.code == "model_package_missing"


def test_a_tokenizer_of_another_model(store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(ASSETS / "clip", tmp_path / "clip")
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = {word: number + 500 for word, number in vocabulary.items()}
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    assert store.refusal(folder).code == "model_trial_failed"
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    assert store.refusal(folder).code == "model_damaged"


def test_a_file_of_four_gigabytes_is_refused_unread(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "net.onnx"
    with source.open("wb") as file:
        file.truncate(4_000_000_000)
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_too_large"
    assert "4,000,000,000" in error.message


@pytest.mark.parametrize("name", ["tokenizer.json", "LICENSE"])
def test_files_beside_the_network_count(store: Store, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(ASSETS / "clip", tmp_path / "clip")
    with (folder / name).open("ab") as file:
        file.truncate(4_000_000_000)
    assert store.refusal(folder).code == "model_too_large"


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
def test_a_damaged_file(store: Store, tmp_path: Path, ending: str) -> None:
    original = ASSETS / ("vit/model.onnx" if ending == "onnx" else "flowers.tflite")
    data = original.read_bytes()
    source = tmp_path / f"net.{ending}"
    source.write_bytes(data[: len(data) // 2])
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code in ("model_damaged", "model_trial_failed")


def test_data_outside_its_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"s" * 36)
    source = networks.reads_outside(tmp_path / "net" / "net.onnx", "../secret.bin")
    error = store.refusal(source, labels=True, scale=1.0)
    assert (error.code, "'../secret.bin'" in error.message) == ("model_unsafe", True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory on Linux alone")
def test_a_network_that_takes_all_memory(store: Store, tmp_path: Path) -> None:
    source = networks.takes_all_memory(tmp_path / "net.onnx")
    limits = TrialLimits(bytes=600_000_000)
    assert store.refusal(source, labels=True, scale=1.0, limits=limits).code == "model_trial_failed"


def test_a_network_that_takes_all_time(store: Store, tmp_path: Path) -> None:
    source = networks.takes_all_time(tmp_path / "net.onnx")
    limits = TrialLimits(seconds=1)
    error = store.refusal(source, labels=True, scale=1.0, limits=limits)
    assert error.code == "model_trial_failed"


def test_an_answer_that_is_not_finite_or_always_the_same(store: Store, tmp_path: Path) -> None:
    kernel = np.full((3, 3), np.inf, np.float32)
    source = networks.linear(tmp_path / "net.onnx", kernel=kernel)
    assert store.refusal(source, labels=True, scale=1.0).code == "model_trial_failed"
    # The mean of each colour is lost; what is left is the bias.
    source = networks.linear(
        tmp_path / "net.onnx", kernel=np.zeros((3, 3), np.float32), final="Tanh"
    )
    error = store.refusal(source, labels=True, scale=1.0)
    assert error.code == "model_trial_failed"
    assert "the same for different pictures" in error.message
