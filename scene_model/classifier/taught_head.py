"""A head for one tag, from a handful of examples: seconds on kept embeddings, plain numpy.

Regularised least squares on directions: each embedding less the collection's mean, at length one.
With so few examples it does as well as a logistic regression (Rifkin 2002), and what each example
would score had it been left out stands in closed form: the cross-validation costs nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray

MIN_EXAMPLES, MAX_EXAMPLES = 5, 20
# How many other photos the examples are held against.
OTHERS = 1200
# On 21 kinds of photo that `benchmarks.teach_tags` does not ask about: 3e-4 and 3e-3 differ by 0.01
# in F1, 600 others and 1,200 by 0.02.
_PENALTY = 3e-4
# The others nobody looked at: some may show the tag. Those that score as examples do teach nothing.
_SUSPICIOUS_ABOVE, _SUSPICIOUS_SHARE, _ROUNDS = 0.15, 0.99, 2
# How far below the mean of the examples' own scores the threshold lies, in standard deviations; and
# what that deviation is before any example is seen, which counts as so many. Where the others are
# far, it lies at least so much of the way towards them. On the same 21 kinds: 0.69 in F1, against
# 0.67 for one deviation of the examples alone, and 0.77 for a threshold chosen knowing all.
_BELOW, _USUAL_SPREAD, _USUAL_COUNTS, _TOWARDS_OTHERS = 0.8, 0.2, 10, 0.25
# How fast a score goes from "no" to "yes" about the threshold; only the order matters to search.
_STEEPNESS = 4.0


@dataclass(frozen=True)
class TaughtHead:
    """One tag's head.

    kernel: shape (2, embedding size), float32: a direction, and the mean it is seen from.
    threshold: the score from which a photo has the tag.
    """

    kernel: FloatArray
    bias: float
    threshold: float

    def probabilities(self, embeddings: FloatArray) -> FloatArray:
        """How sure it is of photos, shape (N,), float32 in [0, 1]; the tag holds from 0.5.

        embeddings: shape (N, embedding size), float32.
        """
        scores = _directions(embeddings, self.kernel[1]) @ self.kernel[0] + self.bias
        exponent = np.clip(-_STEEPNESS * (scores - self.threshold), -60.0, 60.0)
        result: FloatArray = (1.0 / (1.0 + np.exp(exponent))).astype(np.float32)
        return result


@dataclass(frozen=True)
class TaughtFigures:
    """What leaving out one photo at a time tells: each is asked of a head that never saw it.

    examples, found: of so many examples, so many would be tagged. others, tagged_others: of so
    many photos that are no examples, which nobody looked at, so many would be.
    """

    examples: int
    found: int
    others: int
    tagged_others: int


def teach(
    examples: FloatArray, counterexamples: FloatArray, others: FloatArray
) -> tuple[TaughtHead, TaughtFigures]:
    """Learn a tag; the same input gives the same.

    examples: shape (N, embedding size), N at least `MIN_EXAMPLES`. counterexamples: photos of which
    a person said no; may be none. others: photos of the collection that nobody looked at.
    """
    rest = np.concatenate([counterexamples, others])
    mean = np.concatenate([examples, rest]).mean(axis=0)
    shown, refused = _directions(examples, mean), _directions(rest, mean)
    is_kept = np.ones(len(rest), np.bool_)
    for _ in range(_ROUNDS):
        direction, bias, own, left = _fit(shown, refused[is_kept])
        scores = refused @ direction + bias  # of those that taught nothing
        scores[is_kept] = left
        limit = float(np.quantile(own, _SUSPICIOUS_ABOVE))
        if len(rest):
            limit = min(limit, float(np.quantile(scores, _SUSPICIOUS_SHARE)))
        is_kept = scores < limit
        is_kept[: len(counterexamples)] = True  # of these a person is sure
    direction, bias, own, left_kept = _fit(shown, refused[is_kept])
    count = len(own)
    spread = np.sqrt(
        (own.var() * count + _USUAL_SPREAD**2 * _USUAL_COUNTS) / (count + _USUAL_COUNTS)
    )
    far = float(own.mean() - np.quantile(left_kept, _SUSPICIOUS_SHARE)) if len(left_kept) else 2.0
    threshold = float(own.mean() - max(_BELOW * spread, _TOWARDS_OTHERS * far))
    if len(counterexamples):
        highest = float(left_kept[: len(counterexamples)].max())
        threshold = max(threshold, min(highest, float(np.median(own))))
    head = TaughtHead(np.stack([direction, mean]).astype(np.float32), bias, threshold)
    tagged = int((refused[~is_kept] @ direction + bias >= threshold).sum())
    return head, TaughtFigures(
        examples=len(examples),
        found=int((own >= threshold).sum()),
        others=len(rest),
        tagged_others=tagged + int((left_kept >= threshold).sum()),
    )


def _directions(embeddings: FloatArray, mean: FloatArray) -> FloatArray:
    seen = embeddings - mean
    lengths = np.linalg.norm(seen, axis=1, keepdims=True)
    result: FloatArray = (seen / np.maximum(lengths, 1e-6)).astype(np.float32)
    return result


def _fit(
    shown: FloatArray, refused: FloatArray
) -> tuple[FloatArray, float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Fit; returns direction, bias, and what each photo scores when it is left out.

    Both sides count alike, however many they are. The bias is a constant feature, so that the
    penalty holds it as well.
    """
    seen = np.concatenate([shown, refused]).astype(np.float64)
    wanted = np.concatenate([np.ones(len(shown)), -np.ones(len(refused))])
    shares = np.concatenate(
        [np.full(len(side), max(1, len(side)), np.float64) for side in (shown, refused)]
    )
    inverse = np.linalg.inv(seen @ seen.T + 1.0 + np.diag(_PENALTY * shares))
    duals = inverse @ wanted
    left_out = wanted - duals / np.diag(inverse)
    direction: FloatArray = (seen.T @ duals).astype(np.float32)
    return direction, float(duals.sum()), left_out[: len(shown)], left_out[len(shown) :]
