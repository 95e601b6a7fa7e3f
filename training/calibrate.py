"""Calibrate temperatures and thresholds on photos outside the training set."""

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import Bundle, FloatArray, HeadWeights
from scene_model.classifier.fitting.calibration import (
    DEFAULT_TAG_FLOOR,
    MIN_CALIBRATION_PHOTOS,
    HeadCalibration,
    best_temperature,
)
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import threshold_accepting
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.heads import softmax
from scene_model.classifier.labels import LabelSet
from scene_model.classifier.tagging import tags_by_rule
from training.data import head_targets
from training.labelled import LabelledData
from training.recipe import HeadRecipe, Recipe

# Share of true scenes that the outside score may refuse on the calibration photos.
REFUSED_SCENES = 0.025
_TAG_FLOORS = np.arange(0.05, 0.46, 0.01)


def calibrate(
    recipe: Recipe, data: LabelledData, bundle: Bundle, embeddings: FloatArray
) -> dict[str, HeadCalibration]:
    """Calibrate each head on its own sources' calibration photos.

    embeddings: of all calibration photos in order, by the int8 network.
    """
    examples = calibration_examples(data)
    calibrations: dict[str, HeadCalibration] = {}
    for head in recipe.heads:
        if head.labels is None or head.teacher is not None:
            continue
        labels = data.label_sets[head.id]
        own = own_photos(recipe, head, examples)
        if own.sum() < MIN_CALIBRATION_PHOTOS:
            calibrations[head.id] = HeadCalibration(outside_threshold=0.5 if head.outside else None)
            continue
        targets = head_targets(examples, head, labels, recipe)
        calibrations[head.id] = calibrate_head(
            head, labels, bundle.head_weights[head.id], embeddings[own], targets.allowed[own]
        )
    return calibrations


def calibration_examples(data: LabelledData) -> list[Example]:
    """Return the photos of the calibration part."""
    return [data.examples[i] for i in data.split.indices(data.examples, Part.CALIBRATION)]


def own_photos(recipe: Recipe, head: HeadRecipe, examples: list[Example]) -> npt.NDArray[np.bool_]:
    """Mask of the photos that come from this head's own sources: shape (N,), bool."""
    sources = {source.id for source in recipe.sources if source.head == head.id}
    return np.array([e.source in sources for e in examples], np.bool_)


def calibrate_head(
    head: HeadRecipe,
    labels: LabelSet,
    weights: HeadWeights,
    embeddings: FloatArray,
    targets: FloatArray,
) -> HeadCalibration:
    """Fit the temperature by cross-entropy, then the thresholds on the scaled probabilities.

    targets: distributions over the labels, shape (N, len(labels)).
    """
    count = len(labels)
    logits = embeddings @ weights.kernel + weights.bias
    targets = targets[:, :count]
    temperature = round(best_temperature(logits[:, :count], targets), 4)
    outside_threshold = None
    if head.outside:
        outside = softmax(logits / temperature)[:, count]
        outside_threshold = round(threshold_accepting(outside, 1 - REFUSED_SCENES), 4)
    floor = DEFAULT_TAG_FLOOR
    if head.tags_right is not None:
        probabilities = softmax(logits[:, :count] / temperature)
        floor = second_tag_floor(probabilities, targets > 0, labels, head.tags_right)
    return HeadCalibration(temperature, outside_threshold, floor)


def second_tag_floor(
    probabilities: FloatArray,
    allowed: npt.NDArray[np.bool_],
    labels: LabelSet,
    target_share: float,
) -> float:
    """The lowest floor with which at least ``target_share`` of the assigned tags are right.

    allowed: shape (N, labels), the tags that are right for each photo. Returns the highest floor
    when none reaches the share.
    """
    for floor in _TAG_FLOORS:
        assigned = [tags_by_rule(p, labels, float(floor)) for p in probabilities]
        right = [allowed[i, labels.index(t.label)] for i, tags in enumerate(assigned) for t in tags]
        if right and float(np.mean(right)) >= target_share:
            break
    return round(float(floor), 2)
