"""Refit heads on the embeddings of the network."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray, HeadWeights
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.fitting.calibration import MIN_CALIBRATION_PHOTOS, best_temperature
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from training.calibrate import calibration_examples, own_photos
from training.data import head_targets
from training.labelled import LabelledData
from training.recipe import HeadRecipe, Recipe

_WORKERS = 2
_VIEWS = 2


def refit_heads(
    recipe: Recipe, data: LabelledData, bundle: Bundle, held_out: FloatArray
) -> dict[str, HeadWeights]:
    """Return a bundle's heads; heads with a ``refit`` penalty are fitted to its embeddings.

    held_out: embeddings of the calibration photos. Where the trained and the refitted head are
    averaged, both are first scaled by their best temperature on these.

    Fits on uncropped training photos and their mirror images, with the first label only: second
    tags already trained the network, and in this step they cost two points of top-1 accuracy.
    Photos with the target "inside" (one of the labels, unknown which) are ignored.
    """
    heads = dict(bundle.head_weights)
    refit = [head for head in recipe.heads if head.refit is not None]
    if not refit:
        return heads
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.TRAIN)]
    targets = {h.id: head_targets(examples, h, data.label_sets[h.id], recipe) for h in refit}
    rows = {k: np.flatnonzero((t.weight > 0) & ~t.sets) for k, t in targets.items()}
    used_rows = sorted({int(i) for head_rows in rows.values() for i in head_rows})
    position = {i: n for n, i in enumerate(used_rows)}
    views = embed_with_mirror(bundle, [examples[i] for i in used_rows])
    for head in refit:
        head_rows, target = rows[head.id], targets[head.id]
        embeddings = views[[position[int(i)] for i in head_rows]]
        fitted = fit_linear_head(
            embeddings.reshape(-1, embeddings.shape[-1]),
            one_hot(
                np.repeat(target.allowed[head_rows].argmax(axis=1), _VIEWS),
                target.allowed.shape[1],
            ),
            float(head.refit or 0.0),
            np.repeat(target.weight[head_rows], _VIEWS),
        )
        both = (heads[head.id], 1.0 - head.refit_share), (fitted, head.refit_share)
        scaled = [
            (_scaled_by_temperature(weights, recipe, head, data, held_out), share)
            for weights, share in both
            if share > 0
        ]
        heads[head.id] = HeadWeights(
            _sum_of(share * weights.kernel for weights, share in scaled),
            _sum_of(share * weights.bias for weights, share in scaled),
        )
    return heads


def _sum_of(arrays: Iterable[FloatArray]) -> FloatArray:
    total: FloatArray = np.sum(list(arrays), axis=0, dtype=np.float32)
    return total


def _scaled_by_temperature(
    weights: HeadWeights, recipe: Recipe, head: HeadRecipe, data: LabelledData, held_out: FloatArray
) -> HeadWeights:
    """Divide a head's weights by its best temperature on its own calibration photos.

    Returns them unchanged when there are fewer than MIN_CALIBRATION_PHOTOS.
    """
    examples = calibration_examples(data)
    own = own_photos(recipe, head, examples)
    if own.sum() < MIN_CALIBRATION_PHOTOS:
        return weights
    labels = data.label_sets[head.id]
    targets = head_targets(examples, head, labels, recipe).allowed[own][:, : len(labels)]
    logits = (held_out[own] @ weights.kernel + weights.bias)[:, : len(labels)]
    temperature = np.float32(best_temperature(logits, targets))
    return HeadWeights(weights.kernel / temperature, weights.bias / temperature)


def embed_with_mirror(bundle: Bundle, examples: list[Example]) -> FloatArray:
    """Embed uncropped photos and their mirror images: shape (N, 2, embedding size)."""
    engine = open_engine(bundle, _WORKERS)

    def embed(example: Example) -> FloatArray:
        pixels = engine.preprocessing.resized(example.pixels)
        mirrored = np.ascontiguousarray(pixels[:, ::-1])
        return np.stack([engine.embed_resized(view) for view in (pixels, mirrored)])

    with ThreadPoolExecutor(_WORKERS) as pool:
        return np.stack(list(pool.map(embed, examples)))
