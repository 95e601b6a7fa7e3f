"""Train a head for one tag on a few examples: seconds on stored embeddings, in numpy.

Regularised least squares on directions: each embedding less the collection's mean, at length one.
With so few examples it does as well as a logistic regression (Rifkin 2002), and the
leave-one-out score of each example has a closed form: cross-validation costs nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray

MIN_EXAMPLES, MAX_EXAMPLES = 5, 20
# How many other photos the examples are compared with.
OTHERS = 1200
# On 21 kinds of photo that `benchmarks.teach_tags` does not use: 3e-4 and 3e-3 differ by 0.01
# in F1, 600 others and 1,200 by 0.02.
_PENALTY = 3e-4
# Nobody reviewed the other photos: some may show the tag. Those that score like examples are left
# out of the training.
_SUSPICIOUS_ABOVE, _SUSPICIOUS_SHARE, _ROUNDS = 0.15, 0.99, 2
# Distance of the threshold below the mean leave-one-out score of the examples, in standard
# deviations; the prior of that deviation, and its weight as a number of examples; and the minimum
# distance as a share of the way to the other photos' scores. On the same 21 kinds: F1 0.69, against
# 0.67 for one deviation of the examples alone, and 0.77 for a threshold chosen on all labels.
_BELOW, _USUAL_SPREAD, _USUAL_COUNTS, _TOWARDS_OTHERS = 0.8, 0.2, 10, 0.25
# Slope of the probability at the threshold; only the order matters to search.
_STEEPNESS = 4.0


@dataclass(frozen=True)
class TaughtHead:
    """One tag's head.

    kernel: shape (2, embedding size), float32: a direction, and the mean that is subtracted first.
    threshold: the minimum score of a photo with the tag.
    """

    kernel: FloatArray
    bias: float
    threshold: float

    def probabilities(self, embeddings: FloatArray) -> FloatArray:
        """Probability of the tag, shape (N,), float32 in [0, 1]; a photo has the tag from 0.5.

        embeddings: shape (N, embedding size), float32.
        """
        scores = _directions(embeddings, self.kernel[1]) @ self.kernel[0] + self.bias
        exponent = np.clip(-_STEEPNESS * (scores - self.threshold), -60.0, 60.0)
        result: FloatArray = (1.0 / (1.0 + np.exp(exponent))).astype(np.float32)
        return result


@dataclass(frozen=True)
class TaughtFigures:
    """Leave-one-out cross-validation: each photo is scored by a head trained without it.

    examples: number of examples; found: of these, how many would be tagged. others: number of
    photos that are not examples; tagged_others: of these, how many would be tagged. The names are
    stored in libraries.
    """

    examples: int
    found: int
    others: int
    tagged_others: int


def teach(
    examples: FloatArray, counterexamples: FloatArray, others: FloatArray
) -> tuple[TaughtHead, TaughtFigures]:
    """Train a tag's head; deterministic.

    examples: shape (N, embedding size), N at least `MIN_EXAMPLES`. counterexamples: photos
    that a person rejected; may be empty. others: photos of the collection that nobody reviewed.
    """
    negative_photos = np.concatenate([counterexamples, others])
    mean = np.concatenate([examples, negative_photos]).mean(axis=0)
    positives, negatives = _directions(examples, mean), _directions(negative_photos, mean)
    is_used = np.ones(len(negative_photos), np.bool_)
    for _ in range(_ROUNDS):
        direction, bias, example_scores, left = _fit(positives, negatives[is_used])
        scores = negatives @ direction + bias  # of photos left out of the training
        scores[is_used] = left
        limit = float(np.quantile(example_scores, _SUSPICIOUS_ABOVE))
        if len(negative_photos):
            limit = min(limit, float(np.quantile(scores, _SUSPICIOUS_SHARE)))
        is_used = scores < limit
        is_used[: len(counterexamples)] = True  # a person rejected these
    direction, bias, example_scores, left_scores = _fit(positives, negatives[is_used])
    count = len(example_scores)
    spread = np.sqrt(
        (example_scores.var() * count + _USUAL_SPREAD**2 * _USUAL_COUNTS) / (count + _USUAL_COUNTS)
    )
    far = (
        float(example_scores.mean() - np.quantile(left_scores, _SUSPICIOUS_SHARE))
        if len(left_scores)
        else 2.0
    )
    threshold = float(example_scores.mean() - max(_BELOW * spread, _TOWARDS_OTHERS * far))
    if len(counterexamples):
        highest = float(left_scores[: len(counterexamples)].max())
        threshold = max(threshold, min(highest, float(np.median(example_scores))))
    head = TaughtHead(np.stack([direction, mean]).astype(np.float32), bias, threshold)
    tagged = int((negatives[~is_used] @ direction + bias >= threshold).sum())
    return head, TaughtFigures(
        examples=len(examples),
        found=int((example_scores >= threshold).sum()),
        others=len(negative_photos),
        tagged_others=tagged + int((left_scores >= threshold).sum()),
    )


def _directions(embeddings: FloatArray, mean: FloatArray) -> FloatArray:
    photos = embeddings - mean
    lengths = np.linalg.norm(photos, axis=1, keepdims=True)
    result: FloatArray = (photos / np.maximum(lengths, 1e-6)).astype(np.float32)
    return result


def _fit(
    positives: FloatArray, negatives: FloatArray
) -> tuple[FloatArray, float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Fit; returns direction, bias, and the leave-one-out scores of both sides.

    Both sides have the same total weight. The bias is a constant feature, so that the penalty
    applies to it too.
    """
    photos = np.concatenate([positives, negatives]).astype(np.float64)
    targets = np.concatenate([np.ones(len(positives)), -np.ones(len(negatives))])
    shares = np.concatenate(
        [np.full(len(side), max(1, len(side)), np.float64) for side in (positives, negatives)]
    )
    inverse = np.linalg.inv(photos @ photos.T + 1.0 + np.diag(_PENALTY * shares))
    duals = inverse @ targets
    left_out = targets - duals / np.diag(inverse)
    direction: FloatArray = (photos.T @ duals).astype(np.float32)
    return direction, float(duals.sum()), left_out[: len(positives)], left_out[len(positives) :]
