"""The tag rule and the class that follows from it."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.classifier.bundle import HeadWeights
from scene_model.classifier.heads import Head, HeadBatchPrediction
from scene_model.classifier.labels import Label, LabelSet
from scene_model.classifier.tagging import (
    Beliefs,
    HeadBatch,
    PhotoClass,
    apply_tag_rule,
    best_guesses,
    decide_classes,
    tags_by_rule,
    top_tags,
)

LABELS = LabelSet(tuple(Label(name, name.capitalize(), name) for name in "abcd"))


def tags(*probabilities: float, floor: float = 0.0) -> list[str]:
    return [tag.label for tag in tags_by_rule(np.array(probabilities, np.float32), LABELS, floor)]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ((0.91, 0.09, 0, 0), ["a"]),
        ((0.9, 0.1, 0, 0), ["a", "b"]),  # above 0.9, not at it
        ((0.3, 0.21, 0.25, 0.24), ["a", "c"]),
        ((0.25, 0.25, 0.25, 0.25), []),  # together 0.5 is not above 0.5
        ((0.1, 0.6, 0.3, 0), ["b", "c"]),
    ],
)
def test_rule(probabilities: tuple[float, ...], expected: list[str]) -> None:
    assert tags(*probabilities) == expected


def test_floor_drops_a_weak_second_tag_only() -> None:
    assert tags(0.85, 0.1, 0.05, 0, floor=0.15) == ["a"]
    assert tags(0.5, 0.3, 0.2, 0, floor=0.15) == ["a", "b"]


def test_a_head_of_one_label_has_no_second_tag() -> None:
    rule = apply_tag_rule(np.array([[1.0], [0.7], [0.4]], np.float32))
    assert rule.has_first.tolist() == [True, True, False]
    assert not rule.has_second.any()


def test_equal_scores_keep_label_order() -> None:
    ranked = top_tags(np.array([0.1, 0.4, 0.1, 0.4], np.float32), LABELS, 4)
    assert [tag.label for tag in ranked] == ["b", "d", "a", "c"]
    assert tags(0.1, 0.4, 0.1, 0.4) == ["b", "d"]


@given(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_floor_never_adds_a_tag(weights: list[float], low: float, high: float) -> None:
    low, high = sorted((low, high))
    shares = [w / sum(weights) for w in weights]
    assert set(tags(*shares, floor=high)) <= set(tags(*shares, floor=low))


def head_batch(
    head_id: str,
    labels: tuple[str, ...],
    threshold: float,
    *probabilities: list[float],
    groups: Mapping[str, str] = MappingProxyType({}),
) -> HeadBatch:
    head = Head(
        id=head_id,
        name=head_id,
        labels=LabelSet(
            tuple(Label(label, label, label, group=groups.get(label)) for label in labels)
        ),
        weights=HeadWeights(np.empty((0, 0), np.float32), np.empty(0, np.float32)),
        temperature=1.0,
        confidence_threshold=threshold,
        outside_threshold=None,
        second_tag_floor=0.0,
    )
    rows = np.array(probabilities, np.float32)
    return HeadBatch(head, HeadBatchPrediction(rows, np.zeros(len(rows), np.float32)))


@pytest.mark.parametrize(("class_head", "tag_head"), [("scenes", "camera"), ("mine", "other")])
def test_class_head_comes_before_tag_head(class_head: str, tag_head: str) -> None:
    sure, unsure = [0.8, 0.2], [0.6, 0.4]
    tagged, untagged = [0.8, 0.1, 0.1, 0.0], [0.25, 0.25, 0.25, 0.25]
    classes = head_batch(class_head, ("sea", "pier"), 0.7, sure, sure, unsure, unsure)
    tags = head_batch(tag_head, ("cat", "dog", "cow", "pig"), 0.5, *[tagged, untagged] * 2)
    decided = decide_classes(classes, [tags], None)
    assert pairs(decided.classes) == [
        *[("sea", class_head)] * 2,
        ("cat", tag_head),
        ("unsure", "none"),
    ]
    assert pairs(decided.fallbacks) == [("cat", tag_head), ("unsure", "none")] * 2
    assert [of.score for of in decided.classes] == pytest.approx([0.8, 0.8, 0.8, 0.0])
    alone = decide_classes(classes, [], None).classes
    assert pairs(alone) == [*[("sea", class_head)] * 2, *[("unsure", "none")] * 2]


def test_the_surer_of_the_next_heads_decides_and_the_first_of_equals() -> None:
    unsure = [0.6, 0.4]
    classes = head_batch("scenes", ("sea", "pier"), 0.7, *[unsure] * 4)
    camera = head_batch("camera", ("cat", "dog"), 0.55, [0.7, 0.3], [0.9, 0.1], [0.8, 0.2], unsure)
    places = head_batch("places", ("zoo", "park"), 0.7, [0.1, 0.9], [0.2, 0.8], [0.8, 0.2], unsure)
    decided = decide_classes(classes, [camera, places], None).classes
    assert pairs(decided) == [
        ("park", "places"),
        ("cat", "camera"),
        ("cat", "camera"),
        ("cat", "camera"),
    ]
    assert decided[0].score == pytest.approx(0.9)


def test_a_sure_object_files_a_photo_under_its_group() -> None:
    classes = head_batch("scenes", ("sea", "pier"), 0.7, *[[0.6, 0.4]] * 3)
    objects = head_batch(
        *("objects", ("snake", "label", "cat"), 0.5),
        *([0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]),
        groups={"snake": "animals", "cat": "animals"},
    )
    decided = decide_classes(classes, [], objects).classes
    assert pairs(decided) == [("animals", "objects"), ("unsure", "none"), ("unsure", "none")]


def test_a_label_that_is_not_believed_is_unsure() -> None:
    batch = head_batch("objects", ("wig", "cat"), 0.5, [0.8, 0.2], [0.2, 0.8])
    beliefs = Beliefs(
        np.array([[0.1, 0.8], [0.2, 0.9]], np.float32), np.array([[False, True], [False, True]])
    )
    believed = replace(batch, beliefs=beliefs)
    assert believed.is_unsure.tolist() == [True, False]
    assert batch.is_unsure.tolist() == [False, False]


def test_a_class_has_the_belief_in_its_label_as_score() -> None:
    classes = head_batch("scenes", ("sea", "pier"), 0.7, [0.6, 0.4])
    places = head_batch("places", ("bath", "shower", "spa"), 0.5, [0.4, 0.35, 0.25])
    beliefs = Beliefs(np.array([[0.85, 0.3, 0.1]], np.float32), np.array([[True, False, False]]))
    (decided,) = decide_classes(classes, [replace(places, beliefs=beliefs)], None).classes
    assert (decided.label, decided.source) == ("bath", "places")
    assert decided.score == pytest.approx(0.85)


def test_the_best_guess_is_the_most_probable_label_of_all_heads() -> None:
    scenes = head_batch("scenes", ("sea", "pier"), 0.7, [0.9, 0.1], [0.9, 0.1])
    outside = HeadBatchPrediction(scenes.prediction.probabilities, np.array([0.5, 0.0], np.float32))
    objects = head_batch("objects", ("snake", "cat"), 0.5, [0.6, 0.4], [0.6, 0.4])
    guesses = best_guesses([HeadBatch(scenes.head, outside), objects])
    assert [guess.label for guess in guesses] == ["snake", "sea"]
    assert [guess.score for guess in guesses] == pytest.approx([0.6, 0.9])


def pairs(classes: list[PhotoClass]) -> list[tuple[str, str]]:
    return [(of.label, of.source) for of in classes]
