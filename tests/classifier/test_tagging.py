"""The tag rule to the letter, and the class it leads to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.classifier.labels import Label, LabelSet
from scene_model.classifier.tagging import (
    HeadPrediction,
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


def said(head: str, label: str, unsure: bool, *tags: Tag) -> HeadPrediction:
    return HeadPrediction(head, np.ones(1, np.float32), label, 0.5, unsure, None, list(tags))


@pytest.mark.parametrize(("class_head", "tag_head"), [("scenes", "camera"), ("mine", "other")])
def test_class_goes_human_class_head_tag_head_unsure(class_head: str, tag_head: str) -> None:
    sure, unsure = said(class_head, "sea", False), said(class_head, "sea", True, Tag("sea", 0.9))
    tagged = said(tag_head, "cat", True, Tag("cat", 0.8), Tag("dog", 0.1))
    untagged = said(tag_head, "cat", True)
    assert decide_class(sure, tagged, human="pier") == PhotoClass("pier", "human")
    assert decide_class(sure, tagged) == PhotoClass("sea", class_head)
    assert decide_class(unsure, tagged) == PhotoClass("cat", tag_head)
    assert decide_class(unsure, untagged) == PhotoClass("unsure", "none")
    assert decide_class(unsure, None) == PhotoClass("unsure", "none")
    assert decide_class(sure, None) == PhotoClass("sea", class_head)
