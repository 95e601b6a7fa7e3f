"""From probabilities to what a photo is called: the tag rule, and the class it is filed under."""

from dataclasses import dataclass

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.labels import HUMAN, NONE, UNSURE_CLASS, LabelSet

# The rule's two numbers are a public contract (`/classify/`), not a calibration.
ALONE_ABOVE = 0.9
TOGETHER_ABOVE = 0.5


@dataclass(frozen=True)
class Tag:
    """A label id and its probability in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class HeadPrediction:
    """What one head says of one photo.

    probabilities: shape (labels,), float32, sums to 1. label: the most probable; confidence:
    its probability; unsure: whether to disbelieve it. outside: probability that the photo is
    none of the labels; None from a head that was not taught to say so.
    tags: by the tag rule, with the floor.
    """

    head: str
    probabilities: FloatArray
    label: str
    confidence: float
    unsure: bool
    outside: float | None
    tags: list[Tag]


@dataclass(frozen=True)
class PhotoClass:
    """The one label a photo is filed under, and where it came from.

    source: HUMAN, the id of the head that said so, or NONE.
    """

    label: str
    source: str


def top_tags(probabilities: FloatArray, labels: LabelSet, limit: int) -> list[Tag]:
    """Rank one photo's labels, most probable first; equal scores keep label order.

    probabilities: shape (len(labels),), float32, sums to 1.
    """
    order = np.argsort(-probabilities, kind="stable")[:limit]
    return [Tag(labels[int(i)].id, float(probabilities[i])) for i in order]


def tags_by_rule(
    probabilities: FloatArray, labels: LabelSet, second_tag_floor: float = 0.0
) -> list[Tag]:
    """Assign none, one or two tags.

    Highest probability above 0.9 → that label; else the two highest together above 0.5 →
    both; else none (``Unknown``, a state, never a tag). With a floor, a second tag that does
    not reach it is dropped.
    """
    first, *rest = top_tags(probabilities, labels, 2)
    if first.score > ALONE_ABOVE:
        return [first]
    if first.score + sum(tag.score for tag in rest) <= TOGETHER_ABOVE:
        return []
    return [first, *(tag for tag in rest if tag.score >= second_tag_floor)]


def decide_class(
    class_prediction: HeadPrediction,
    tag_prediction: HeadPrediction | None,
    human: str | None = None,
) -> PhotoClass:
    """File a photo.

    A human's choice, else the class head's label if it is sure, else the tag head's first tag
    if there is one, else unsure.
    """
    if human is not None:
        return PhotoClass(human, HUMAN)
    if not class_prediction.unsure:
        return PhotoClass(class_prediction.label, class_prediction.head)
    if tag_prediction is not None and tag_prediction.tags:
        return PhotoClass(tag_prediction.tags[0].label, tag_prediction.head)
    return PhotoClass(UNSURE_CLASS, NONE)
