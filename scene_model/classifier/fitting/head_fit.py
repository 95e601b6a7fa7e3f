"""Fit the weights of a head on a bundle's embeddings, in seconds for 1,000 photos."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import Bundle, FloatArray, HeadWeights
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.fitting.class_folders import MIN_PHOTOS
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measuring import embed_examples
from scene_model.classifier.fitting.random_views import random_view
from scene_model.classifier.fitting.splits import Part, Split
from scene_model.classifier.heads import softmax
from scene_model.classifier.labels import LabelSet
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from scene_model.errors import UnusableFolders
from scene_model.photos.colours import Pixels

# Beside the whole photo and its mirror image: random crops, so that a head from few photos
# does not learn their framing.
_RANDOM_VIEWS = 2
_PENALTIES = (1e-4, 1e-3, 1e-2)
_WORKERS = 2


@dataclass(frozen=True)
class FittedHead:
    """Weights, and the calibration photos' embeddings, shape (N, embedding size), and labels."""

    weights: HeadWeights
    calibration_embeddings: FloatArray
    calibration_labels: npt.NDArray[np.intp]


def fit_head(
    bundle: Bundle, examples: list[Example], split: Split, labels: LabelSet, seed: int
) -> FittedHead:
    """Fit a head on the training photos; the same photos and seed give the same weights."""
    train = [examples[i] for i in split.indices(examples, Part.TRAIN)]
    held_out = [examples[i] for i in split.indices(examples, Part.CALIBRATION)]
    embeddings = embed_examples(bundle, held_out)
    held_out_labels = _label_indices(held_out, labels)
    weights = _fit(
        _views(bundle, train, seed),
        _label_indices(train, labels),
        embeddings,
        held_out_labels,
        len(labels),
    )
    return FittedHead(weights, embeddings, held_out_labels)


def check_head_id(head_id: str, bundle: Bundle) -> None:
    """Raise UnusableFolders where the bundle has a head of that id already."""
    if head_id in bundle.head_weights:
        raise UnusableFolders(
            f"The head cannot be called {head_id!r}: {bundle.description.name} has one of that "
            "name already. Choose another --name."
        )


def check_enough(examples: list[Example], labels: LabelSet) -> None:
    """Raise UnusableFolders where unreadable photos have left a class with too few."""
    for label in labels.labels:
        count = sum(1 for e in examples if e.label == label.source_name)
        if count < MIN_PHOTOS:
            raise UnusableFolders(
                f"Only {count} photos of {label.name!r} can be read; a class needs at least "
                f"{MIN_PHOTOS}. Replace the damaged ones or take the folder out."
            )


def _label_indices(examples: list[Example], labels: LabelSet) -> npt.NDArray[np.intp]:
    by_source_name = {label.source_name: i for i, label in enumerate(labels.labels)}
    return np.array([by_source_name[e.label] for e in examples], np.intp)


def _views(bundle: Bundle, examples: list[Example], seed: int) -> FloatArray:
    """Embeddings of several views a photo: shape (N, views, embedding size)."""
    engine = open_engine(bundle, _WORKERS)
    preprocessing, rule = engine.preprocessing, bundle.description.input
    side = max(rule.width, rule.height)

    def embed(numbered: tuple[int, Example]) -> FloatArray:
        number, example = numbered
        rng = np.random.default_rng([seed, number])
        whole = preprocessing.resized(example.pixels)
        views: list[Pixels] = [whole, np.ascontiguousarray(whole[:, ::-1])]
        for _ in range(_RANDOM_VIEWS):
            views.append(preprocessing.stretched(random_view(example.pixels, side, rng)))
        return np.stack([engine.embed_resized(view) for view in views])

    with ThreadPoolExecutor(_WORKERS) as pool:
        return np.stack(list(pool.map(embed, enumerate(examples))))


def _fit(
    views: FloatArray,
    labels: npt.NDArray[np.intp],
    held_out: FloatArray,
    held_out_labels: npt.NDArray[np.intp],
    label_count: int,
) -> HeadWeights:
    """Fit with several penalties and keep the one with the least loss on calibration photos."""
    embeddings = views.reshape(-1, views.shape[-1])
    targets = one_hot(np.repeat(labels, views.shape[1]), label_count)
    fitted = [fit_linear_head(embeddings, targets, p) for p in _PENALTIES]
    if not len(held_out):
        return fitted[1]

    def loss(weights: HeadWeights) -> float:
        probabilities = softmax(held_out @ weights.kernel + weights.bias)
        of_true_label = probabilities[np.arange(len(held_out)), held_out_labels]
        return float(-np.log(np.maximum(of_true_label, 1e-9)).mean())

    return min(fitted, key=loss)
