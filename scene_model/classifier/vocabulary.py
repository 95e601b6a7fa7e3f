"""Map typed words to label ids, and label ids to display names, over all heads."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from scene_model.classifier.heads import Head
from scene_model.classifier.labels import UNSURE_CLASS, Label


@dataclass(frozen=True)
class Vocabulary:
    """Words to label ids over every head of a bundle.

    names: label id → display name. words: folded word → ids it matches.
    """

    names: dict[str, str]
    words: dict[str, frozenset[str]]

    def display_name(self, label_id: str) -> str:
        """Return the display name of a label; a person's own tag is its own name."""
        if label_id == UNSURE_CLASS:
            return "Unsure"
        if label_id in self.names:
            return self.names[label_id]
        # Only ids have underscores: a label of another bundle.
        return label_id.replace("_", " ").capitalize() if "_" in label_id else label_id

    def ids_for(self, word: str) -> frozenset[str]:
        """Return the label ids with that id, name, alias or translation."""
        return self.words.get(fold(word), frozenset())

    def exact_ids_for(self, word: str) -> frozenset[str]:
        """Return the label ids with that id or name; only without one, those with that alias."""
        return self._ids_by_name.get(fold(word)) or self.ids_for(word)

    @cached_property
    def _ids_by_name(self) -> dict[str, frozenset[str]]:
        """Label ids by folded id and name, cached: pages need it with every click."""
        ids_by_name: dict[str, set[str]] = {}
        for label_id, name in self.names.items():
            for word in (fold(label_id), fold(name)):
                ids_by_name.setdefault(word, set()).add(label_id)
        return {word: frozenset(ids) for word, ids in ids_by_name.items()}

    def canonical(self, typed: str) -> str:
        """Return the label id whose id or name was typed; else the folded text as an own tag."""
        folded = fold(typed)
        for label_id, name in self.names.items():
            if folded in (fold(label_id), fold(name)):
                return label_id
        return folded


def fold(text: str) -> str:
    """Fold case, underscores and runs of spaces, for comparing words."""
    return " ".join(fold_case(text).replace("_", " ").split())


def fold_case(text: str) -> str:
    """Fold upper and lower case, and the two ways to write an accent, in every script.

    The caseless form of the Unicode standard (3.13, D145), composed.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def vocabulary_of(heads: Iterable[Head]) -> Vocabulary:
    """Collect the words of all heads; the first head to name an id decides its display name.

    Heads of a thousand objects give whole names only: single words of "German shepherd"
    would match every "… dog".
    """
    names: dict[str, str] = {}
    words: dict[str, set[str]] = {}
    for head in heads:
        for label in head.labels.labels:
            # A photo's tag for an object is the ImageNet line, not the id.
            label_id = label.source_name if head.id == "objects" else label.id
            names.setdefault(label_id, label.name)
            for word in _words(label):
                words.setdefault(word, set()).add(label_id)
    return Vocabulary(names, {word: frozenset(ids) for word, ids in words.items()})


def _words(label: Label) -> set[str]:
    return {fold(word) for word in label.words} | {fold(label.source_name)}
