"""Completions of a query line.

Fields; tags, kinds and groups in every language; albums, trips, states, days, ratings.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.photo_places import fold_place
from scene_model.photos.xmp import MAX_RATING
from scene_model.search.field_conditions import PROPERTIES, STATES
from scene_model.search.own_albums import album_line
from scene_model.search.place_names import PLACE_FIELDS, PlaceName
from scene_model.search.query import FIELDS
from scene_model.search.trip_conditions import trip_line

# The last term of a line: minus and brackets before it, a field, an opening quotation mark, a word.
_LAST_TERM = re.compile(
    r"""(?:^|(?<=[\s(]))(?P<sign>-?\(*)(?P<field>[A-Za-z]+:)?(?P<mark>"?)(?P<word>[^\s()":]*)$"""
)
_PLAIN = re.compile(r"[^\s()\"\-:][^\s()\":]*")


@dataclass(frozen=True)
class Completion:
    """One completion. line: the completed line. shown: its caption. count: photos with the tag.

    kind_labels: of a kind, the labels below it; counting its photos takes a query.
    """

    line: str
    shown: str
    count: int | None = None
    kind_labels: frozenset[str] = frozenset()


def complete(
    line: str,
    vocabulary: Vocabulary,
    albums: AlbumRules,
    tag_counts: Mapping[str, int],
    limit: int = 8,
    count_any: Callable[[Collection[str]], int] | None = None,
    own_albums: Collection[str] = (),
    places: Collection[PlaceName] = (),
    trips: Collection[str] = (),
) -> list[Completion]:
    """Complete the last word of a line; labels with most photos come first.

    tag_counts: number of photos by label; labels that are not in it come last. count_any: returns
    the number of photos with any of some labels, for the kinds; None leaves their counts out.
    own_albums: the names of the albums that people made; they come before those of the rules.
    places: names for the fields of places; a plain word is completed by them after all labels.
    trips: the titles of the trips, the newest first.
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
        terms = _tag_terms(field, word, vocabulary, tag_counts)
        if not field:
            terms += _place_terms("", word, places)
            terms += _terms((f"{name}:" for name in FIELDS), "", word)
    elif field in PLACE_FIELDS:
        terms = _place_terms(field, word, places)
    elif field == "group:":
        terms = _group_terms(field, word, vocabulary)
    elif field == "album:":
        terms = _own_album_terms(own_albums, word)
        terms += _terms((album.id for album in albums.albums), field, word)
    elif field == "trip:":
        terms = _trip_terms(trips, word)
    elif field in ("is:", "has:"):
        terms = _terms(STATES if field == "is:" else PROPERTIES, field, word)
    elif field == "clutter:":
        terms = _terms(ClutterKind, field, word)
    elif field in ("taken:", "added:"):
        terms = _terms(("today", "yesterday"), field, word)
    elif field == "rating:":
        terms = _terms(map(str, range(MAX_RATING, -1, -1)), field, word)
    else:
        terms = []
    completions = [replace(term, line=before + term.line) for term in terms]
    shown = [completion for completion in completions if completion.line != line][:limit]
    return [_counted(completion, count_any) for completion in shown]


def _counted(
    completion: Completion, count_any: Callable[[Collection[str]], int] | None
) -> Completion:
    if count_any is None or not completion.kind_labels:
        return completion
    return replace(completion, count=count_any(completion.kind_labels) or None)


def _tag_terms(
    field: str, word: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> list[Completion]:
    """Return the labels and the kinds that start with a word, those of most photos first.

    A kind stands beside its most frequent label. Where both are written alike, a plain word finds
    the kind, and `tag:` the label; a kind is no class.
    """
    if not word and not field:
        return []
    ranked = _label_terms(field, word, vocabulary, tag_counts)
    if field != "class:":
        ranked += _kind_terms(field, word, vocabulary, tag_counts)
    by_line: dict[str, Completion] = {}
    for _, term in sorted(ranked, key=lambda item: item[0]):
        is_kind = bool(term.kind_labels)
        if term.line not in by_line or is_kind is (not field):
            by_line[term.line] = term
    return list(by_line.values())


# Whether the word is not complete, minus the number of photos, whether the word is not the name
# itself, whether it is a kind, and names.
_Rank = tuple[bool, int, bool, bool, str, str]


def _kind_terms(
    field: str, word: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> list[tuple[_Rank, Completion]]:
    """Return the kinds that have a word that starts with the one typed, with their ranks."""
    ranked = []
    for kind in vocabulary.kinds:
        name = fold(kind.name)
        matches = sorted(w for w in kind.words if w.startswith(word))
        if not matches:
            continue
        match = name if name in matches else matches[0]
        is_name = match in (name, fold(kind.id))
        # Beside a word of another language there is nothing else.
        shown = f"{kind.name} (kind)" if is_name else f"{kind.name} ({match})"
        most = max(tag_counts.get(label, 0) for label in kind.label_ids)
        term = Completion(_written(field, kind.id), shown, None, kind_labels=kind.label_ids)
        rank = (word not in matches, -most, match != name, True, match, kind.id)
        ranked.append((rank, term))
    return ranked


def _label_terms(
    field: str, word: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> list[tuple[_Rank, Completion]]:
    """Return the labels that have a name in any language, or an alias, that starts with a word.

    Labels that people made are included. Each comes with its rank.
    """
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

    return [
        (
            (
                match != word,
                -tag_counts.get(label, 0),
                match != fold(vocabulary.display_name(label)),
                False,
                match,
                label,
            ),
            _label_term(field, label, match, vocabulary, tag_counts),
        )
        for label, match in matches.items()
    ]


def _label_term(
    field: str, label: str, match: str, vocabulary: Vocabulary, tag_counts: Mapping[str, int]
) -> Completion:
    name = vocabulary.display_name(label)
    shown = name if match in (fold(name), fold(label)) else f"{name} ({match})"
    return Completion(_written(field, label), shown, tag_counts.get(label))


def _group_terms(field: str, word: str, vocabulary: Vocabulary) -> list[Completion]:
    """Return the groups that have a word that starts with the one typed, and `unsure`."""
    terms = []
    for group in vocabulary.groups:
        name = fold(group.name)
        matches = sorted(w for w in group.words if w.startswith(word))
        if matches:
            is_name = any(own in matches for own in (name, fold(group.id)))
            shown = group.name if is_name else f"{group.name} ({matches[0]})"
            terms.append(Completion(_written(field, group.id), shown))
    return terms + (_terms((UNSURE_CLASS,), field, word) if vocabulary.groups else [])


def _own_album_terms(names: Iterable[str], word: str) -> list[Completion]:
    return [
        Completion(album_line(name), f"album:{name}")
        for name in names
        if fold(name).startswith(word)
    ]


def _place_terms(field: str, word: str, places: Collection[PlaceName]) -> list[Completion]:
    """Return the places that have a name in any language that starts with a word."""
    if not word and not field:
        return []
    word, terms = fold_place(word), dict[str, Completion]()
    for place in sorted(places, key=lambda place: (-place.count, place.name)):
        matches = [name for name in place.words if name.startswith(word)]
        if matches and (not field or field in place.fields):
            own = fold_place(place.name)
            shown = place.name if own in matches else f"{place.name} ({matches[0]})"
            line = _written(field, place.name)
            terms.setdefault(line, Completion(line, shown, place.count))
    return list(terms.values())


def _trip_terms(titles: Iterable[str], word: str) -> list[Completion]:
    """Return the trips with a word in their titles that starts with the one typed."""
    return [
        Completion(trip_line(title), f"trip:{title}")
        for title in titles
        if f" {word}" in f" {fold(title)}"
    ]


def _written(field: str, label: str) -> str:
    text = fold(label)
    value = text if _PLAIN.fullmatch(text) else f'"{text}"'
    return f"{field}{value}"


def _terms(values: Iterable[str], field: str, word: str) -> list[Completion]:
    return [
        Completion(f"{field}{value}", f"{field}{value}")
        for value in values
        if value.startswith(word)
    ]
