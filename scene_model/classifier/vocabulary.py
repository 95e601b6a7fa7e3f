"""Map typed words to label ids, and label ids to display names, over all heads."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from scene_model.classifier.heads import Head
from scene_model.classifier.labels import (
    OBJECTS,
    UNSURE_CLASS,
    Group,
    Kind,
    Label,
    LabelSet,
    with_wider_kinds,
)


@dataclass(frozen=True)
class KindOfLabels:
    """A kind with all labels below it. words: every folded word that finds it."""

    id: str
    name: str
    words: frozenset[str]
    label_ids: frozenset[str]


@dataclass(frozen=True)
class GroupOfLabels:
    """A group with all its labels. words: every folded word that finds it."""

    id: str
    name: str
    words: frozenset[str]
    label_ids: frozenset[str]


@dataclass(frozen=True)
class Vocabulary:
    """Words to label ids over every head of a bundle.

    names: label id → display name; groups that are no labels are among them, because an object
    gives a photo its group as class. words: folded word → ids of the labels with that word.
    kinds: those with at least one label. groups: in the bundle's order. translations: language
    code → label id → display name in that language. own_labels: folded word → the labels that
    people made and that are written so, in any case.
    """

    names: dict[str, str]
    words: dict[str, frozenset[str]]
    kinds: tuple[KindOfLabels, ...] = ()
    groups: tuple[GroupOfLabels, ...] = ()
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    own_labels: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def with_own_labels(self, labels: Iterable[str]) -> "Vocabulary":
        """Return a copy that also knows labels that people made."""
        by_word: dict[str, frozenset[str]] = {}
        for label in labels:
            by_word[fold(label)] = by_word.get(fold(label), frozenset()) | {label}
        return replace(self, own_labels=by_word)

    def display_name(self, label_id: str, language: str = "en") -> str:
        """Return the display name of a label; a person's own tag is its own name.

        language: a code such as "de"; a label without a translation has its English name.
        """
        if translation := self.translations.get(language, {}).get(label_id):
            return translation
        if label_id == UNSURE_CLASS:
            return "Unsure"
        if label_id in self.names:
            return self.names[label_id]
        # Only ids have underscores: a label of another bundle.
        return label_id.replace("_", " ").capitalize() if "_" in label_id else label_id

    def ids_for(self, word: str) -> frozenset[str]:
        """Return the label ids with that id, name, alias or translation, or of a kind with it."""
        return self.label_ids_for(word) | self._ids_by_kind_word.get(fold(word), frozenset())

    def label_ids_for(self, word: str) -> frozenset[str]:
        """Return the label ids with that id, name, alias or translation; kinds do not count."""
        folded = fold(word)
        return self.words.get(folded, frozenset()) | self.own_labels.get(folded, frozenset())

    def named_ids_for(self, word: str) -> frozenset[str]:
        """Return the label ids with that id or name."""
        folded = fold(word)
        return self._ids_by_name.get(folded, frozenset()) | self.own_labels.get(folded, frozenset())

    def kind(self, kind_id: str) -> KindOfLabels | None:
        """Return the kind with an id; None without labels below it."""
        return next((kind for kind in self.kinds if kind.id == kind_id), None)

    def group_of(self, label_id: str) -> str | None:
        """Return the group of a label; of a group, itself; None without one."""
        return self._groups_by_label.get(label_id)

    def group_for(self, word: str) -> GroupOfLabels | None:
        """Return the group with that id, name, alias or translation."""
        folded = fold(word)
        exact = (group for group in self.groups if folded in (fold(group.id), fold(group.name)))
        related = (group for group in self.groups if folded in group.words)
        return next(exact, None) or next(related, None)

    @cached_property
    def _groups_by_label(self) -> dict[str, str]:
        return {label_id: group.id for group in self.groups for label_id in group.label_ids} | {
            group.id: group.id for group in self.groups
        }

    @cached_property
    def _ids_by_kind_word(self) -> dict[str, frozenset[str]]:
        ids_by_word: dict[str, frozenset[str]] = {}
        for kind in self.kinds:
            for word in kind.words:
                ids_by_word[word] = ids_by_word.get(word, frozenset()) | kind.label_ids
        return ids_by_word

    @cached_property
    def _ids_by_name(self) -> dict[str, frozenset[str]]:
        """Label ids by folded id and name, cached: pages need it with every click."""
        ids_by_name: dict[str, set[str]] = {}
        for label_id, name in self.names.items():
            for word in (fold(label_id), fold(name)):
                ids_by_name.setdefault(word, set()).add(label_id)
        return {word: frozenset(ids) for word, ids in ids_by_name.items()}

    def canonical(self, typed: str) -> str:
        """Return the label id whose id or name was typed; else the text as a person's own label.

        An own label keeps its case; where one differs only in case, that one is meant.
        """
        text = " ".join(unicodedata.normalize("NFC", typed).replace("_", " ").split())
        folded = fold(text)
        if folded == UNSURE_CLASS:
            return UNSURE_CLASS
        for label_id, name in self.names.items():
            if folded in (fold(label_id), fold(name)):
                return label_id
        existing = self.own_labels.get(folded, frozenset())
        return text if text in existing else min(existing, default=text)


def fold(text: str) -> str:
    """Fold case, underscores and runs of spaces, for comparing words."""
    return " ".join(fold_case(text).replace("_", " ").split())


def fold_case(text: str) -> str:
    """Fold upper and lower case, and the two ways to write an accent, in every script.

    The caseless form of the Unicode standard (3.13, D145), composed.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def vocabulary_of(heads: Iterable[Head]) -> Vocabulary:
    """Collect the words of all heads; the first head to name an id decides its display name.

    Heads of a thousand objects give whole names only: single words of "German shepherd"
    would match every "… dog".
    """
    return _vocabulary_of(tuple((head.id, head.labels) for head in heads))


# A bundle is opened by every library of a process, and the album rules need its words, too.
@lru_cache(maxsize=8)
def _vocabulary_of(label_sets: tuple[tuple[str, LabelSet], ...]) -> Vocabulary:
    names: dict[str, str] = {}
    translations: dict[str, dict[str, str]] = {}
    words: dict[str, set[str]] = {}
    kinds: dict[str, Kind] = {}
    ids_by_kind: dict[str, set[str]] = {}
    groups: dict[str, Group] = {}
    group_by_label: dict[str, str] = {}
    for head_id, labels in label_sets:
        groups |= {group.id: group for group in labels.groups}
        kinds |= {kind.id: kind for kind in labels.kinds}
        parents = {kind.id: kind.parents for kind in labels.kinds}
        for label in labels.labels:
            # A photo's tag for an object is the ImageNet line, not the id.
            label_id = label.source_name if head_id == OBJECTS else label.id
            if label_id not in names:
                names[label_id] = label.name
                _collect(label, label_id, translations)
            if label.group is not None:
                group_by_label.setdefault(label_id, label.group)
            for word in _words(label):
                words.setdefault(word, set()).add(label_id)
            for kind_id in with_wider_kinds(label.kinds, parents):
                ids_by_kind.setdefault(kind_id, set()).add(label_id)
    for group in groups.values():
        if group.id not in names:
            names[group.id] = group.name
            _collect(group, group.id, translations)
    return Vocabulary(
        names,
        {word: frozenset(ids) for word, ids in words.items()},
        tuple(
            KindOfLabels(kind.id, kind.name, _words_of(kind), frozenset(ids_by_kind[kind.id]))
            for kind in kinds.values()
            if kind.id in ids_by_kind
        ),
        tuple(
            GroupOfLabels(
                *(group.id, group.name, _words_of(group)),
                frozenset(label for label, of in group_by_label.items() if of == group.id),
            )
            for group in groups.values()
        ),
        translations,
    )


def _collect(entry: Label | Group, label_id: str, translations: dict[str, dict[str, str]]) -> None:
    """Add the translations of a label or group to those by language."""
    for language, name in entry.translations.items():
        translations.setdefault(language, {})[label_id] = name


# The labels of a few bundles; folding them takes most of the time of opening one.
@lru_cache(maxsize=8_192)
def _words(label: Label) -> frozenset[str]:
    return frozenset({fold(word) for word in label.words} | {fold(label.source_name)})


def _words_of(entry: Kind | Group) -> frozenset[str]:
    words = (entry.id, entry.name, *entry.aliases, *entry.translations.values())
    return frozenset(fold(word) for word in words)
