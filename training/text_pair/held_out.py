"""Labels that do not train a text side, and the queries that measure it."""

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.fitting.splits import Part
from training.text_pair.captions import Concept, probabilities, without_words_of
from training.text_pair.fit import TextSide, fit_text_side
from training.text_pair.photos import EmbeddedPhotos, with_true_labels
from training.text_pair.word_vectors import read_word_vectors, tokenize

QUERIES_FILE = Path(__file__).with_name("queries.toml")
FREQUENT_WORDS = 25_000
_FOLDS, _SEED = 5, 0


@dataclass(frozen=True)
class ConceptQueries:
    """Queries for the photos with a label, see ``queries.toml``."""

    id: str
    sentences: tuple[str, ...]
    descriptions: tuple[str, ...]
    translated: tuple[str, ...]


@dataclass(frozen=True)
class PairQueries:
    """Queries for the photos with all of several labels."""

    ids: tuple[str, ...]
    queries: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """How well a list of photos answers a query.

    recall: right photos among the first ten, of ten or of all right ones if they are fewer.
    precision: of the ten places, those with a right photo. reciprocal: 1 / place of the first.
    """

    recall: float
    precision: float
    reciprocal: float


def read_queries(file: Path = QUERIES_FILE) -> tuple[list[ConceptQueries], list[PairQueries]]:
    """Read the test queries."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    concepts = [
        ConceptQueries(
            row["id"], *(tuple(row[k]) for k in ("sentences", "descriptions", "translated"))
        )
        for row in tables["concept"]
    ]
    pairs = [PairQueries(tuple(row["ids"]), tuple(row["queries"])) for row in tables["pair"]]
    return concepts, pairs


def folds(queries: Sequence[ConceptQueries]) -> list[list[str]]:
    """Divide the labels into groups, each of which is held out once."""
    order = np.random.default_rng(_SEED).permutation(len(queries))
    return [[queries[i].id for i in order[fold::_FOLDS]] for fold in range(_FOLDS)]


def fit_without(
    held_out: Collection[str],
    bundle: Bundle,
    concepts: Sequence[Concept],
    photos: EmbeddedPhotos,
    words_dir: Path,
) -> TextSide:
    """Fit a text side to the training photos that have none of the labels.

    What shares a word with a held-out label is left out too: other labels, kinds, groups, their
    photos, and glosses. Words of GloVe stay. Without held-out labels, everything is used.
    """
    by_id = {concept.id: concept for concept in concepts}
    kept = without_words_of(concepts, [by_id[f"label {label}"] for label in held_out], tokenize)
    kept_ids = {concept.id.removeprefix("label ") for concept in kept}
    rows = [i for i in photos.of_part(Part.TRAIN) if photos.labels[i] <= kept_ids]
    used = photos.subset(rows)
    shown = with_true_labels(probabilities(bundle, used.embeddings, kept), kept, bundle, used)
    words = read_word_vectors(words_dir, kept, FREQUENT_WORDS)
    return fit_text_side(words, kept, used.embeddings, shown)


def judge(order: Sequence[int] | npt.NDArray[np.intp], is_right: npt.NDArray[np.bool_]) -> Ranking:
    """Judge the order of photos, which may be shorter than all photos. is_right: of all photos."""
    first = is_right[np.array(order[:10], np.intp)]
    places = np.flatnonzero(is_right[np.array(order, np.intp)])
    return Ranking(
        float(first.sum() / min(10, is_right.sum())),
        float(first.sum() / 10),
        float(1 / (places[0] + 1)) if len(places) else 0.0,
    )


def by_likeness(side: TextSide, query: str, projected: FloatArray) -> npt.NDArray[np.intp]:
    """Order photos by their likeness to a text, as serving does (`text_calibration`).

    projected: of `TextSide.project`.
    """
    direction = side.encode([query])[0] - side.background
    order: npt.NDArray[np.intp] = np.argsort(-(projected @ direction), kind="stable")
    return order
