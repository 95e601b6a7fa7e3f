"""Which files make up a model, and what is said of those that cannot be run."""

from pathlib import Path

import pytest

from scene_model.errors import ModelRefused
from scene_model.model_store.local_model import licence_of_card, read_local
from scene_model.model_store.model_files import choose_files

CONFIGS = ["config.json", "preprocessor_config.json", "README.md", "LICENSE"]


def test_a_classifier() -> None:
    files = choose_files(
        [*CONFIGS, "model.safetensors", "onnx/model.onnx", "onnx/model_int8.onnx"], "org/vit"
    )
    assert (files.kind, files.network, files.text) == ("onnx", "onnx/model.onnx", None)
    assert files.names == ("onnx/model.onnx", "config.json", *CONFIGS[1:])


def test_data_beside_the_network_belongs_to_it() -> None:
    names = ["model.onnx", "model.onnx_data", "model.onnx_data_1", "model_int8.onnx_data"]
    assert choose_files(names, "org/vit").weights == ("model.onnx_data", "model.onnx_data_1")


@pytest.mark.parametrize(
    ("image", "text", "tokenizer"),
    [
        ("vision_model.onnx", "text_model.onnx", "tokenizer.json"),
        ("onnx/vision_model.onnx", "onnx/text_model.onnx", "tokenizer.json"),
        ("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json"),
    ],
)
def test_a_pair(image: str, text: str, tokenizer: str) -> None:
    files = choose_files([image, text, tokenizer, "config.json"], "org/clip")
    assert (files.kind, files.network, files.text) == ("pair", image, text)
    assert files.tokenizer == tokenizer


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["model.safetensors", "config.json"], ["model.safetensors", "optimum-cli export onnx"]),
        (["pytorch_model.bin"], ["pytorch_model.bin", "--model org/net"]),
        (["onnx/vision_model.onnx"], ["onnx/text_model.onnx"]),
        (["a.onnx", "b.onnx"], ["a.onnx, b.onnx"]),
        (["photo.jpg"], ["model.onnx"]),
        ([], ["saved_model.pb"]),
    ],
)
def test_files_that_are_missing(names: list[str], parts: list[str]) -> None:
    with pytest.raises(ModelRefused) as caught:
        choose_files(names, "org/net")
    assert caught.value.code == "model_files_missing"
    for part in parts:
        assert part in caught.value.message


@pytest.mark.parametrize("name", ["net.pt", "net.pkl", "net.joblib", "net.h5", "net.jpg", "net"])
def test_files_that_are_never_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    with pytest.raises(ModelRefused):
        read_local(tmp_path / name)


@pytest.mark.parametrize("text", ['"x"', "[1]", "{}", "null"])
def test_a_config_without_the_length_of_texts(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    (tmp_path / "config.json").write_text(f'{{"text_config": {text}}}', encoding="utf-8")
    assert read_local(tmp_path).context_length is None


def test_a_saved_model_and_single_files(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "variables").mkdir()
    assert read_local(tmp_path).files.kind == "saved_model"
    for name, kind in (("a.keras", "keras"), ("b.tflite", "tflite"), ("c.onnx", "onnx")):
        file = tmp_path / kind / name
        file.parent.mkdir()
        file.touch()
        assert read_local(file).files.kind == kind
        assert read_local(file.parent).files.network == name


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\ntags: [a]\n---\n# Net\n", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: apple-amlr\n---\n", "apple-amlr"),
        ('---\r\nlicense: "mit"\r\n---\r\n', "mit"),
        ("# Net\nlicense: mit\n", None),
        ("---\ntags: [a]\n---\nlicense: mit\n", None),
    ],
)
def test_the_licence_of_a_card(card: str, licence: str | None) -> None:
    assert licence_of_card(card) == licence
