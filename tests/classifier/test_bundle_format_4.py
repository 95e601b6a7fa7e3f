"""Format 4 of bundle.json: engines, preprocessing, no heads, text; and every value refused."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.bundle_description import BundleDescription, read_description
from scene_model.classifier.classify import Classifier
from scene_model.classifier.encoder import ImageEncoder
from scene_model.classifier.fitting.bundle_files import write_description
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.errors import BundleDamaged, BundleNotFound, BundleWithoutHeads
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from tests.tiny_networks import EMBEDDING, float_rule, headless_bundle, onnx_network

RULE = float_rule(layout="NCHW", colour_order="BGR", resize="centre_crop", short_side=9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    headless_bundle(tmp_path, onnx_network(RULE), RULE, "onnx")
    return tmp_path


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "bundle.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    change(description)
    file.write_text(json.dumps(description), encoding="utf-8")


def test_what_is_written_is_read_again(folder: Path) -> None:
    description = read_description(folder)
    assert description.format_version == 4
    assert description.input == RULE
    assert description.heads == ()
    write_description(folder, description)
    assert read_description(folder) == description


def test_a_bundle_that_needs_nothing_new_is_written_as_before(tmp_path: Path) -> None:
    shipped = read_description(DEFAULT_BUNDLE_DIR)
    write_description(tmp_path, shipped.model_copy(update={"format_version": 4, "text": None}))
    written = json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))
    before = json.loads((DEFAULT_BUNDLE_DIR / "bundle.json").read_text(encoding="utf-8"))
    # Programs that read up to format 3 refuse keys that they do not know.
    assert written == {k: v for k, v in before.items() if k != "text"} | {"format_version": 3}


def test_the_network_of_an_embedding_is_its_file_and_what_it_is_given(folder: Path) -> None:
    shipped = read_description(DEFAULT_BUNDLE_DIR)
    assert shipped.backbone_id == shipped.backbone.sha256[:16]

    def variant(**changes: Any) -> BundleDescription:
        before = read_description(folder)
        return before.model_copy(
            update={"input": before.input.model_copy(update=changes), "name": "renamed"}
        )

    ids = {
        variant(**changes).backbone_id
        for changes in ({}, {"short_side": 10}, {"mean": (0.5, 0.5, 0.5)}, {"colour_order": "RGB"})
    }
    assert len(ids) == 4
    assert variant().backbone_id == read_description(folder).backbone_id
    assert variant().id != variant(short_side=10).id


def test_a_network_without_heads_serves_search_only(
    folder: Path, temple: bytes, decoders: Decoders
) -> None:
    encoder = ImageEncoder.open(folder, PhotoLimits(), decoders)
    encoder.check()
    assert encoder.encode(temple).shape == (EMBEDDING,)
    with pytest.raises(BundleWithoutHeads, match="tiny has no labels.*fit FOLDER --backbone"):
        Classifier.open(folder, PhotoLimits(), 1, decoders)


def set_in(*places: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        part = description
        for place in places[:-1]:
            part = part[place]
        part[places[-1]] = value

    return change


def as_uint8(description: dict[str, Any]) -> None:
    description["input"]["dtype"] = "uint8"


FILE = {"file": "x", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (set_in("format_version", value=3), "format_version is 3, but only format 4 describes"),
        (set_in("backbone", "engine", value="torch"), "backbone.engine: .*'litert' or 'onnx'"),
        (set_in("backbone", "output", value=""), "backbone.output is empty"),
        (set_in("backbone", "embedding_size", value=0), "backbone.embedding_size"),
        (set_in("backbone", "file", value="../secret.onnx"), "file is '../secret.onnx'"),
        (set_in("backbone", "file", value="/etc/passwd"), "lie in its own folder"),
        (set_in("backbone", "file", value="C:\\x.onnx"), "lie in its own folder"),
        (set_in("backbone", "file", value=".."), "lie in its own folder"),
        (set_in("input", "layout", value="CHWN"), "input.layout"),
        (set_in("input", "colour_order", value="GRB"), "input.colour_order"),
        (set_in("input", "dtype", value="float16"), "input.dtype"),
        (set_in("input", "resize", value="pad"), "input.resize"),
        (set_in("input", "width", value=0), "input.width"),
        (set_in("input", "height", value=5_000), "input.height"),
        (set_in("input", "short_side", value=None), "needs short_side"),
        (set_in("input", "short_side", value=7), "short_side is 7, and 8 × 8 pixels"),
        (set_in("input", "resize", value="stretch"), "'stretch' takes none"),
        (as_uint8, "without scale, mean and deviation"),
        (set_in("input", "scale", value=0), "input.scale"),
        (set_in("input", "mean", value=[1, 2]), "input.mean"),
        (set_in("input", "mean", value=[1, 2, float("inf")]), "input.mean"),
        (set_in("input", "deviation", value=[1, 0, 1]), "each number must be above 0"),
        (set_in("class_head", value="scenes"), "it has no heads, so class_head must be null"),
        (set_in("heads_file", value=FILE), "it has no heads, so heads_file must be null"),
        (set_in("tag_head", value="camera"), "it has no heads, so tag_head must be null"),
        (set_in("decisions_file", value=FILE), "it has no heads, so decisions_file must be"),
    ],
)
def test_values_that_do_not_fit(
    folder: Path, change: Callable[[dict[str, Any]], None], says: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(BundleDamaged, match=says):
        open_bundle(folder)


def test_heads_without_their_weights(tmp_path: Path) -> None:
    description = read_description(DEFAULT_BUNDLE_DIR).model_copy(update={"heads_file": None})
    write_description(tmp_path, description)
    with pytest.raises(BundleDamaged, match="heads_file, the file of their weights, is null"):
        read_description(tmp_path)


def with_text(folder: Path, **changes: Any) -> None:
    """Give the bundle a text side; its files hold their own names."""
    names = ("text.onnx", "tokenizer.json", "projection.npz")
    for name in names:
        (folder / name).write_bytes(name.encode())
    text, tokenizer, projection = (
        {"file": name, "sha256": hashlib.sha256(name.encode()).hexdigest()} for name in names
    )
    entry = text | {
        "engine": "onnx",
        "tokenizer": tokenizer,
        "context_length": 16,
        "padding_id": 0,
        "embedding_size": 3,
        "image_projection": projection,
        "prompt": "a photo of {}",
    }
    rewrite(folder, lambda description: description.update(text=entry | changes))


def test_a_text_side(folder: Path) -> None:
    with_text(folder)
    text = open_bundle(folder).description.text
    assert text is not None
    assert (text.engine, text.context_length, text.prompt) == ("onnx", 16, "a photo of {}")
    assert [entry.file for entry in text.files] == ["text.onnx", "tokenizer.json", "projection.npz"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"prompt": "a photo"}, "must have {} once"),
        ({"prompt": "{} {}"}, "must have {} once"),
        ({"image_projection": None}, "text.embedding_size is 3 and backbone.embedding_size 5"),
        ({"tokenizer": {"file": "../t.json", "sha256": "0"}}, "text.tokenizer.file is"),
        ({"context_length": 0}, "text.context_length"),
        ({"padding_id": -1}, "text.padding_id"),
        ({"engine": "torch"}, "text.engine"),
    ],
)
def test_a_text_side_that_does_not_fit(folder: Path, changes: dict[str, Any], says: str) -> None:
    with_text(folder, **changes)
    with pytest.raises(BundleDamaged, match=re.escape(says)):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["text.onnx", "tokenizer.json", "projection.npz"])
def test_files_of_the_text_side_are_checked(folder: Path, name: str) -> None:
    with_text(folder)
    (folder / name).write_bytes(b"changed")
    with pytest.raises(BundleDamaged, match=f"{name} in .* has SHA-256"):
        open_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(BundleNotFound, match=f"{name} is missing"):
        open_bundle(folder)
