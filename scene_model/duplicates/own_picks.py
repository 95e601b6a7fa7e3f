"""Learn from hearts and ratings which shots of a group a person prefers.

In each group with both, the mean embedding of the shots that a person likes, less that of the
others, is a direction. Their sum is what the picks have in common. It is used only where it gives
the right answer for groups that it was not learned from, clearly more often than chance. What a
person moved to the trash says nothing here: proposals of this program may have led to it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.duplicates.best_of_group import LEAST_ADVANTAGE, Ranking

LEAST_GROUPS = 20
REASON = "like your picks"


@dataclass(frozen=True)
class OwnPicks:
    """What a person's picks have in common.

    groups: how many were learned from. right: the share of them in which the picks are preferred by
    what all other groups say. direction: unit vector of the embedding's size; None where that is
    not clearly more than half, or there are too few groups. margin: the least difference along it
    that counts.
    """

    groups: int
    right: float
    direction: FloatArray | None = None
    margin: float = 0.0


def learn_picks(groups: Sequence[tuple[FloatArray, FloatArray]]) -> OwnPicks:
    """Learn from groups: the embeddings of liked shots, and of the others of the group.

    Both: shape (shots, embedding_size), float32, at least one shot.
    """
    if not groups:
        return OwnPicks(0, 0.0)
    directions = np.stack([_unit(liked.mean(0) - others.mean(0)) for liked, others in groups])
    total = directions.sum(0)
    # The directions have length 1, so that less itself each group is judged by the others.
    agreement = directions @ total - (directions**2).sum(1)
    right = float((agreement > 0).mean())
    # Two standard deviations of a fair coin.
    is_clear = right >= 0.5 + 1.0 / math.sqrt(len(groups))
    if len(groups) < LEAST_GROUPS or not is_clear:
        return OwnPicks(len(groups), right)
    direction = _unit(total)
    differences = [float((a.mean(0) - b.mean(0)) @ direction) for a, b in groups]
    return OwnPicks(len(groups), right, direction, max(0.0, float(np.median(differences))) / 2)


def preferred(ranking: Ranking, embeddings: Mapping[str, FloatArray], picks: OwnPicks) -> Ranking:
    """Choose the best of a group of which it can't be told, by a person's earlier picks.

    embeddings: of its shots, by id. Unchanged where they don't tell either.
    """
    if ranking.best is not None or picks.direction is None:
        return ranking
    tied = [i for i in ranking.photo_ids if ranking.behind[i] < LEAST_ADVANTAGE]
    if len(tied) < 2 or any(photo_id not in embeddings for photo_id in tied):
        return ranking
    scores = {photo_id: float(embeddings[photo_id] @ picks.direction) for photo_id in tied}
    first, second = sorted(tied, key=lambda photo_id: -scores[photo_id])[:2]
    if scores[first] - scores[second] < picks.margin:
        return ranking
    others = tuple(photo_id for photo_id in ranking.photo_ids if photo_id != first)
    reasons = {**ranking.reasons, first: (REASON,)}
    return replace(ranking, photo_ids=(first, *others), best=first, reasons=reasons)


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    result: FloatArray = np.asarray(vector / length if length else vector, np.float32)
    return result
