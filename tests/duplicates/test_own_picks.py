"""What hearts and ratings have in common decides only where it proves itself on other groups."""

import numpy as np
import pytest

from scene_model.duplicates.best_of_group import Ranking
from scene_model.duplicates.own_picks import LEAST_GROUPS, REASON, learn_picks, preferred

SIZE = 64
TASTE = np.eye(SIZE, dtype=np.float32)[3]
Group = tuple[np.ndarray, np.ndarray]


def groups_of(count: int, taste: float) -> list[Group]:
    """Groups of one liked shot and three others. taste: how much the liked ones have in common."""
    numbers = np.random.default_rng(0)
    made = []
    for _ in range(count):
        shots = numbers.normal(0, 0.1, (4, SIZE)).astype(np.float32)
        made.append((shots[:1] + taste * TASTE, shots[1:]))
    return made


def undecided() -> Ranking:
    ids = ("a", "b", "c")
    behind = {"a": 0.0, "b": 0.0, "c": 2.0}
    return Ranking(ids, None, behind, {"a": (), "b": (), "c": ("less sharp",)})


EMBEDDINGS = {"a": 0 * TASTE, "b": 0.5 * TASTE, "c": 3 * TASTE}


def test_a_taste_is_learned_and_breaks_a_tie() -> None:
    picks = learn_picks(groups_of(40, 0.5))
    assert picks.direction is not None
    assert picks.right > 0.9
    chosen = preferred(undecided(), EMBEDDINGS, picks)
    assert (chosen.best, chosen.photo_ids) == ("b", ("b", "a", "c"))
    assert chosen.reasons == {"a": (), "b": (REASON,), "c": ("less sharp",)}


def test_what_is_clear_stays() -> None:
    picks = learn_picks(groups_of(40, 0.5))
    clear = Ranking(("a", "b"), "a", {"a": 0.0, "b": 0.1}, {"a": ("sharper",), "b": ()})
    assert preferred(clear, EMBEDDINGS, picks) == clear
    assert preferred(undecided(), {"a": TASTE}, picks) == undecided()
    near = {photo_id: 0.01 * vector for photo_id, vector in EMBEDDINGS.items()}
    assert preferred(undecided(), near, picks) == undecided()


@pytest.mark.parametrize(
    "groups",
    [[], groups_of(LEAST_GROUPS - 1, 0.5), groups_of(40, 0.0)],
    ids=["none", "few", "chance"],
)
def test_few_picks_or_picks_by_chance_decide_nothing(groups: list[Group]) -> None:
    picks = learn_picks(groups)
    assert picks.direction is None
    assert picks.groups == len(groups)
    assert preferred(undecided(), EMBEDDINGS, picks) == undecided()
