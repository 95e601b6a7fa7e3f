"""The tag rule to the letter, and the class it leads to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.classifier.labels import Label, LabelSet
from scene_model.classifier.tagging import (
    ClassSource,
    PhotoClass,
    Tag,
    decide_class,
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


def test_equal_scores_keep_label_order() -> None:
    ranked = top_tags(np.array([0.1, 0.4, 0.1, 0.4], np.float32), LABELS, 4)
    assert [tag.label for tag in ranked] == ["b", "d", "a", "c"]


@given(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_floor_never_adds_a_tag(weights: list[float], low: float, high: float) -> None:
    low, high = sorted((low, high))
    shares = [w / sum(weights) for w in weights]
    assert set(tags(*shares, floor=high)) <= set(tags(*shares, floor=low))


def test_class_goes_human_scenes_camera_unsure() -> None:
    camera = [Tag("cat", 0.8), Tag("dog", 0.1)]
    assert decide_class("sea", False, camera, human="pier") == PhotoClass("pier", ClassSource.HUMAN)
    assert decide_class("sea", False, camera) == PhotoClass("sea", ClassSource.SCENES)
    assert decide_class("sea", True, camera) == PhotoClass("cat", ClassSource.CAMERA)
    assert decide_class("sea", True, []) == PhotoClass("unsure", ClassSource.NONE)
