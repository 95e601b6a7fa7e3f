"""What a query line may go on with: fields, tags in every language, albums, states."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scene_model.classifier.album_rules import AlbumRules
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.search.query import FIELDS, STATES

# The last term of a line: a minus or a bracket before it, a field, a quotation mark left open.
_LAST_TERM = re.compile(
    r"""(?:^|(?<=[\s(]))(?P<sign>-?\(*)(?P<field>[A-Za-z]+:)?(?P<mark>"?)(?P<word>[^\s()":]*)$"""
)
_PLAIN = re.compile(r"[^\s()\"\-:][^\s()\":]*")


@dataclass(frozen=True)
class Completion:
    """One way to go on. line: the whole line then. shown: what people read. count: its photos."""

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
    """Ways to go on with the last word of a line, those with most photos first.

    tag_counts: labels that photos carry, and how many; other labels are offered after them.
    Nothing for a line that ends in a space, or in a word that is written out already.
    """
    term = _LAST_TERM.search(line)
    if term is None or not (term["word"] or term["field"]):
        return []
    before, word = line[: term.start()] + term["sign"], fold(term["word"])
    field = (term["field"] or "").lower()
    if field in ("tag:", "class:", ""):
        found = _labels(field, word, vocabulary, tag_counts)
        if not field:
            found += _of((f"{name}:" for name in FIELDS), "", word)
    elif field == "album:":
        found = _of((album.id for album in albums.albums), field, word)
    elif field in ("is:", "has:"):
        found = _of(STATES if field == "is:" else ("gps",), field, word)
    elif field in ("taken:", "added:"):
        found = _of(("today", "yesterday"), field, word)
    else:
        found = []
    made = [Completion(before + c.line, c.shown, c.count) for c in found]
    return [c for c in made if c.line != line][:limit]


def _labels(
    field: str, word: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> list[Completion]:
    """Labels one of whose words, in whatever language, begins so; what people made, too."""
    if not word and not field:
        return []
    found: dict[str, str] = {}
    for written, ids in vocabulary.words.items():
        if written.startswith(word):
            for label in ids:
                # The name people read wins over the alias they began to type.
                if label not in found or fold(vocabulary.display_name(label)) == written:
                    found[label] = written
    for label in tag_counts:
        if fold(label).startswith(word):
            found[label] = fold(label)

    def rank(label: str) -> tuple[bool, int, str, str]:
        written = found[label]
        return written != word, -tag_counts.get(label, 0), written, label

    order = sorted(found, key=rank)
    return [_label(field, label, found[label], vocabulary, tag_counts) for label in order]


def _label(
    field: str, label: str, written: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> Completion:
    name = vocabulary.display_name(label)
    shown = name if written in (fold(name), fold(label)) else f"{name} ({written})"
    text = fold(label)
    value = text if _PLAIN.fullmatch(text) else f'"{text}"'
    return Completion(f"{field}{value}", shown, tag_counts.get(label))


def _of(values: Iterable[str], field: str, word: str) -> list[Completion]:
    return [
        Completion(f"{field}{value}", f"{field}{value}")
        for value in values
        if value.startswith(word)
    ]
