"""Thresholds: the preview matches the change, retagging confirms it, and undo restores it."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from scene_model.errors import NotForVisitors, UsageError
from scene_model.learning import thresholds
from scene_model.learning.thresholds import HIGHEST, LOWEST, class_scores, preview_thresholds
from scene_model.library import edits
from scene_model.library.predictions import predict_stored
from scene_model.services import Services, open_services
from tests.conftest import ASSETS
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    """Crops of a photograph with varied confidence of the class head; and generated pictures."""
    temple = Image.open(io.BytesIO((ASSETS / "china.jpg").read_bytes()))
    files = [
        (f"crop_{x}_{y}.jpg", encode(temple.crop((80 * x, 60 * y, 80 * x + 320, 60 * y + 240))))
        for x in range(5)
        for y in range(4)
    ]
    return add_photos(
        files + [(f"made_{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(8)]
    )


def state(services: Services) -> dict[str, tuple[object, ...]]:
    """The stored class and tags of each photo."""
    return {
        photo.id: (
            (photo.photo_class, photo.class_source, photo.unsure, round(photo.class_score, 3)),
            {(tag.label, tag.head, round(tag.score or 0, 3)) for tag in photo.tags},
        )
        for photo in services.library.records(services.library.find())
    }


def retagged(services: Services) -> dict[str, tuple[object, ...]]:
    for photo_id in services.library.find():
        stored = predict_stored(services.library, services.classifier, photo_id)
        services.library.replace_predictions(
            photo_id, stored.head_predictions, services.classifier.provenance
        )
    return state(services)


def for_all_labels(services: Services, threshold: float) -> dict[str, float]:
    head = services.classifier.class_head
    return dict.fromkeys(head.labels.ids, threshold)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "then"), [(HIGHEST, LOWEST), (0.5, HIGHEST)])
def test_the_change_is_what_retagging_would_store(
    services: Services, ids: list[str], first: float, then: float
) -> None:
    as_shipped = retagged(services)  # from embeddings as stored, at half precision
    services.model_choice.use_thresholds(for_all_labels(services, first))
    before = state(services)
    chosen = for_all_labels(services, then)
    scores = class_scores(services.library, services.classifier)
    preview = preview_thresholds(scores, services.classifier, chosen)
    assert state(services) == before, "the preview changes nothing"
    changed = services.model_choice.use_thresholds(chosen)
    assert (changed.entered, changed.left) == (len(preview.enters), len(preview.leaves))
    assert changed.entered + changed.left > 0, "the test needs photos that change"
    after = state(services)
    assert {i for i in after if after[i] != before[i]} == {*preview.enters, *preview.leaves}
    filed = [values for values in after.values() if values[0][1] == "scenes"]  # type: ignore[index]
    assert len(filed) == preview.filed_then
    assert set(services.gallery().ids("is:unsure")) == {
        photo_id
        for photo_id, values in after.items()
        if values[0][0] == "unsure"  # type: ignore[index]
    }
    assert retagged(services) == after
    services.model_choice.use_thresholds({})
    assert state(services) == as_shipped


def test_one_label_and_undo(services: Services, ids: list[str]) -> None:
    scenes = [photo for photo in services.library.records(ids) if photo.class_source == "scenes"]
    label = scenes[0].photo_class
    of_label = {photo.id for photo in scenes if photo.photo_class == label}
    library = services.library
    assert not thresholds.can_undo(library, services.classifier)
    search = services.model.search
    services.model_choice.use_thresholds({label: HIGHEST})
    assert services.model.search is search is not None, "opened once"
    moved = {photo.id for photo in library.records(ids) if photo.id in of_label and photo.unsure}
    assert moved == {p.id for p in scenes if p.id in of_label and p.confidence < HIGHEST}
    unaffected = [photo for photo in scenes if photo.id not in of_label]
    assert [library.photo(photo.id).photo_class for photo in unaffected] == [
        photo.photo_class for photo in unaffected
    ]
    assert thresholds.own_thresholds(library, services.classifier) == {label: HIGHEST}
    services.model_choice.use_thresholds({label: 0.3})
    assert thresholds.thresholds_before(library, services.classifier) == {label: HIGHEST}


def test_decisions_stay_and_new_photos_use_the_thresholds(
    services: Services, ids: list[str], add_photos: Add, temple: bytes
) -> None:
    chosen = next(p.id for p in services.library.records(ids) if p.class_source == "scenes")
    edits.set_class(services.library, [chosen], "sea")
    scores = class_scores(services.library, services.classifier)
    preview = preview_thresholds(scores, services.classifier, for_all_labels(services, HIGHEST))
    assert chosen not in preview.leaves
    services.model_choice.use_thresholds(for_all_labels(services, HIGHEST))
    assert services.library.photo(chosen).photo_class == "sea"
    (new,) = add_photos([("temple.png", encode(Image.open(io.BytesIO(temple)), "PNG"))])
    head = services.classifier.heads["scenes"]
    assert np.allclose(head.thresholds, HIGHEST)
    assert services.library.photo(new).unsure == (services.library.photo(new).confidence < HIGHEST)
    reopened = open_services(services.settings)
    try:
        assert reopened.classifier.heads["scenes"].own_thresholds == head.own_thresholds
    finally:
        reopened.close()


def test_invalid_thresholds_are_errors(services: Services, ids: list[str]) -> None:
    with pytest.raises(UsageError, match="no label 'moon'"):
        services.model_choice.use_thresholds({"moon": 0.5})
    with pytest.raises(UsageError, match="from 0.2 to 0.99"):
        services.model_choice.use_thresholds({"sea": 1.5})
    settings = services.settings.model_copy(update={"mode": "shared"})
    shared = replace(services, settings=settings)
    with pytest.raises(NotForVisitors):
        shared.model_choice.use_thresholds({"sea": 0.9})
