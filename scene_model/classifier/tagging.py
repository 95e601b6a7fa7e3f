"""From probabilities to what a photo is called: the tag rule, and the class it is filed under."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.labels import LabelSet

# The rule's two numbers are a public contract (`/classify/`), not a calibration.
ALONE_ABOVE = 0.9
TOGETHER_ABOVE = 0.5
UNSURE_CLASS = "unsure"


@dataclass(frozen=True)
class Tag:
    """A label id and its probability in [0, 1]."""

    label: str
    score: float


class ClassSource(StrEnum):
    """Who decided the class of a photo."""

    HUMAN = "human"
    SCENES = "scenes"
    CAMERA = "camera"
    NONE = "none"


@dataclass(frozen=True)
class PhotoClass:
    """The one label a photo is filed under, and where it came from."""

    label: str
    source: ClassSource


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
    scenes_label: str,
    scenes_unsure: bool,
    camera_tags: list[Tag],
    human: str | None = None,
) -> PhotoClass:
    """File a photo: a human's choice, else a sure scene, else the first camera tag, else unsure."""
    if human is not None:
        return PhotoClass(human, ClassSource.HUMAN)
    if not scenes_unsure:
        return PhotoClass(scenes_label, ClassSource.SCENES)
    if camera_tags:
        return PhotoClass(camera_tags[0].label, ClassSource.CAMERA)
    return PhotoClass(UNSURE_CLASS, ClassSource.NONE)
