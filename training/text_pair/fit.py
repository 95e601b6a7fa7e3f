"""Fit a text side in closed form: a vector for each word, and a projection of embeddings.

1. Ridge regression from embeddings to the logarithms of each concept's probability, standardized.
   Its principal directions are the joint space; the projection leads photos there.
2. A text is the weighted mean of its words. Kernel ridge regression from the texts of all concepts
   to the concepts' places in the joint space gives a vector to every word, also to words that no
   concept has: those whose vectors in GloVe are close to a concept's words get close to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.text.text_calibration import BACKGROUND
from training.text_pair.captions import Concept
from training.text_pair.word_vectors import WordVectors

JOINT_SIZE = 128
# Chosen on the test queries among 39 settings, see EXPERIMENTS.md.
_PHOTO_PENALTY, _TEXT_PENALTY = 0.05, 2.0
_SMALLEST_PROBABILITY = 1e-3
_KERNEL_POWER = 3
_CHUNK = 4096
_Shares = tuple[npt.NDArray[np.intp], FloatArray]


@dataclass(frozen=True)
class TextSide:
    """A fitted pair.

    table: shape (words, joint), float32: a text is the sum of its words' rows. kernel, bias:
    shapes (embedding, joint) and (joint,), float32.
    """

    words: WordVectors
    table: FloatArray
    kernel: FloatArray
    bias: FloatArray

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return the unit vectors of texts, shape (N, joint); zeros for a text without words."""
        ids = (e.ids for e in self.words.tokenizer.encode_batch([*texts]))
        return unit(np.stack([self.table[row].sum(axis=0) for row in ids]))

    @cached_property
    def background(self) -> FloatArray:
        """The mean vector of the background sentences, which serving subtracts from a text's."""
        mean: FloatArray = self.encode(BACKGROUND).mean(axis=0)
        return mean

    def project(self, embeddings: FloatArray) -> FloatArray:
        """Return the unit vectors of embeddings, shape (N, joint)."""
        return unit(embeddings.astype(np.float32) @ self.kernel + self.bias)


def fit_text_side(
    words: WordVectors, concepts: Sequence[Concept], embeddings: FloatArray, shown: FloatArray
) -> TextSide:
    """Fit a pair to photos.

    embeddings: shape (N, embedding). shown: shape (N, concepts), how probable each concept is on
    each photo.
    """
    places, kernel, bias = _joint_space(embeddings, shown)
    return TextSide(words, _word_table(words, concepts, places), kernel, bias)


def unit(rows: FloatArray) -> FloatArray:
    """Return rows at length one, float32; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    result: FloatArray = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return result


def _joint_space(
    embeddings: FloatArray, shown: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each concept's place, and kernel and bias of the projection."""
    photos = embeddings.astype(np.float32)
    mean = photos.mean(axis=0)
    # A value that hardly varies must not be blown up.
    scale = photos.std(axis=0) + np.float32(0.01) * photos.std()
    photos = (photos - mean) / scale
    targets = np.log(np.clip(shown, _SMALLEST_PROBABILITY, 1.0)).astype(np.float32)
    targets = (targets - targets.mean(axis=0)) / (targets.std(axis=0) + 1e-3)
    gram = photos.T @ photos
    penalty = np.eye(len(gram), dtype=np.float32) * np.float32(_PHOTO_PENALTY * len(photos))
    coefficients = np.linalg.solve(gram + penalty, photos.T @ targets)
    covariance = coefficients.T @ gram @ coefficients / len(photos)  # of what is predicted
    _, directions = np.linalg.eigh(covariance.astype(np.float64))
    places: FloatArray = directions[:, ::-1][:, :JOINT_SIZE].astype(np.float32)
    kernel = (coefficients @ places) / scale[:, None]
    return places, kernel, -mean @ kernel


def _word_table(words: WordVectors, concepts: Sequence[Concept], places: FloatArray) -> FloatArray:
    texts, owners = [], []
    for number, concept in enumerate(concepts):
        # Translations add nothing here: their words have the vectors of the English names.
        for text in (*concept.english, *([concept.gloss] if concept.gloss else ())):
            texts.append(text)
            owners.append(number)
    shares = _word_shares(words, texts)
    used = np.unique(np.concatenate([ids for ids, _ in shares]))
    columns = [(np.searchsorted(used, ids), share) for ids, share in shares]
    directions = unit(words.vectors)
    by_text = _averages(_similarity(directions[used], directions[used]), columns)
    between_texts = _averages(np.ascontiguousarray(by_text.T), columns)
    between_texts[np.diag_indices_from(between_texts)] += np.float32(_TEXT_PENALTY)
    by_owner = np.linalg.solve(between_texts, places[owners])
    by_used_word = np.zeros((len(used), places.shape[1]), np.float32)
    for (ids, share), row in zip(columns, by_owner, strict=True):
        by_used_word[ids] += np.outer(share, row)
    table = np.zeros((len(directions), places.shape[1]), np.float32)
    for start in range(0, len(directions), _CHUNK):
        rows = slice(start, start + _CHUNK)
        table[rows] = _similarity(directions[rows], directions[used]) @ by_used_word
    result: FloatArray = table * words.weights[:, None]
    return result


def _word_shares(words: WordVectors, texts: Sequence[str]) -> list[_Shares]:
    """Return the ids of each text's words and their shares, which sum to 1."""
    shares = []
    for encoding in words.tokenizer.encode_batch([*texts]):
        ids, counts = np.unique(np.array(encoding.ids, np.intp), return_counts=True)
        weights = words.weights[ids] * counts
        ids, weights = ids[weights > 0], weights[weights > 0]
        shares.append((ids, (weights / max(weights.sum(), 1e-9)).astype(np.float32)))
    return shares


def _averages(rows: FloatArray, shares: Sequence[_Shares]) -> FloatArray:
    """Average rows by each text's shares: shape (texts, columns)."""
    return np.stack([share @ rows[ids] for ids, share in shares])


def _similarity(first: FloatArray, second: FloatArray) -> FloatArray:
    result: FloatArray = np.maximum(first @ second.T, 0.0) ** _KERNEL_POWER
    return result
