"""Everything a library does, with a bundle of another network, other labels and no tag head."""

import base64
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from scene_model.api import create_app
from scene_model.classifier.personal_head import MIN_CORRECTIONS
from scene_model.cli.main import main
from scene_model.config import Settings
from scene_model.duplicates.groups import near_duplicate_pairs
from scene_model.duplicates.near_duplicates import NearDuplicateKind, compare_new
from scene_model.errors import BundleWithoutHeads
from scene_model.export.table import COLUMNS, OBJECT_COLUMNS
from scene_model.learning.personal_heads import personal_figures
from scene_model.learning.review_queue import review_queue
from scene_model.learning.taught_tags import fit_tag, save_taught_tag
from scene_model.learning.thresholds import class_scores, preview_thresholds
from scene_model.library import edits
from scene_model.photos.decoders.pool import Decoders
from scene_model.search.similar import similar_to_photo
from scene_model.services import Services, open_services
from tests.pictures import encode, striped
from tests.tiny_networks import float_rule, headless_bundle, onnx_network, tagging_bundle

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def shade(level: int, seed: int = 0) -> bytes:
    """A noisy grey picture."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    coarse = rng.integers(level - 30, level + 30, (6, 8, 3)).astype(np.uint8)
    return encode(Image.fromarray(coarse).resize((160, 120)))


@pytest.fixture(params=[False, True], ids=["without-objects", "other-objects"])
def with_objects(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def settings(tmp_path: Path, with_objects: bool) -> Settings:
    bundle = tagging_bundle(tmp_path / "models" / "moods", with_objects)
    return Settings(library=tmp_path / "library", workers=2, bundle=bundle)


@pytest.fixture
def services(settings: Settings, decoders: Decoders) -> Iterator[Services]:
    opened = open_services(settings, decoders=decoders)
    yield opened
    opened.close()


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    """Three bright pictures, then three dark ones."""
    files = [(f"bright_{i}.jpg", shade(215, i)) for i in range(3)]
    return add_photos([*files, *((f"dark_{i}.jpg", shade(40, i)) for i in range(3))])


def test_photos_are_filed_found_and_exported(
    services: Services, ids: list[str], with_objects: bool
) -> None:
    classes = [services.library.photo(photo_id).photo_class for photo_id in ids]
    assert classes == ["bright"] * 3 + ["dark"] * 3
    assert set(services.gallery().ids("bright")) == set(ids[:3])
    assert set(services.gallery().ids("class:dark")) == set(ids[3:])
    assert set(services.gallery().ids("tag:lamp")) == (set(ids[:3]) if with_objects else set())
    header, *rows = csv.reader(io.StringIO("".join(services.exports.csv_lines(ids))))
    assert tuple(header) == COLUMNS
    by_name = {row[1]: dict(zip(header, row, strict=True)) for row in rows}
    bright = by_name["bright_0.jpg"]
    assert (bright["Class"], bright["Class source"]) == ("bright", "moods")
    labels = [bright[f"Label {rank}"] for rank in range(1, OBJECT_COLUMNS + 1)]
    # Of three labels, the five columns have three.
    assert [bool(label) for label in labels] == [with_objects] * 3 + [False] * 2
    assert (labels[0] == "lamp") == with_objects


def test_similar_duplicates_and_review(services: Services, ids: list[str], add_photos: Add) -> None:
    first = similar_to_photo(services.library, services.classifier, ids[0], 2)
    assert {similar.photo_id for similar in first} == set(ids[1:3])
    (copy,) = add_photos([("copy.jpg", _smaller(shade(215, 0)))])
    list(compare_new(services.library))
    pairs = near_duplicate_pairs(services.library, NearDuplicateKind.NEAR)
    assert {ids[0], copy} in [{pair.first, pair.second} for pair in pairs]
    queue = review_queue(services.library, services.classifier)
    assert {item.photo_id for item in queue} == {*ids, copy}


def _smaller(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return encode(picture.resize((120, 90)), "PNG")


@pytest.mark.slow
@pytest.mark.parametrize("with_objects", [False], indirect=True)
def test_teaching_thresholds_and_retrained_heads(services: Services, add_photos: Add) -> None:
    striped_ids = add_photos([(f"s{i}.jpg", striped(i)) for i in range(MIN_CORRECTIONS + 2)])
    others = add_photos([(f"d{i}.jpg", shade(40, i)) for i in range(12)])
    candidate = fit_tag(services.library, services.classifier, "stripes", striped_ids[:8])
    save_taught_tag(services.library, services.classifier, candidate)
    assert set(striped_ids[:8]) <= set(services.gallery().ids("tag:stripes"))
    scores = class_scores(services.library, services.classifier)
    preview = preview_thresholds(scores, services.classifier, {"bright": 0.99, "dark": 0.99})
    services.model_choice.use_thresholds({"bright": 0.99, "dark": 0.99})
    assert preview.filed_then == services.gallery().count("class:bright OR class:dark")
    services.model_choice.use_thresholds({})
    edits.set_class(services.library, striped_ids, "dark")
    edits.set_class(services.library, others, "bright")
    assert services.model_choice.use_corrections(services.model_choice.learn_corrections()).wait(60)
    figures = personal_figures(services.library, services.classifier)
    assert set(figures) == {"moods"}
    (new,) = add_photos([("new.jpg", shade(42, 99))])
    assert services.library.photo(new).photo_class == "bright"


def test_the_command(
    settings: Settings,
    tmp_path: Path,
    with_objects: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "dark.jpg").write_bytes(shade(40))
    monkeypatch.setenv("SCENE_BUNDLE", str(settings.bundle))
    assert main(["classify", str(tmp_path / "dark.jpg"), "--jsonl"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["label"], record["class"], record["class_source"]) == ("dark", "dark", "moods")
    assert set(record["probabilities"]) == {"bright", "dark"}
    assert (record["group"], record["tags"], record["places"]) == (None, [], [])
    assert [tag["label"] for tag in record["objects"]] == (
        ["cellar", "lamp", "candle"] if with_objects else []
    )


def test_the_api(settings: Settings) -> None:
    app = create_app(settings)
    with TestClient(app, base_url="http://localhost:8501", client=("127.0.0.1", 50_000)) as api:
        image = base64.b64encode(shade(40)).decode()
        response = api.post("/api/classify/", json={"images": [image]})
        # By the tag head, or the class head where there is none.
        assert response.json() == {"tags": [["Dark"]]}
        predicted = api.post("/api/predict", files={"file": ("d.jpg", shade(40), "image/jpeg")})
        assert (predicted.json()["label"], predicted.json()["group"]) == ("dark", None)
        assert [head["id"] for head in api.get("/api/models").json()["heads"]][0] == "moods"


def test_a_network_without_heads_is_no_model_for_tags(
    services: Services, settings: Settings, decoders: Decoders
) -> None:
    rule = float_rule()
    folder = settings.bundle.parent / "search_only"
    headless_bundle(folder, onnx_network(rule), rule, "onnx")
    with pytest.raises(BundleWithoutHeads):
        open_services(settings.model_copy(update={"bundle": folder}), decoders=decoders)
    chooser = settings.model_copy(update={"bundles": folder.parent})
    from dataclasses import replace

    choice = replace(services, settings=chooser).model_choice
    assert "search_only" in [entry.name for entry in choice.bundles()]
    with pytest.raises(BundleWithoutHeads, match="has no labels"):
        choice.use_bundle("search_only")
    assert services.classifier.class_head.id == "moods"
