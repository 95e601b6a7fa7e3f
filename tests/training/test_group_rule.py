"""The rule for groups is fitted on photos of several sources, and each source counts the same."""

from dataclasses import replace

import numpy as np
import pytest

from scene_model.classifier.groups import groups_by_embedding, layer_of
from training.group_rule import (
    UNSURE_SHARE,
    GroupExamples,
    decide,
    fit_group_layer,
    fit_group_rule,
    group_figures,
)

GROUPS = ("animals", "city", "water")


def examples(seed: int = 0, photos: int = 300) -> GroupExamples:
    """Two sources, each of which one head knows well; the other head guesses."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, len(GROUPS), photos)
    sources = tuple("old" if number % 3 else "new" for number in range(photos))
    right = np.eye(len(GROUPS), dtype=np.bool_)[true]
    probabilities = {}
    for head, source in (("first", "old"), ("second", "new")):
        is_own = np.array([of == source for of in sources])
        guessed = np.eye(len(GROUPS))[rng.integers(0, len(GROUPS), photos)]
        # A head that knows is sure; one that guesses is not.
        rows = np.where(is_own[:, None], 0.9 * right + 0.1 / 3, 0.3 * guessed + 0.7 / 3)
        probabilities[head] = rows.astype(np.float32)
    return GroupExamples(probabilities, right, sources)


def test_each_source_weighs_the_same() -> None:
    weight, sources = examples().weight, np.array(examples().sources)
    assert weight.sum() == pytest.approx(1.0, abs=1e-5)
    assert weight[sources == "old"].sum() == pytest.approx(0.5, abs=1e-5)


def test_the_sure_head_is_believed_on_photos_of_both_sources() -> None:
    rule = fit_group_rule(examples(), GROUPS)
    figures = group_figures(rule, examples(seed=1))
    assert set(figures) == {"new", "old"}
    assert all(of.right > 0.8 and of.wrong < 0.02 for of in figures.values())
    for of in figures.values():
        assert of.right + of.unsure + of.wrong == pytest.approx(1.0)


def test_the_threshold_leaves_its_share_unsure() -> None:
    fitted_on = examples()
    rule = fit_group_rule(fitted_on, GROUPS)
    below = decide(rule, fitted_on).max(axis=1) < rule.confidence_threshold
    # Equal confidences may be many.
    assert (below * fitted_on.weight).sum() <= UNSURE_SHARE + 0.01


def test_any_of_several_right_groups_is_right() -> None:
    three = examples(photos=3)
    both = GroupExamples(three.probabilities, np.ones_like(three.right), three.sources)
    rule = fit_group_rule(examples(), GROUPS).model_copy(update={"confidence_threshold": 0.0})
    assert all(of.right == 1.0 for of in group_figures(rule, both).values())


def test_a_group_without_examples_stays_possible() -> None:
    groups = (*GROUPS, "art")
    three_groups = examples()
    wider = GroupExamples(
        {head: np.pad(rows, ((0, 0), (0, 1))) for head, rows in three_groups.probabilities.items()},
        np.pad(three_groups.right, ((0, 0), (0, 1))),
        three_groups.sources,
    )
    rule = fit_group_rule(wider, groups)
    painting = np.array([[0.0, 0.0, 0.01, 0.99]], np.float32)
    shown = GroupExamples(
        {"first": painting, "second": painting}, np.array([[False] * 3 + [True]]), ("new",)
    )
    assert decide(rule, shown)[0].argmax() == 3


def test_a_layer_on_the_embedding_knows_what_no_head_knows() -> None:
    rng = np.random.default_rng(0)
    without = examples(photos=300)
    blind = GroupExamples(
        {head: np.full_like(rows, 1 / 3) for head, rows in without.probabilities.items()},
        without.right,
        without.sources,
    )
    shown = (without.right + 0.1 * rng.standard_normal((300, 3))).astype(np.float32)
    layer = fit_group_layer(blind, shown)
    with_layer = replace(blind, by_embedding=groups_by_embedding(shown, layer))
    rule = fit_group_rule(with_layer, GROUPS, layer)
    assert layer_of(rule) is not None
    assert all(of.right > 0.9 for of in group_figures(rule, with_layer).values())
    assert all(
        of.right < 0.7 for of in group_figures(fit_group_rule(blind, GROUPS), blind).values()
    )
