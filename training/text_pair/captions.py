"""Captions of concepts: labels, kinds and groups of a bundle, and the photos that show them.

A concept is what a text can be about: a label (one of that id over all heads), a kind or a group.
Its texts are its names in five languages and, for the thousand objects, the gloss of WordNet.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.bundle_words import GroupEntry, KindEntry, LabelEntry
from scene_model.classifier.heads import softmax
from scene_model.classifier.labels import with_wider_kinds

LANGUAGES = ("de", "fr", "es", "zh")
Tokenize = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Concept:
    """What a text can be about.

    english: name and aliases. gloss: a sentence that describes it, "" without one.
    translations: text in each language. columns: (head, output) of each label below it. group: of
    a label, None where it has none.
    """

    id: str
    english: tuple[str, ...]
    gloss: str
    translations: tuple[str, ...]
    columns: tuple[tuple[str, int], ...]
    group: str | None = None

    @property
    def is_label(self) -> bool:
        """Whether it is a label, not a kind or a group."""
        return self.id.startswith("label ")

    @property
    def texts(self) -> tuple[str, ...]:
        """All names; not the gloss, which describes it."""
        return (*self.english, *self.translations)


def read_glosses(data_noun: Path) -> dict[frozenset[str], str]:
    """Read the glosses of WordNet's ``data.noun``, without examples, by the words of a synset.

    The format is described in wndb(5WN).
    """
    glosses: dict[frozenset[str], str] = {}
    for line in data_noun.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):  # the licence
            continue
        fields, gloss = line.split("|", 1)
        parts = fields.split()
        words = (parts[4 + 2 * i].replace("_", " ").lower() for i in range(int(parts[3], 16)))
        glosses.setdefault(frozenset(words), gloss.split('"')[0].strip(" ;"))
    return glosses


def concepts_of(bundle: Bundle, glosses: Mapping[frozenset[str], str]) -> list[Concept]:
    """Collect the concepts of all heads: labels of one id are one concept, then kinds, groups."""
    description = bundle.description
    parents = {kind.id: kind.parents for kind in description.kinds}
    entries: dict[str, list[LabelEntry | KindEntry | GroupEntry]] = {}
    columns: dict[str, list[tuple[str, int]]] = {}
    for head in description.heads:
        for output, label in enumerate(head.labels):
            keys = [
                f"label {label.id}",
                *(f"kind {k}" for k in with_wider_kinds(label.kinds, parents)),
            ]
            if label.group is not None:
                keys.append(f"group {label.group}")
            entries.setdefault(keys[0], []).append(label)
            for key in keys:
                columns.setdefault(key, []).append((head.id, output))
    entries |= {f"kind {kind.id}": [kind] for kind in description.kinds}
    entries |= {f"group {group.id}": [group] for group in description.groups}
    return [
        Concept(
            key,
            _unique(text for entry in of for text in (entry.name, *entry.aliases)),
            _gloss(of[0], glosses) if key.startswith("label ") else "",
            _unique(e.translations[c] for e in of for c in LANGUAGES if c in e.translations),
            tuple(columns[key]),
            of[0].group if isinstance(of[0], LabelEntry) else None,
        )
        for key, of in entries.items()
        if key in columns
    ]


def without_words_of(
    concepts: Sequence[Concept], held_out: Collection[Concept], tokenize: Tokenize
) -> list[Concept]:
    """Remove all concepts and glosses that share a word with those held out."""
    words = words_of(held_out, tokenize)
    # A character of a Chinese name may stand in many others; the whole name counts.
    names = [t for concept in held_out for t in concept.texts if _is_chinese(t)]
    kept = []
    for concept in concepts:
        own = words_of([concept], tokenize)
        if words.isdisjoint(own) and not any(n in t for n in names for t in concept.translations):
            gloss = concept.gloss if words.isdisjoint(tokenize(concept.gloss)) else ""
            kept.append(replace(concept, gloss=gloss))
    return kept


def words_of(concepts: Iterable[Concept], tokenize: Tokenize) -> set[str]:
    """Return the words of all names, also as plurals, without Chinese and those such as "of"."""
    texts = (text for concept in concepts for text in concept.texts if not _is_chinese(text))
    return _with_plurals({word for text in texts for word in tokenize(text)} - _FUNCTION_WORDS)


def probabilities(
    bundle: Bundle, embeddings: FloatArray, concepts: Sequence[Concept], chunk: int = 2048
) -> FloatArray:
    """How probable each concept is on each photo, by the heads: shape (photos, concepts).

    Within a head the probabilities of a concept's labels are added; of several heads the highest
    counts.
    """
    result = np.zeros((len(embeddings), len(concepts)), np.float32)
    for head in bundle.description.heads:
        weights = bundle.head_weights[head.id]
        member = np.zeros((len(head.labels), len(concepts)), np.float32)
        for column, concept in enumerate(concepts):
            member[[o for h, o in concept.columns if h == head.id], column] = 1.0
        for start in range(0, len(embeddings), chunk):
            rows = slice(start, start + chunk)
            logits = embeddings[rows].astype(np.float32) @ weights.kernel + weights.bias
            predicted = softmax(logits / head.temperature)[:, : len(head.labels)]
            result[rows] = np.maximum(result[rows], predicted @ member)
    return np.minimum(result, 1.0)


_FUNCTION_WORDS = frozenset(
    "of the a an in on or and for with s ' - ( ) , . "
    "de la le les du des d l un une el los las y a au aux en im und mit".split()
)


def _with_plurals(words: Iterable[str]) -> set[str]:
    return {
        form
        for word in words
        for form in (word, f"{word}s", f"{word}es", re.sub(r"e?s$", "", word))
    }


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def _gloss(
    entry: LabelEntry | KindEntry | GroupEntry, glosses: Mapping[frozenset[str], str]
) -> str:
    source = entry.source_name if isinstance(entry, LabelEntry) else entry.name
    return glosses.get(frozenset(word.strip().lower() for word in source.split(",")), "")


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
