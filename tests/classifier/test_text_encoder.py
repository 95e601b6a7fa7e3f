"""The text side of a pair: tokens, vectors, projection, and what is wrong with them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.encoder import ImageEncoder
from scene_model.classifier.text.text_calibration import (
    BACKGROUND,
    measured_spread,
    read_calibration,
)
from scene_model.classifier.text.text_encoder import TextEncoder
from scene_model.errors import BundleDamaged, EngineMissing
from scene_model.photos.decode import PhotoLimits
from tests.pictures import encode
from tests.text_pairs import JOINT, add_calibration, colour_pair, replace_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return colour_pair(tmp_path)


def picture(colour: tuple[int, int, int]) -> bytes:
    return encode(Image.new("RGB", (64, 64), colour))


def test_a_sentence_is_close_to_the_photos_it_describes(folder: Path) -> None:
    text = TextEncoder.open(open_bundle(folder))
    images = ImageEncoder.open(folder, PhotoLimits())
    colours = {"red": (250, 5, 5), "green": (5, 250, 5), "blue": (5, 5, 250)}
    photos = text.project(
        np.stack(
            [
                images.encode(encode(Image.new("RGB", (64, 64), colour)))
                for colour in colours.values()
            ]
        )
    )
    sentences = text.encode([f"a {name} thing" for name in colours])
    assert (sentences @ photos.T).argmax(axis=1).tolist() == [0, 1, 2]
    for vectors in (photos, sentences):
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert text.encode([]).shape == (0, JOINT)
    text.check()


def test_long_sentences_are_cut_and_unknown_words_count_nothing(folder: Path) -> None:
    text = TextEncoder.open(open_bundle(folder))
    red, cut, unknown = text.encode(["red", "red " + "xyzzy " * 50, "xyzzy"])
    assert cut == pytest.approx(red)
    assert not unknown.any()


def test_a_projection_brings_photos_into_the_space_of_sentences(tmp_path: Path) -> None:
    projection = np.zeros((JOINT, JOINT), np.float32)
    projection[:3, :3] = np.eye(3)[[2, 1, 0]]  # red and blue change places
    folder = colour_pair(tmp_path, projection=projection)
    text = TextEncoder.open(open_bundle(folder))
    red = np.eye(1, JOINT, dtype=np.float32)
    assert text.project(red)[0, 2] == pytest.approx(1)
    wrong = colour_pair(tmp_path / "wrong", projection=projection[:, :5])
    with pytest.raises(BundleDamaged, match=r"\(64, 5\).*\(64, 64\)"):
        TextEncoder.open(open_bundle(wrong))


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("tokenizer.json", b"{}", "tokenizer"),
        ("tokenizer.json", b"\xff", "tokenizer"),
        ("text.onnx", b"no graph", "cannot be opened"),
        ("text.onnx", "image.onnx", "input 'photo'"),
    ],
)
def test_a_wrong_file_is_named(folder: Path, file: str, data: bytes | str, message: str) -> None:
    replace_file(folder, file, (folder / data).read_bytes() if isinstance(data, str) else data)
    with pytest.raises(BundleDamaged, match=message):
        TextEncoder.open(open_bundle(folder))


def test_a_tokenizer_of_more_words_than_the_network_knows(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["beyond"] = 9_999
    replace_file(folder, "tokenizer.json", json.dumps(tokenizer).encode())
    text = TextEncoder.open(open_bundle(folder))
    with pytest.raises(BundleDamaged, match="fails"):
        text.encode(["beyond"])


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(EngineMissing, match="pip install"):
        TextEncoder.open(open_bundle(folder))


def test_the_spread_is_that_of_wrong_sentences(folder: Path) -> None:
    """Photos that a few background sentences do describe widen it little."""
    text = TextEncoder.open(open_bundle(folder))
    random = np.random.default_rng(0)
    photos = random.standard_normal((200, JOINT)).astype(np.float32)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    spread = measured_spread(text, photos)
    assert 0.5 / np.sqrt(JOINT) < spread < 1.5 / np.sqrt(JOINT)
    described = np.concatenate([photos, text.encode(BACKGROUND[:8])])
    assert measured_spread(text, described) == pytest.approx(spread, rel=0.1)
    assert 0 < measured_spread(text, photos[:0]) < 0.001


def test_a_calibration_comes_with_the_bundle(folder: Path) -> None:
    assert read_calibration(open_bundle(folder)).spread is None
    add_calibration(folder, spreads=3.0, spread=0.05)
    calibration = read_calibration(open_bundle(folder))
    assert (calibration.spreads, calibration.spread) == (3.0, 0.05)
    add_calibration(folder, spreads=-1.0)
    with pytest.raises(BundleDamaged, match="-1"):
        read_calibration(open_bundle(folder))
