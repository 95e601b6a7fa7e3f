"""Completions of a query line: fields, tags in every language, albums, states, days."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scene_model.classifier.album_rules import AlbumRules
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.search.query import FIELDS, STATES

# The last term of a line: minus and brackets before it, a field, an opening quotation mark, a word.
_LAST_TERM = re.compile(
    r"""(?:^|(?<=[\s(]))(?P<sign>-?\(*)(?P<field>[A-Za-z]+:)?(?P<mark>"?)(?P<word>[^\s()":]*)$"""
)
_PLAIN = re.compile(r"[^\s()\"\-:][^\s()\":]*")


@dataclass(frozen=True)
class Completion:
    """One completion. line: the completed line. shown: its caption. count: photos with the tag."""

    line: str
    shown: str
    count: int | None = None


def complete(
    line: str,
    vocabulary: Vocabulary,
    albums: AlbumRules,
    tag_counts: Mapping[str, int],
    limit: int = 8,
) -> list[Completion]:
    """Complete the last word of a line; labels with most photos come first.

    tag_counts: number of photos by label; labels that are not in it come last.
    Returns nothing for a line that ends in a space, in a complete word, or inside a phrase.
    """
    term = _LAST_TERM.search(line)
    if term is None or not (term["word"] or term["field"]):
        return []
    if line[: term.start()].count('"') % 2:
        return []  # inside a phrase that is not closed yet
    before, word = line[: term.start()] + term["sign"], fold(term["word"])
    field = (term["field"] or "").lower()
    if field in ("tag:", "class:", ""):
        terms = _label_terms(field, word, vocabulary, tag_counts)
        if not field:
            terms += _terms((f"{name}:" for name in FIELDS), "", word)
    elif field == "album:":
        terms = _terms((album.id for album in albums.albums), field, word)
    elif field in ("is:", "has:"):
        terms = _terms(STATES if field == "is:" else ("gps",), field, word)
    elif field in ("taken:", "added:"):
        terms = _terms(("today", "yesterday"), field, word)
    else:
        terms = []
    completions = [replace(term, line=before + term.line) for term in terms]
    return [completion for completion in completions if completion.line != line][:limit]


def _label_terms(
    field: str, word: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> list[Completion]:
    """Return the labels that have a name in any language, or an alias, that starts with a word.

    Labels that people made are included.
    """
    if not word and not field:
        return []
    matches: dict[str, str] = {}
    for vocabulary_word, ids in vocabulary.words.items():
        if vocabulary_word.startswith(word):
            for label in ids:
                # The display name is preferred to an alias.
                is_name = fold(vocabulary.display_name(label)) == vocabulary_word
                if label not in matches or is_name:
                    matches[label] = vocabulary_word
    for label in tag_counts:
        if fold(label).startswith(word):
            matches[label] = fold(label)

    def rank(label: str) -> tuple[bool, int, str, str]:
        match = matches[label]
        return match != word, -tag_counts.get(label, 0), match, label

    order = sorted(matches, key=rank)
    return [_label_term(field, label, matches[label], vocabulary, tag_counts) for label in order]


def _label_term(
    field: str, label: str, match: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> Completion:
    name = vocabulary.display_name(label)
    shown = name if match in (fold(name), fold(label)) else f"{name} ({match})"
    text = fold(label)
    value = text if _PLAIN.fullmatch(text) else f'"{text}"'
    return Completion(f"{field}{value}", shown, tag_counts.get(label))


def _terms(values: Iterable[str], field: str, word: str) -> list[Completion]:
    return [
        Completion(f"{field}{value}", f"{field}{value}")
        for value in values
        if value.startswith(word)
    ]
