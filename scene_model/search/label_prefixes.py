"""Labels that begin as a person typed: for the fields of classes and tags."""

import unicodedata
from collections.abc import Collection
from functools import lru_cache

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary, fold


# As many as the labels of a few bundles have words.
@lru_cache(maxsize=16_384)
def fold_accents(text: str) -> str:
    """Fold case, underscores, runs of spaces and Latin, Greek and Cyrillic accents: "Été" is "ete".

    The fields in the browser fold what is typed in the same way (`folded` in
    pages/widgets/combobox/matches.js).
    """
    decomposed = unicodedata.normalize("NFD", fold(text))
    return "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f").strip()


def words_of_labels(vocabulary: Vocabulary, labels: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the folded words of labels: first the name, then id, aliases and translations."""
    ids_asked_for = frozenset(labels)
    words = {
        label: [fold_accents(vocabulary.display_name(label)), fold_accents(label)]
        for label in labels
    }
    for word, ids in vocabulary.words.items():
        for label in ids & ids_asked_for:
            words[label].append(fold_accents(word))
    return {label: tuple(dict.fromkeys(folded)) for label, folded in words.items()}


def known_label(vocabulary: Vocabulary, typed: str) -> str | None:
    """Return the label whose id or name was typed, in any case; None for a new one."""
    label = vocabulary.canonical(typed)
    is_known = label == UNSURE_CLASS or label in vocabulary.names
    return label if is_known or fold(label) in vocabulary.own_labels else None


def labels_beginning(vocabulary: Vocabulary, typed: str, limit: int) -> list[str]:
    """Return labels with a word that begins as typed, of all heads and of people.

    First those that are called so, then those whose name begins so, then those with another word;
    short names come first. Empty text finds nothing.
    """
    start = fold_accents(typed)
    if not start:
        return []
    own = (label for labels in vocabulary.own_labels.values() for label in labels)
    ranked = []
    for label, words in words_of_labels(vocabulary, {*vocabulary.names, *own}).items():
        if any(word.startswith(start) for word in words):
            name = words[0]
            rank = (start not in words, not name.startswith(start), len(name), name, label)
            ranked.append((rank, label))
    return [label for _, label in sorted(ranked)[:limit]]
