"""All words that all heads know: from what a person types to label ids, and back to names."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from scene_model.classifier.heads import Head
from scene_model.classifier.labels import UNSURE_CLASS, Label


@dataclass(frozen=True)
class Vocabulary:
    """Words to label ids over every head of a bundle.

    names: label id → display name. words: folded word → ids it finds.
    """

    names: dict[str, str]
    words: dict[str, frozenset[str]]

    def display_name(self, label_id: str) -> str:
        """Return what people read; a person's own tag is its own name."""
        if label_id == UNSURE_CLASS:
            return "Unsure"
        if label_id in self.names:
            return self.names[label_id]
        # Only ids are written so: one of another bundle's labels.
        return label_id.replace("_", " ").capitalize() if "_" in label_id else label_id

    def ids_for(self, word: str) -> frozenset[str]:
        """Label ids a typed word means: an id, a name, an alias, a translation."""
        return self.words.get(fold(word), frozenset())

    def exact_ids_for(self, word: str) -> frozenset[str]:
        """Label ids that are called so; only when none is, those the word is an alias of."""
        return self._called.get(fold(word)) or self.ids_for(word)

    @cached_property
    def _called(self) -> dict[str, frozenset[str]]:
        """Ids by what they are called, folded once: a page asks with every click."""
        called: dict[str, set[str]] = {}
        for label_id, name in self.names.items():
            for word in (fold(label_id), fold(name)):
                called.setdefault(word, set()).add(label_id)
        return {word: frozenset(ids) for word, ids in called.items()}

    def canonical(self, typed: str) -> str:
        """Return the label id whose id or name was typed; else the words as a tag of their own."""
        folded = fold(typed)
        for label_id, name in self.names.items():
            if folded in (fold(label_id), fold(name)):
                return label_id
        return folded


def fold(text: str) -> str:
    """Fold case, underscores and runs of spaces, so that words compare as people mean them."""
    return " ".join(fold_case(text).replace("_", " ").split())


def fold_case(text: str) -> str:
    """Fold upper and lower case, and the two ways to write an accent, in every script.

    The caseless form of the Unicode standard (3.13, D145), composed.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def vocabulary_of(heads: Iterable[Head]) -> Vocabulary:
    """Collect the words of all heads; the first head to name an id decides its display name.

    Heads of a thousand objects give whole names only: single words of "German shepherd"
    would find every "… dog" there is.
    """
    names: dict[str, str] = {}
    words: dict[str, set[str]] = {}
    for head in heads:
        for label in head.labels.labels:
            # What a photo carries for an object is its line, whichever of two it was.
            label_id = label.source_name if head.id == "objects" else label.id
            names.setdefault(label_id, label.name)
            for word in _words(label):
                words.setdefault(word, set()).add(label_id)
    return Vocabulary(names, {word: frozenset(ids) for word, ids in words.items()})


def _words(label: Label) -> set[str]:
    return {fold(word) for word in label.words} | {fold(label.source_name)}
