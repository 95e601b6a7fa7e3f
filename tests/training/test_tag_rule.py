"""Which labels are tags follows from tags that were judged by eye."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.bundle_description import HeadEntry
from scene_model.classifier.groups import GroupBatch
from scene_model.classifier.heads import HeadBatchPrediction
from scene_model.classifier.labels import Label, LabelSet
from tests.bundles import SHIPPED
from training.tag_rule import (
    CHECKS_FILE,
    THRESHOLD,
    VERDICTS_FILE,
    JudgedTags,
    TagVerdict,
    cross_validated,
    fit_tag_rule,
    judged_tags,
    read_verdicts,
)

LABELS = LabelSet(
    (
        Label("cat", "Cat", "cat", group="animals"),
        Label("wig", "Wig", "wig", group="things"),
        Label("sea", "Sea", "sea", group="water"),
    )
)


def tags(photos: int = 120) -> JudgedTags:
    """Cats that are right, wigs that are wrong, and seas that are right where they are sure."""
    labels = np.arange(photos) % 3
    sure = np.arange(photos) % 2 == 0
    return JudgedTags(
        photos=tuple(f"{number:03}" for number in range(photos)),
        labels=labels,
        scores=np.where(sure, 2.0, -1.0).astype(np.float32),
        groups=np.full(photos, np.log(0.9), np.float32),
        unknown=labels == 1,
        is_right=(labels == 0) | ((labels == 2) & sure),
    )


def test_a_label_that_was_wrong_is_no_tag() -> None:
    believed = cross_validated(tags(), len(LABELS)) >= THRESHOLD
    labels, sure = tags().labels, tags().scores > 0
    assert believed[labels == 0].all()
    assert not believed[labels == 1].any()
    assert believed[(labels == 2) & sure].all()
    assert not believed[(labels == 2) & ~sure].any()


def test_a_photo_does_not_judge_itself() -> None:
    """The only wig is right: without its photo nothing speaks for wigs."""
    many = tags()
    is_kept = many.labels != 1
    is_kept[1] = True
    only = JudgedTags(
        tuple(photo for photo, kept in zip(many.photos, is_kept, strict=True) if kept),
        *(many.labels[is_kept], many.scores[is_kept], many.groups[is_kept]),
        *(many.unknown[is_kept], many.is_right[is_kept]),
    )
    row = list(only.photos).index(many.photos[1])
    right, wrong = only.is_right.copy(), only.is_right.copy()
    right[row], wrong[row] = True, False
    first, second = (
        cross_validated(replace(only, is_right=verdicts), len(LABELS))
        for verdicts in (right, wrong)
    )
    assert first[row] == second[row]


def test_the_rule_names_labels_and_unknown_groups() -> None:
    rule = fit_tag_rule(tags(), LABELS, ["things"])
    assert rule.label_offsets.keys() == {"cat", "wig", "sea"}
    assert rule.label_offsets["cat"] > rule.label_offsets["wig"]
    assert rule.group_offsets.keys() == {"things"}
    assert rule.score_weight > 0


def test_tags_are_collected_by_photo_and_label() -> None:
    verdicts = [TagVerdict("p2", "objects", "sea", True), TagVerdict("p1", "objects", "wig", False)]
    probabilities = np.array([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5]], np.float32)
    batch = GroupBatch(("animals", "water"), np.array([[0.8, 0.2], [0.3, 0.7]], np.float32), 0.5)
    prediction = HeadBatchPrediction(probabilities, np.zeros(2, np.float32))
    shown_groups = frozenset({"animals", "water"})
    labels = replace(LABELS, labels=(LABELS[0], replace(LABELS[1], group=None), LABELS[2]))
    judged = judged_tags(verdicts, {"p1": 0, "p2": 1}, labels, prediction, batch, shown_groups)
    assert judged.scores == pytest.approx([0.0, np.log(0.6 / 0.4)], abs=1e-5)
    assert judged.groups == pytest.approx([np.log(0.72), np.log(0.02)], abs=1e-5)
    assert judged.unknown.tolist() == [False, True]


@pytest.mark.parametrize(("file", "least"), [(VERDICTS_FILE, 400), (CHECKS_FILE, 200)])
def test_the_committed_lists_fit_the_shipped_bundle(file: Path, least: int) -> None:
    verdicts = read_verdicts(file)
    heads = {h.id: {label.source_name for label in h.labels} for h in _entries(SHIPPED)}
    assert len(verdicts) >= least
    assert len({(v.photo, v.head, v.label) for v in verdicts}) == len(verdicts)
    for verdict in verdicts:
        assert re.fullmatch(r"[0-9a-f]{64}", verdict.photo)
        assert verdict.label in heads[verdict.head]


def _entries(folder: Path) -> tuple[HeadEntry, ...]:
    return open_bundle(folder).description.heads


def test_the_checks_are_of_other_photos_and_mostly_right() -> None:
    checks = read_verdicts(CHECKS_FILE)
    assert {check.photo for check in checks}.isdisjoint({v.photo for v in read_verdicts()})
    assert sum(check.is_right for check in checks) == 183
