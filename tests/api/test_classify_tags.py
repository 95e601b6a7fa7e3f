"""`/classify` and `/classify/`: the exact contract."""

import base64
import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from starlette.testclient import TestClient

from scene_model.api import classify_tags
from scene_model.api.classify_tags import read_images
from scene_model.classifier.classify import Classifier
from scene_model.classifier.tagging import tags_by_rule
from scene_model.errors import BrokenRequest, UnsupportedColours
from scene_model.photos.decode import decode_photo
from tests.api.conftest import problem_of
from tests.decoding import decode_here
from tests.pictures import encode, textured


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def heic(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture).save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("path", ["/api/classify", "/api/classify/"])
def test_tags_by_the_exact_rule(
    api: TestClient, path: str, temple: bytes, flower: bytes, classifier: Classifier
) -> None:
    response = api.post(path, json={"images": [text(temple), text(flower)]}, follow_redirects=False)
    assert response.status_code == 200
    expected = []
    for data in (temple, flower):
        answer = classifier.predict(data).head_predictions.by_head["camera"]
        labels = classifier.heads["camera"].labels
        tags = tags_by_rule(answer.probabilities, labels)
        expected.append([labels[labels.index(tag.label)].name for tag in tags] or ["Unknown"])
    assert response.json() == {"tags": expected}
    assert all(name[0].isupper() for names in expected for name in names)


@pytest.mark.parametrize(
    ("scores", "names"),
    [
        ([0.91, 0.09], ["Animals"]),
        # Not above 0.9, so both: there is no floor for the second tag here.
        ([0.9, 0.01], ["Animals", "Airplane"]),
        ([0.3, 0.21], ["Animals", "Airplane"]),
        ([0.25, 0.25], ["Unknown"]),
    ],
)
def test_the_rule_at_its_limits(
    classifier: Classifier, flower: bytes, scores: list[float], names: list[str]
) -> None:
    prediction = classifier.predict(flower)
    tag_prediction = prediction.head_predictions.tag_prediction
    assert tag_prediction is not None
    tag_prediction.probabilities[:] = 0
    tag_prediction.probabilities[:2] = scores

    class Fixed:
        heads = classifier.heads

        def predict(self, _: bytes) -> Any:
            return prediction

    fixed: Any = Fixed()
    assert classify_tags.display_tags(fixed, b"") == names


def test_accepted_types(api: TestClient) -> None:
    picture = textured(64, 48)
    for data in (
        encode(picture),
        encode(picture, "PNG"),
        encode(picture, "WEBP"),
        heic(picture),
    ):
        for entry in (text(data), f"data:image/any;base64,{text(data)}", f"{text(data)}\n"):
            assert api.post("/api/classify/", json={"images": [entry]}).status_code == 200


def test_every_colour_mode_of_a_png_is_converted(api: TestClient) -> None:
    picture = textured(64, 48)
    deep = Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64))
    for converted in (*(picture.convert(mode) for mode in ("1", "L", "LA", "P", "RGBA")), deep):
        entry = text(encode(converted, "PNG"))
        assert api.post("/api/classify", json={"images": [entry]}).status_code == 200


@pytest.mark.parametrize(
    ("document", "body"),
    [
        ({}, '"images" is missing'),
        ({"image": ["x"]}, '"images" is missing'),
        ([], '"images" is missing'),
        ({"images": "abc"}, "not a list"),
        ({"images": {"0": "abc"}}, "not a list"),
        ({"images": None}, "not a list"),
        ({"images": []}, "empty"),
        ({"images": [7]}, "images[0]: This is not a base64 image"),
        ({"images": [None]}, "images[0]: This is not a base64 image"),
        ({"images": [""]}, "images[0]: This is not a base64 image"),
        ({"images": ["!!"]}, "images[0]: This is not a base64 image"),
        ({"images": ["grün"]}, "images[0]: This is not a base64 image"),
        ({"images": [text(b"hello")]}, "images[0]: This is not a base64 image"),
        ({"images": ["data:image/png," + text(b"hello")]}, "images[0]: This is not a base64 image"),
        ({"images": [text(encode(textured(9, 9), "GIF"))]}, "The type GIF is not accepted"),
        ({"images": [text(encode(textured(9, 9), "TIFF"))]}, "The type TIFF is not accepted"),
        ({"images": [text(encode(textured(9, 9), "BMP"))]}, "The type BMP is not accepted"),
        ({"images": [text(encode(textured(90, 90))[:400])]}, "images[0]: The JPEG"),
    ],
)
def test_each_refusal_gives_the_reason(api: TestClient, document: object, body: str) -> None:
    assert body in problem_of(api.post("/api/classify/", json=document), 400)


def test_no_json(api: TestClient) -> None:
    for body in (b"", b"{", b"[1", b"\xff", b"[" * 100_000, b"1" * 10_000):
        problem_of(api.post("/api/classify", content=body), 400)


def test_a_colour_mode_that_cannot_be_converted(
    api: TestClient, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = Image.Image.convert

    def refuse(_: Image.Image, mode: str) -> Image.Image:
        return convert(Image.new("La", (1, 1)), mode)

    decode_here(monkeypatch.setattr)
    # Pillow converts every mode that an accepted type has today, so no real photo fails here.
    monkeypatch.setattr(Image.Image, "convert", refuse)
    with pytest.raises(UnsupportedColours):
        decode_photo(temple)
    detail = problem_of(api.post("/api/classify", json={"images": [text(temple)]}), 400)
    assert "images[0]: The colour mode RGB cannot be converted to RGB" in detail


def test_one_bad_image_fails_the_request_unless_partial(api: TestClient, temple: bytes) -> None:
    document = {"images": [text(temple), "!!", text(temple[:2000])]}
    assert "images[1]" in problem_of(api.post("/api/classify", json=document), 400)
    response = api.post("/api/classify/?partial=true", json=document)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"tags", "errors"}
    assert body["tags"][0]
    assert body["tags"][1:] == [None, None]
    assert [error and error["code"] for error in body["errors"]] == [
        *(None, "not_a_picture", "truncated_photo")
    ]
    # An error of the request itself is not reported per item.
    assert "empty" in problem_of(api.post("/api/classify?partial=true", json={"images": []}), 400)


def test_limits(api: TestClient) -> None:
    def refused(entries: list[str]) -> str:
        return problem_of(api.post("/api/classify", json={"images": entries}), 413)

    assert "SCENE_MAX_IMAGES" in refused(["x"] * 4)
    assert "SCENE_MAX_JSON_BYTES" in refused(["A" * 2_000_001])
    noise = np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8)
    assert "SCENE_MAX_FILE_BYTES" in refused([text(encode(Image.fromarray(noise), "PNG"))])
    assert "SCENE_MAX_PIXELS" in refused([text(encode(Image.new("L", (1100, 1000)), "PNG"))])


@pytest.mark.parametrize("filling", [b"[],", b"{},", b"0,", b"["])
def test_many_json_values_are_refused_before_they_are_parsed(filling: bytes) -> None:
    """Objects of Python take many times the memory of the text."""
    with pytest.raises(BrokenRequest, match="JSON values"):
        read_images(b'{"images": [' + filling * 20_000, 100)
