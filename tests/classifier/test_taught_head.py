"""A head from a handful of examples: it learns, says how well, and believes a person's no."""

import numpy as np
import pytest

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.taught_head import teach


def drawn(count: int, seed: int, towards: FloatArray | None = None) -> FloatArray:
    """Photos of a made collection; ``towards`` pulls them to one side of it."""
    random = np.random.default_rng(seed)
    photos = np.abs(random.standard_normal((count, 64), np.float32))
    return photos if towards is None else (photos + 3.0 * towards).astype(np.float32)


KIND = np.abs(np.random.default_rng(9).standard_normal(64)).astype(np.float32) * (
    np.arange(64) % 4 == 0
)
NONE = np.empty((0, 64), np.float32)


def test_it_finds_the_rest_of_a_kind() -> None:
    head, figures = teach(drawn(10, 1, KIND), NONE, drawn(300, 2))
    assert figures.examples == 10
    assert figures.found >= 8
    assert figures.others == 300
    assert (head.probabilities(drawn(100, 3, KIND)) >= 0.5).mean() > 0.7
    assert (head.probabilities(drawn(300, 4)) >= 0.5).mean() < 0.05


def test_examples_among_the_others_do_not_spoil_it() -> None:
    others = np.concatenate([drawn(300, 2), drawn(6, 5, KIND)])
    head, _ = teach(drawn(10, 1, KIND), NONE, others)
    assert (head.probabilities(drawn(100, 3, KIND)) >= 0.5).mean() > 0.7


def test_examples_of_no_kind_are_told_by_the_figures() -> None:
    _, figures = teach(drawn(10, 1), NONE, drawn(300, 2))
    assert figures.tagged_others > 30


def test_a_persons_no_counts() -> None:
    near_miss = drawn(8, 6, (0.6 * KIND).astype(np.float32))
    before, _ = teach(drawn(10, 1, KIND), NONE, drawn(300, 2))
    after, _ = teach(drawn(10, 1, KIND), near_miss, drawn(300, 2))
    assert after.probabilities(near_miss).mean() < before.probabilities(near_miss).mean()


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_small_library_can_be_taught_too(others: int) -> None:
    head, figures = teach(drawn(5, 1, KIND), NONE, drawn(others, 2))
    assert figures.others == others
    assert np.isfinite(head.probabilities(drawn(5, 3))).all()


def test_the_same_input_gives_the_same() -> None:
    first, second = (teach(drawn(10, 1, KIND), NONE, drawn(50, 2))[0] for _ in range(2))
    assert np.array_equal(first.kernel, second.kernel)
    assert first.threshold == second.threshold
