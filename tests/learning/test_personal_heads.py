"""Personal heads: retrained on corrections, used, stored and deleted."""

from collections.abc import Callable

import pytest

from scene_model.classifier.personal_head import MIN_CORRECTIONS
from scene_model.errors import TooFewExamples
from scene_model.learning.personal_heads import (
    count_corrections,
    learn_corrections,
    personal_figures,
)
from scene_model.learning.retag_preview import retag_preview
from scene_model.library import edits
from scene_model.library.predictions import predict_stored
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.services import Services, open_services
from tests.pictures import encode, striped, textured

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]
DECIDED = MIN_CORRECTIONS + 2


@pytest.fixture
def ids(add_photos: Add) -> list[str]:
    """Striped pictures, then smooth ones."""
    files = [(f"stripes_{i:02d}.jpg", striped(i)) for i in range(DECIDED + 4)]
    files += [(f"smooth_{i:02d}.jpg", encode(textured(160, 120, seed=i))) for i in range(12)]
    return add_photos(files)


def predictions(services: Services) -> dict[str, tuple[object, ...]]:
    records = services.library.records(services.library.find())
    return {
        photo.id: (
            photo.photo_class,
            round(photo.class_score, 2),
            {(tag.label, tag.head) for tag in photo.tags},
        )
        for photo in records
    }


def other_class(services: Services, photo_id: str) -> str:
    """A scene that is not the class of the photo."""
    photo_class = services.library.photo(photo_id).photo_class
    labels = services.classifier.class_head.labels.ids
    return next(label for label in labels if label != photo_class)


def use_corrections(services: Services) -> None:
    choice = services.model_choice
    assert choice.use_corrections(choice.learn_corrections()).wait(60)


def predicted_label(services: Services, photo_id: str) -> str:
    stored = predict_stored(services.library, services.classifier, photo_id)
    return stored.head_predictions.class_prediction.label


def test_the_error_names_how_many_corrections_are_missing(
    services: Services, ids: list[str]
) -> None:
    edits.set_class(services.library, ids[:7], "sea")
    assert count_corrections(services.library, services.classifier)["scenes"] == 7
    with pytest.raises(TooFewExamples, match=f"{MIN_CORRECTIONS - 7} more"):
        services.model_choice.learn_corrections()


def test_what_rules_set_is_no_correction(services: Services, ids: list[str]) -> None:
    library, classifier = services.library, services.classifier
    actions = [Action(ActionKind.CLASS, "sea"), Action(ActionKind.TAG, "glacier")]
    services.rules.run_all([services.rules.create("Rule", "name:jpg", actions)])
    assert set(count_corrections(library, classifier).values()) == {0}
    edits.set_class(library, ids[:3], "sea")  # now a person says so, too
    assert count_corrections(library, classifier)["scenes"] == 3


def test_corrections_are_counted_by_head(services: Services, ids: list[str]) -> None:
    library, classifier = services.library, services.classifier
    edits.set_class(library, ids[:1], "cat")  # none of the six scenes
    edits.set_class(library, ids[1:2], "my own word")
    edits.add_tag(library, ids[2:3], "sunset")
    edits.set_class(library, ids[3:4], "unsure")
    edits.add_tag(library, ids[4:5], "grandmother")
    assert count_corrections(library, classifier) == {"scenes": 2, "camera": 2}
    edits.move_to_trash(library, ids[:1])
    assert count_corrections(library, classifier) == {"scenes": 1, "camera": 1}


def test_train_use_and_delete(services: Services, ids: list[str], add_photos: Add) -> None:
    before, label = predictions(services), other_class(services, ids[DECIDED])
    edits.set_class(services.library, ids[:DECIDED], label)
    candidate = services.model_choice.learn_corrections()
    (scenes,) = [personal for personal in candidate.heads if personal.head.id == "scenes"]
    assert scenes.figures.corrections == DECIDED
    assert scenes.figures.after > scenes.figures.before
    assert services.library.photo(ids[DECIDED]).photo_class != label, "nothing is used yet"

    use_corrections(services)
    undecided = ids[DECIDED : DECIDED + 4]
    assert [predicted_label(services, i) for i in undecided] == [label] * 4
    bundle_id = services.classifier.bundle_id
    assert {photo.bundle for photo in services.library.records(ids)} == {bundle_id}, "retagged"
    assert services.library.photo(ids[0]).class_source == "human"
    assert set(personal_figures(services.library, services.classifier)) >= {"scenes"}
    (new,) = add_photos([("new.jpg", striped(33))])
    assert predicted_label(services, new) == label
    assert services.library.photo(new).bundle == services.classifier.bundle_id
    # A second training starts from the shipped head, not from the one in use.
    again = learn_corrections(services.library, services.classifier.shipped)
    assert again.heads[0].figures.before == scenes.figures.before

    assert services.model_choice.use_corrections(None).wait(60)
    assert personal_figures(services.library, services.classifier) == {}
    edits.undo(services.library)
    after = predictions(services)
    assert {photo_id: after[photo_id] for photo_id in before} == before


def test_personal_heads_persist(services: Services, ids: list[str]) -> None:
    label = other_class(services, ids[DECIDED])
    edits.set_class(services.library, ids[:DECIDED], label)
    use_corrections(services)
    before, bundle_id = predictions(services), services.classifier.bundle_id
    services.close()
    opened = open_services(services.settings)
    try:
        assert opened.classifier.bundle_id == bundle_id != opened.classifier.shipped.bundle_id
        assert predicted_label(opened, ids[DECIDED]) == label
        assert predictions(opened) == before
        assert retag_preview(opened.library, opened.classifier).total == 0
    finally:
        opened.close()
