"""Fit heads once more on what the finished int8 network sees."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray, HeadWeights
from scene_model.classifier.engine import Engine
from scene_model.classifier.fitting.calibration import MIN_CALIBRATION_PHOTOS, best_temperature
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from scene_model.photos.decode import resize_to_square
from training.calibrate import calibration_examples, own_photos
from training.data import head_targets
from training.labelled import LabelledData
from training.recipe import HeadRecipe, Recipe

_WORKERS = 2
_VIEWS = 2


def refit_heads(
    recipe: Recipe, data: LabelledData, bundle: Bundle, held_out: FloatArray
) -> dict[str, HeadWeights]:
    """Return a bundle's heads, those with a ``refit`` penalty fitted to its own embeddings.

    held_out: embeddings of the calibration photos; where the old and the new head are averaged,
    both are brought to their best temperature on these first.

    On whole training photos and their mirror images, with their first label alone: second tags
    have taught the network already, and in this step they cost two points of first labels.
    Photos of which only "some label, not known which" is known are left out.
    """
    heads = dict(bundle.head_weights)
    wanted = [head for head in recipe.heads if head.refit is not None]
    if not wanted:
        return heads
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.TRAIN)]
    targets = {h.id: head_targets(examples, h, data.label_sets[h.id], recipe) for h in wanted}
    rows = {k: np.flatnonzero((t.weight > 0) & ~t.sets) for k, t in targets.items()}
    needed = sorted({int(i) for found in rows.values() for i in found})
    place = {i: n for n, i in enumerate(needed)}
    views = whole_views(bundle, [examples[i] for i in needed])
    for head in wanted:
        found, target = rows[head.id], targets[head.id]
        seen = views[[place[int(i)] for i in found]]
        fitted = fit_linear_head(
            seen.reshape(-1, seen.shape[-1]),
            one_hot(
                np.repeat(target.allowed[found].argmax(axis=1), _VIEWS), target.allowed.shape[1]
            ),
            float(head.refit or 0.0),
            np.repeat(target.weight[found], _VIEWS),
        )
        both = (heads[head.id], 1.0 - head.refit_share), (fitted, head.refit_share)
        tempered = [
            (_tempered(weights, recipe, head, data, held_out), share)
            for weights, share in both
            if share > 0
        ]
        heads[head.id] = HeadWeights(
            _sum_of(share * weights.kernel for weights, share in tempered),
            _sum_of(share * weights.bias for weights, share in tempered),
        )
    return heads


def _sum_of(arrays: Iterable[FloatArray]) -> FloatArray:
    total: FloatArray = np.sum(list(arrays), axis=0, dtype=np.float32)
    return total


def _tempered(
    weights: HeadWeights, recipe: Recipe, head: HeadRecipe, data: LabelledData, held_out: FloatArray
) -> HeadWeights:
    """Divide a head by its best temperature on the calibration photos of its own sources."""
    examples = calibration_examples(data)
    own = own_photos(recipe, head, examples)
    if own.sum() < MIN_CALIBRATION_PHOTOS:
        return weights
    labels = data.label_sets[head.id]
    targets = head_targets(examples, head, labels, recipe).allowed[own][:, : len(labels)]
    logits = (held_out[own] @ weights.kernel + weights.bias)[:, : len(labels)]
    temperature = np.float32(best_temperature(logits, targets))
    return HeadWeights(weights.kernel / temperature, weights.bias / temperature)


def whole_views(bundle: Bundle, examples: list[Example]) -> FloatArray:
    """Embeddings of photos and their mirror images: shape (N, 2, embedding size)."""
    engine = Engine(bundle, _WORKERS)
    side = bundle.description.input.width

    def embed(example: Example) -> FloatArray:
        whole = resize_to_square(example.pixels, side)
        return np.stack([engine.embed(whole), engine.embed(np.ascontiguousarray(whole[:, ::-1]))])

    with ThreadPoolExecutor(_WORKERS) as pool:
        return np.stack(list(pool.map(embed, examples)))
