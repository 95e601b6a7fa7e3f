"""Classifying a photo: independent of orientation, size, threads and storage."""

import hashlib
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from scene_model.classifier.classify import Classifier, HeadPredictions, Provenance
from scene_model.classifier.vocabulary import vocabulary_of
from scene_model.errors import BundleDamaged, DamagedPhoto
from scene_model.photos.decode import PhotoLimits
from tests.bundles import other_network, own_head
from tests.conftest import SHARED
from tests.pictures import encode, stored_as, textured


def test_a_temple_and_a_flower(classifier: Classifier, temple: bytes, flower: bytes) -> None:
    predictions = classifier.predict(temple).head_predictions
    assert predictions.by_head["camera"].label in ("landmark", "house", "buildings")
    flower_predictions = classifier.predict(flower).head_predictions
    assert flower_predictions.tag_prediction is not None
    assert flower_predictions.tag_prediction.label == "flower"
    assert flower_predictions.class_prediction.unsure, "a flower is none of the six scenes"
    assert flower_predictions.photo_class.label == "flower"
    assert flower_predictions.objects[0].score >= flower_predictions.objects[4].score


def test_orientation_does_not_change_the_prediction(classifier: Classifier, temple: bytes) -> None:
    upright = Image.open(io.BytesIO(temple)).convert("RGB")
    predictions = [classifier.predict(stored_as(upright, o)).head_predictions for o in range(1, 9)]
    assert len({photo.class_prediction.label for photo in predictions}) == 1
    assert len({photo.photo_class.label for photo in predictions}) == 1
    confidences = [photo.class_prediction.confidence for photo in predictions]
    assert max(confidences) - min(confidences) <= 0.03


def test_orientation_does_not_change_the_class_of_an_unsure_photo(
    classifier: Classifier, flower: bytes
) -> None:
    # Where a photo shows none of the scenes, the scene confidences change a little with the JPEG
    # noise of each orientation (see benchmarks/orientations.py); the class must not change.
    upright = Image.open(io.BytesIO(flower)).convert("RGB")
    predictions = [classifier.predict(stored_as(upright, o)).head_predictions for o in range(1, 9)]
    assert {photo.photo_class.label for photo in predictions} == {"flower"}
    assert all(photo.class_prediction.unsure for photo in predictions)


def test_threads_get_the_same_embeddings(
    classifier: Classifier, made_photos: list[tuple[str, bytes]]
) -> None:
    alone = [classifier.predict(data).embedding for _, data in made_photos]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda item: classifier.predict(item[1]).embedding, made_photos))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_stored_embedding_gives_the_same_prediction(classifier: Classifier, temple: bytes) -> None:
    prediction = classifier.predict(temple)
    again = classifier.predict_embedding(prediction.embedding.astype(np.float16).astype(np.float32))
    assert again.class_prediction.label == prediction.head_predictions.class_prediction.label
    assert again.class_prediction.confidence == pytest.approx(
        prediction.head_predictions.class_prediction.confidence, abs=0.01
    )


@pytest.mark.slow
def test_large_photos_are_predicted_as_their_small_copies(classifier: Classifier) -> None:
    """100 photos of all sources enlarged to 8 megapixels, against the same at 192 pixels."""
    same_scene = same_tag = 0
    photos = small_photos(34) + small_photos(33, "camera36") + small_photos(33, "camsdd_train")
    for small in photos:
        scale = (8_200_000 / (small.width * small.height)) ** 0.5
        size = (round(small.width * scale), round(small.height * scale))
        # OpenCV enlarges, and Pillow reduces in two steps, in a fraction of the time.
        large = Image.fromarray(cv2.resize(np.asarray(small), size, interpolation=cv2.INTER_CUBIC))
        factor = 192 / min(small.size)
        copy = large.resize(
            (round(small.width * factor), round(small.height * factor)), reducing_gap=3.0
        )
        predictions = [
            classifier.predict(encode(picture)).head_predictions for picture in (large, copy)
        ]
        same_scene += predictions[0].class_prediction.label == predictions[1].class_prediction.label
        same_tag += first_tag(predictions[0]) == first_tag(predictions[1])
    assert len(photos) == 100
    assert same_scene >= 95
    assert same_tag >= 95


def first_tag(predictions: HeadPredictions) -> str | None:
    return predictions.tags[0].label if predictions.tags else None


def small_photos(count: int, source: str = "scenes6") -> list[Image.Image]:
    """Photos of a training zip, spread evenly over it."""
    file = SHARED / "data" / f"{source}.zip"
    if not file.is_file():
        pytest.skip("the photographs of ../shared/data are not here")
    with zipfile.ZipFile(file) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        chosen = names[:: len(names) // count][:count]
        return [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in chosen]


def test_vocabulary(classifier: Classifier) -> None:
    words = vocabulary_of(classifier.heads.values())
    assert {"sea", "coast"} & words.ids_for("ocean")
    assert words.label_ids_for("Meer") == {"sea"}
    assert words.ids_for("Meer") >= {"sea", "underwater"}
    assert "text_document" in words.ids_for("Text  DOCUMENT")
    assert words.canonical("Text document") == "text_document"
    assert words.canonical("Grandma's  garden") == "Grandma's garden"
    assert words.display_name("unsure") == "Unsure"
    assert words.named_ids_for("Road") == {"road"}
    assert {"road", "street"} <= words.ids_for("road")
    assert words.ids_for("no such word") == frozenset()


@pytest.mark.slow
def test_all_shared_photos_are_read(classifier: Classifier, shared_photos: Path) -> None:
    for path in sorted(shared_photos.iterdir()):
        if path.is_file():
            assert (
                classifier.predict(path.read_bytes()).head_predictions.class_prediction.confidence
                > 1 / 6
            )


def test_a_damaged_png_is_not_half_a_picture(classifier: Classifier) -> None:
    """Reading EXIF before the pixels would suppress the error."""
    data = bytearray(encode(textured(400, 300), "PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(DamagedPhoto):
        classifier.predict(bytes(data))


def opened(folder: Path) -> Classifier:
    return Classifier.open(folder, PhotoLimits(), interpreters=1)


@pytest.mark.slow
def test_a_custom_class_head_decides_the_class(
    tmp_path: Path, classifier: Classifier, flower: bytes
) -> None:
    own = opened(own_head(tmp_path))
    predictions, shipped = (
        own.predict(flower).head_predictions,
        classifier.predict(flower).head_predictions,
    )
    assert (predictions.photo_class.label, predictions.photo_class.source) == (
        "zermatt",
        "my_folders",
    )
    assert predictions.class_prediction.head == "my_folders"
    # The heads it shares with the shipped bundle predict the same.
    assert predictions.tags == shipped.tags
    assert predictions.objects == shipped.objects
    assert predictions.by_head["scenes"].confidence == shipped.class_prediction.confidence


@pytest.mark.slow
def test_an_unsure_custom_head_leaves_the_class_to_the_tag_head(
    tmp_path: Path, flower: bytes
) -> None:
    predictions = opened(own_head(tmp_path, sure=False)).predict(flower).head_predictions
    assert (predictions.photo_class.label, predictions.photo_class.source) == ("flower", "camera")
    assert predictions.stored_tags["my_folders"] == []


def test_stored_tags_of_each_head(classifier: Classifier, temple: bytes, flower: bytes) -> None:
    flower_predictions = classifier.predict(flower).head_predictions
    assert flower_predictions.stored_tags["scenes"] == [], "an unsure head gives no tag"
    assert [tag.label for tag in flower_predictions.stored_tags["camera"]] == ["flower"]
    assert all(tag.score >= 0.3 for tag in flower_predictions.stored_tags["objects"])
    assert flower_predictions.by_head["scenes"].tags, "or the first assertion would hold trivially"


@pytest.mark.slow
def test_scenes_stay_unsure_beside_a_custom_head(tmp_path: Path, flower: bytes) -> None:
    stored = opened(own_head(tmp_path)).predict(flower).head_predictions.stored_tags
    assert stored["scenes"] == []
    assert [tag.label for tag in stored["my_folders"]] == ["zermatt"]


def test_a_bundle_of_another_network_has_only_its_own_head(
    tmp_path: Path, classifier: Classifier, temple: bytes, flower: bytes
) -> None:
    own = opened(other_network(tmp_path))
    predictions = own.predict(temple).head_predictions
    assert set(predictions.by_head) == {"my_scenes"}
    assert (
        predictions.class_prediction.label
        == f"my_{classifier.predict(temple).head_predictions.class_prediction.label}"
    )
    assert (predictions.tag_prediction, predictions.tags, predictions.objects) == (None, [], [])
    flower_predictions = own.predict(flower).head_predictions
    assert (flower_predictions.photo_class.label, flower_predictions.photo_class.source) == (
        "unsure",
        "none",
    )


@pytest.mark.slow
def test_which_embeddings_a_model_can_read(tmp_path: Path, classifier: Classifier) -> None:
    own, other = opened(own_head(tmp_path)), opened(other_network(tmp_path))
    assert own.can_read(classifier.provenance)
    assert classifier.can_read(own.provenance)
    assert not other.can_read(classifier.provenance)
    assert not classifier.can_read(other.provenance)
    # Without a recorded network, only embeddings of the same bundle can be read.
    assert classifier.can_read(Provenance(classifier.bundle_id, None))
    assert not own.can_read(Provenance(classifier.bundle_id, None))


@pytest.mark.slow
def test_a_model_in_use_does_not_need_its_file(tmp_path: Path, temple: bytes) -> None:
    folder = own_head(tmp_path)
    own = opened(folder)
    (folder / "backbone.tflite").write_bytes(b"published again meanwhile")
    assert own.predict(temple).head_predictions.photo_class.label == "zermatt"


def test_check_detects_a_network_that_cannot_be_run(tmp_path: Path) -> None:
    folder = own_head(tmp_path)
    network = b"no network"
    (folder / "backbone.tflite").write_bytes(network)
    file = folder / "bundle.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    description["backbone"]["sha256"] = hashlib.sha256(network).hexdigest()
    file.write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(BundleDamaged, match="cannot be run"):
        opened(folder).check()
