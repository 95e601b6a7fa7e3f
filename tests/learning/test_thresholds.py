"""Another threshold moves what it says it moves, and no more; and everything goes back."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from scene_model.errors import NotForVisitors, UsageError
from scene_model.learning import thresholds
from scene_model.learning.thresholds import HIGHEST, LOWEST, class_scores, preview_thresholds
from scene_model.library import edits
from scene_model.services import Services, open_services
from tests.conftest import ASSETS
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    """Pieces of a photograph, of which the class head is more or less sure; and made pictures."""
    temple = Image.open(io.BytesIO((ASSETS / "china.jpg").read_bytes()))
    files = [
        (f"piece_{x}_{y}.jpg", encode(temple.crop((80 * x, 60 * y, 80 * x + 320, 60 * y + 240))))
        for x in range(5)
        for y in range(4)
    ]
    return add_photos(
        files + [(f"made_{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(8)]
    )


def state(services: Services) -> dict[str, tuple[object, ...]]:
    """What is kept of each photo; photo by photo, the same after tagging again."""
    return {
        one.id: (
            (one.photo_class, one.class_source, one.unsure, round(one.class_score, 3)),
            {(tag.label, tag.head, round(tag.score or 0, 3)) for tag in one.tags},
        )
        for one in services.library.records(services.library.find())
    }


def tagged_again(services: Services) -> dict[str, tuple[object, ...]]:
    for photo_id in services.library.find():
        services.library.replace_predictions(
            photo_id, services.predict_stored(photo_id), services.classifier.provenance
        )
    return state(services)


def everywhere(services: Services, threshold: float) -> dict[str, float]:
    head = services.classifier.heads[services.classifier.bundle.class_head]
    return dict.fromkeys(head.labels.ids, threshold)


@pytest.mark.parametrize(("first", "then"), [(HIGHEST, LOWEST), (0.5, HIGHEST)])
def test_what_is_kept_is_what_tagging_again_would_say(
    services: Services, ids: list[str], first: float, then: float
) -> None:
    as_shipped = tagged_again(services)  # of embeddings as they are kept, at half precision
    services.use_thresholds(everywhere(services, first))
    before = state(services)
    chosen = everywhere(services, then)
    scores = class_scores(services.library, services.classifier)
    told = preview_thresholds(scores, services.classifier, chosen)
    assert state(services) == before, "looking changes nothing"
    changed = services.use_thresholds(chosen)
    assert (changed.entered, changed.left) == (len(told.enters), len(told.leaves))
    assert changed.entered + changed.left > 0, "a test that moves no photo shows nothing"
    after = state(services)
    assert {i for i in after if after[i] != before[i]} == {*told.enters, *told.leaves}
    filed = [one for one in after.values() if one[0][1] == "scenes"]  # type: ignore[index]
    assert len(filed) == told.filed_then
    assert set(services.gallery().ids("is:unsure")) == {
        photo_id
        for photo_id, one in after.items()
        if one[0][0] == "unsure"  # type: ignore[index]
    }
    assert tagged_again(services) == after
    services.use_thresholds({})
    assert state(services) == as_shipped


def test_one_label_alone_and_undo(services: Services, ids: list[str]) -> None:
    scenes = [one for one in services.library.records(ids) if one.class_source == "scenes"]
    label = scenes[0].photo_class
    of_label = {one.id for one in scenes if one.photo_class == label}
    library = services.library
    assert not thresholds.can_undo(library, services.classifier)
    services.use_thresholds({label: HIGHEST})
    moved = {one.id for one in library.records(ids) if one.id in of_label and one.unsure}
    assert moved == {one.id for one in scenes if one.id in of_label and one.confidence < HIGHEST}
    others = [one for one in scenes if one.id not in of_label]
    assert [library.photo(one.id).photo_class for one in others] == [
        one.photo_class for one in others
    ]
    assert thresholds.own_thresholds(library, services.classifier) == {label: HIGHEST}
    services.use_thresholds({label: 0.3})
    assert thresholds.thresholds_before(library, services.classifier) == {label: HIGHEST}


def test_people_stay_right_and_new_photos_follow(
    services: Services, ids: list[str], add_photos: Add, temple: bytes
) -> None:
    chosen = next(one.id for one in services.library.records(ids) if one.class_source == "scenes")
    edits.set_class(services.library, [chosen], "sea")
    scores = class_scores(services.library, services.classifier)
    told = preview_thresholds(scores, services.classifier, everywhere(services, HIGHEST))
    assert chosen not in told.leaves
    services.use_thresholds(everywhere(services, HIGHEST))
    assert services.library.photo(chosen).photo_class == "sea"
    (new,) = add_photos([("temple.png", encode(Image.open(io.BytesIO(temple)), "PNG"))])
    head = services.classifier.heads["scenes"]
    assert np.allclose(head.thresholds, HIGHEST)
    assert services.library.photo(new).unsure == (services.library.photo(new).confidence < HIGHEST)
    again = open_services(services.settings)
    try:
        assert again.classifier.heads["scenes"].own_thresholds == head.own_thresholds
    finally:
        again.close()


def test_what_cannot_be_a_threshold_is_refused(services: Services, ids: list[str]) -> None:
    with pytest.raises(UsageError, match="no label 'moon'"):
        services.use_thresholds({"moon": 0.5})
    with pytest.raises(UsageError, match="from 0.2 to 0.99"):
        services.use_thresholds({"sea": 1.5})
    shared = Services(
        services.settings.model_copy(update={"mode": "shared"}),
        services.model,
        services.library,
        services.jobs,
    )
    with pytest.raises(NotForVisitors):
        shared.use_thresholds({"sea": 0.9})
