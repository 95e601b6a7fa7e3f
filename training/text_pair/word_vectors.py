"""A tokenizer and a vector for each of its words, from GloVe and the label sets' translations."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from scene_model.classifier.bundle import FloatArray
from training.text_pair.captions import Concept

VECTORS_FILE, INDEX_FILE = "glove_6B_50d_emb.npy", "glove_6B_index.parquet"
PADDING, UNKNOWN = "[PAD]", "[UNK]"
# Smooth inverse frequency (Arora et al. 2017): frequent words say little. Their frequency follows
# from their rank by Zipf's law.
_SMOOTHING, _ZIPF = 1e-3, 0.08
# Words of this rank or above are English whatever they mean elsewhere: "see" is no lake.
_SURE_ENGLISH = 2_000


@dataclass(frozen=True)
class WordVectors:
    """Words by id, and what a text network starts from.

    vectors: shape (words, 50), float32. weights: shape (words,), float32, 0 for padding and for
    unknown words.
    """

    words: tuple[str, ...]
    vectors: FloatArray
    weights: FloatArray

    @property
    def tokenizer(self) -> Tokenizer:
        """A tokenizer of whole words, in lower case and without accents; Chinese by characters."""
        vocabulary = {word: i for i, word in enumerate(self.words)}
        tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
        tokenizer.normalizer = BertNormalizer(lowercase=True, strip_accents=True)
        tokenizer.pre_tokenizer = BertPreTokenizer()
        return tokenizer


def tokenize(text: str) -> list[str]:
    """Split a text into words as the tokenizer does, whether or not it has them."""
    normal = BertNormalizer(lowercase=True, strip_accents=True).normalize_str(text)
    return [word for word, _ in BertPreTokenizer().pre_tokenize_str(normal)]


def read_word_vectors(folder: Path, concepts: Sequence[Concept], frequent: int) -> WordVectors:
    """Choose words and their vectors.

    These are GloVe's most frequent words, and all words of concepts and glosses. A word that
    stands in translations only gets the mean vector of the English names it translates, since the
    English word that is written the same means something else; unless that is a frequent one.
    """
    index = pd.read_parquet(folder / INDEX_FILE)["index"].astype(str).tolist()
    rank = {word: i for i, word in enumerate(index)}
    vectors = np.load(folder / VECTORS_FILE, mmap_mode="r")
    english = _words(t for c in concepts for t in (*c.english, c.gloss)) | {*index[:_SURE_ENGLISH]}
    foreign = _words(t for c in concepts for t in c.translations) - english
    plain = [w for w in index[:frequent] if tokenize(w) == [w] and any(map(str.isalnum, w))]
    chosen = list(dict.fromkeys([*plain, *sorted(w for w in english if w in rank)]))
    foreign_vectors = _foreign_vectors(concepts, foreign, rank, vectors)
    chosen = [word for word in chosen if word not in foreign_vectors]
    words = (PADDING, UNKNOWN, *chosen, *foreign_vectors)
    size = vectors.shape[1]
    rows = [np.zeros(size), np.zeros(size), *(vectors[rank[w]] for w in chosen)]
    weights = [0.0, 0.0, *(_weight(rank[w]) for w in chosen), *(1.0 for _ in foreign_vectors)]
    return WordVectors(
        words,
        np.array([*rows, *foreign_vectors.values()], np.float32),
        np.array(weights, np.float32),
    )


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in tokenize(text)}


def _weight(rank: int) -> float:
    return _SMOOTHING / (_SMOOTHING + _ZIPF / (rank + 1))


def _foreign_vectors(
    concepts: Sequence[Concept], foreign: Collection[str], rank: dict[str, int], vectors: FloatArray
) -> dict[str, FloatArray]:
    """Return the mean vector of the English names that each foreign word translates."""
    means: dict[str, list[FloatArray]] = {}
    for concept in concepts:
        ranks = [rank[w] for w in tokenize(concept.english[0]) if w in rank]
        if not ranks:
            continue
        weight = np.array([_weight(r) for r in ranks])[:, None]
        mean = (vectors[ranks] * weight).sum(axis=0) / weight.sum()
        for word in sorted(_words(concept.translations) & set(foreign)):
            means.setdefault(word, []).append(mean)
    return {word: np.mean(rows, axis=0) for word, rows in sorted(means.items())}
