"""All heads together decide a photo's group, and which labels are tags."""

import json
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import FloatArray, HeadWeights, open_bundle
from scene_model.classifier.bundle_decisions import Decisions, GroupRule, TagRule
from scene_model.classifier.fitting.bundle_files import bundle_file, write_description
from scene_model.classifier.groups import (
    GroupBatch,
    GroupDecision,
    TagDecision,
    group_matrix,
    group_probabilities,
)
from scene_model.classifier.heads import HeadBatchPrediction
from scene_model.classifier.labels import Label, LabelSet
from scene_model.errors import BundleDamaged
from tests.bundles import grouped

GROUPS = ("animals", "water")
LABELS = LabelSet(
    (
        Label("dog", "Dog", "dog", group="animals"),
        Label("sea", "Sea", "sea", group="water"),
        Label("lake", "Lake", "lake", group="water"),
        Label("blur", "Blur", "blur"),
    )
)


def prediction(*rows: list[float], outside: float = 0.0) -> HeadBatchPrediction:
    return HeadBatchPrediction(np.array(rows, np.float32), np.full(len(rows), outside, np.float32))


def test_a_group_has_the_probabilities_of_its_labels() -> None:
    summed = group_probabilities(prediction([0.1, 0.3, 0.2, 0.4]), group_matrix(LABELS, GROUPS))
    assert summed.tolist() == [pytest.approx([0.1, 0.5])]


def test_what_is_outside_a_head_counts_for_no_group() -> None:
    matrix = group_matrix(LABELS, GROUPS)
    summed = group_probabilities(prediction([0.1, 0.3, 0.2, 0.4], outside=0.5), matrix)
    assert summed.tolist() == [pytest.approx([0.05, 0.25])]


NOTHING = np.zeros((1, 0), np.float32)


def decision(threshold: float = 0.0) -> GroupDecision:
    matrix = group_matrix(LABELS, GROUPS)
    kernel = np.concatenate([np.eye(2), 2 * np.eye(2)]).astype(np.float32)
    return GroupDecision(
        GROUPS, {"a": matrix, "b": matrix}, 0.01, kernel, np.zeros(2, np.float32), threshold
    )


def test_the_heads_decide_together_and_each_by_its_weight() -> None:
    sea, dog = prediction([0.2, 0.8, 0, 0]), prediction([0.6, 0.0, 0.4, 0])
    (decided,) = decision().decide({"a": sea, "b": dog}, NOTHING).probabilities
    expected = np.array([0.21 * 0.61**2, 0.81 * 0.41**2])
    assert decided == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_the_embedding_decides_as_one_more_head() -> None:
    matrix, one_each = group_matrix(LABELS, GROUPS), np.eye(2, dtype=np.float32)
    layer = HeadWeights(np.log(np.array([[0.9, 0.1]], np.float32)), np.zeros(2, np.float32))
    kernel = np.concatenate([one_each, 2 * one_each])
    bias = np.zeros(2, np.float32)
    with_layer = GroupDecision(GROUPS, {"a": matrix}, 0.01, kernel, bias, 0.0, layer)
    sea, embedding = prediction([0.2, 0.8, 0, 0]), np.ones((1, 1), np.float32)
    (decided,) = with_layer.decide({"a": sea}, embedding).probabilities
    expected = np.array([0.21 * 0.91**2, 0.81 * 0.11**2])
    assert decided == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_a_group_below_the_threshold_is_unsure() -> None:
    both = {"a": prediction([0.2, 0.8, 0, 0]), "b": prediction([0.6, 0.0, 0.4, 0])}
    score = decision().decide(both, NOTHING).of_photo(0).score
    for threshold, unsure in ((score - 0.01, False), (score + 0.01, True)):
        group = decision(threshold).decide(both, NOTHING).of_photo(0)
        assert (group.label, group.unsure) == ("water", unsure)
        assert group.believed_label == ("unsure" if unsure else "water")


def tags_of(probabilities: FloatArray, groups: FloatArray, **changes: float) -> list[list[bool]]:
    rule = TagDecision(
        score_weight=1.0,
        group_weight=changes.get("group_weight", 1.0),
        group_floor=0.02,
        label_offsets=np.array([0.0, 0.0, changes.get("lake", 0.0), 0.0], np.float32),
        group_columns=np.array([0, 1, 1, -1]),
        least_logit=-1.0,
    )
    batch = GroupBatch(GROUPS, groups, 0.5)
    beliefs = rule.beliefs(HeadBatchPrediction(probabilities, np.zeros(1, np.float32)), batch)
    assert beliefs.probabilities.dtype == np.float32
    least = 1 / (1 + np.exp(1.0))
    assert (beliefs.is_tag == (beliefs.probabilities >= least)).all()
    return [row.tolist() for row in beliefs.is_tag]


def test_a_label_is_a_tag_where_its_group_is_believed() -> None:
    dog = np.array([[0.9, 0.05, 0.03, 0.02]], np.float32)
    in_animals, in_water = (
        np.array([[0.9, 0.1]], np.float32),
        np.array([[0.001, 0.999]], np.float32),
    )
    assert tags_of(dog, in_animals) == [[True, False, False, False]]
    assert tags_of(dog, in_water) == [[False, False, False, False]]
    assert tags_of(dog, in_water, group_weight=0.0) == [[True, False, False, False]]


def test_a_label_that_was_often_wrong_must_be_surer() -> None:
    lake, groups = np.array([[0.1, 0.1, 0.7, 0.1]], np.float32), np.array([[0.1, 0.9]], np.float32)
    assert tags_of(lake, groups)[0][2]
    assert not tags_of(lake, groups, lake=-3.0)[0][2]


def test_a_label_without_a_group_has_the_floor_as_its_group() -> None:
    blur, groups = np.array([[0, 0, 0, 1.0]], np.float32), np.array([[0.5, 0.5]], np.float32)
    assert tags_of(blur, groups)[0][3], "a probability of 1 outweighs the floor"
    unlikely = np.array([[0.3, 0, 0, 0.7]], np.float32)
    assert not tags_of(unlikely, groups)[0][3]


def rewrite(folder: Path, decisions: str) -> None:
    """Replace the decisions of a bundle, with the right hash."""
    (folder / "decisions.json").write_text(decisions, encoding="utf-8")
    description = open_description(folder)
    description["decisions_file"] = bundle_file(folder, "decisions.json").model_dump()
    (folder / "bundle.json").write_text(json.dumps(description), encoding="utf-8")


def open_description(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    return content


def test_other_decisions_are_another_model(tmp_path: Path) -> None:
    first, second = (
        open_bundle(grouped(tmp_path, name, confidence_threshold=threshold)).description
        for name, threshold in (("one", 0.4), ("two", 0.5))
    )
    assert first.id.partition("@")[2] != second.id.partition("@")[2]
    assert first.backbone_id == second.backbone_id


def test_a_bundle_without_decisions_has_none(tmp_path: Path) -> None:
    folder = grouped(tmp_path)
    bundle = open_bundle(folder)
    write_description(folder, bundle.description.model_copy(update={"decisions_file": None}))
    assert open_bundle(folder).decisions == Decisions()


def rule_of(folder: Path) -> GroupRule:
    rule = open_bundle(folder).decisions.groups
    assert rule is not None
    return rule


def test_decisions_must_fit_the_bundle(tmp_path: Path) -> None:
    folder = grouped(tmp_path)
    rule = rule_of(folder)
    tag_rule = TagRule(offset=0, score_weight=1, group_weight=1, group_floor=0.1, threshold=0.5)
    zeros = (0.0,) * len(rule.bias)
    with_layer = {"embedding_kernel": (zeros,), "embedding_bias": zeros}
    for decisions, message in (
        ("{", "cannot be read"),
        ('{"other": 1}', "other"),
        (Decisions(groups=rule.model_copy(update={"heads": ("a", "b", "c")})), "no head 'a'"),
        (Decisions(groups=rule.model_copy(update={"kernel": rule.kernel[1:]})), "the kernel"),
        (Decisions(groups=rule.model_copy(update={"bias": rule.bias[1:]})), "the kernel"),
        (Decisions(groups=rule.model_copy(update=with_layer)), "the kernel must"),
        (
            Decisions(
                groups=rule.model_copy(
                    update=with_layer | {"kernel": (*rule.kernel, *[zeros] * len(zeros))}
                )
            ),
            "the kernel of the embedding",
        ),
        (Decisions(tags={"objects": tag_rule}), "no rule for groups"),
        (
            Decisions(
                groups=rule,
                tags={"camera": tag_rule.model_copy(update={"label_offsets": {"dog!": 1.0}})},
            ),
            "no label 'dog!'",
        ),
        (
            Decisions(
                groups=rule,
                tags={"camera": tag_rule.model_copy(update={"group_offsets": {"moon": 1.0}})},
            ),
            "no group 'moon'",
        ),
    ):
        text = decisions if isinstance(decisions, str) else decisions.model_dump_json()
        rewrite(folder, text)
        with pytest.raises(BundleDamaged, match=message):
            open_bundle(folder)


def test_a_changed_decisions_file_is_damage(tmp_path: Path) -> None:
    folder = grouped(tmp_path)
    file = folder / "decisions.json"
    file.write_text(file.read_text(encoding="utf-8").replace("0.01", "0.02"), encoding="utf-8")
    with pytest.raises(BundleDamaged, match="SHA-256"):
        open_bundle(folder)
