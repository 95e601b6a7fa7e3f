"""The query language: a line of text becomes an SQL condition with bound parameters.

``beach sunset`` both (AND) · ``beach OR lake`` · ``-street`` · ``(a OR b) c`` · ``"old town"`` ·
``tag:beach`` ``class:sea`` ``group:water`` ``album:travel`` ``trip:lisbon`` ``name:img_20``
``camera:iphone`` · ``place:lisbon`` ``city:lisbon`` ``country:pt`` ·
``score>=0.8`` · ``rating>=4`` ``rating:5`` ·
``taken:2024-07`` ``taken:2024-07..2024-08`` ``added:today`` · ``is:unsure`` ``is:edited``
``is:duplicate`` ``is:stacked`` ``is:live`` ``is:favourite`` ``is:raw`` ``is:video`` ``is:new``
``is:doubtful-date`` ``is:clutter`` ``is:apart`` · ``clutter:receipt`` · ``duration>30s`` ·
``has:gps`` ``has:date`` ·
``near:38.72,-9.14,10km`` · ``within:38.6,-9.3,38.8,-9.0``.
``like:"a dog in the snow"``, and words that name nothing, see `sentence_terms`.
NOT binds before AND before OR.
``dogs and cats at night``: operators in any case; small words are passed over.

A bare word matches the tags of every head by id, name, alias and translation, also those of the
kind with that name, a class that a person chose, the file name, the description, and the place.
``class:``, ``score`` and ``is:unsure`` are about the photo's class: ``score`` is the confidence of
the head that gave the class, 1 if a person chose it, 0 if no head was sure.
"""

import datetime
import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import and_, not_, or_, true

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.errors import QueryError
from scene_model.library.albums.own_albums import OwnAlbum
from scene_model.library.groups import is_in_group
from scene_model.library.trips.trip_rows import TripRow, TripState
from scene_model.search.album_conditions import is_in_album
from scene_model.search.conditions import (
    description_contains,
    has_chosen_class,
    has_class,
    has_tag,
    name_contains,
    place_has_word,
)
from scene_model.search.field_conditions import (
    PHOTO_FIELDS,
    Condition,
    duration_condition,
    rating_condition,
    score_condition,
)
from scene_model.search.own_albums import depth_of, find_own_album, is_placed
from scene_model.search.plain_words import PlainLine, read_plain_words
from scene_model.search.query_tree import (
    MAX_DEPTH,
    AllOf,
    AnyOf,
    DurationTerm,
    FieldTerm,
    Not,
    Query,
    RatingTerm,
    ScoreTerm,
    Words,
    read_query,
)
from scene_model.search.sentences.sentence_terms import (
    LIKE,
    MeaningOf,
    WordMeaning,
    in_one_sentence,
    with_sentences,
)
from scene_model.search.trip_conditions import is_in_trip, trips_named
from scene_model.search.words import as_written, ids_for_word

# An album is about thirty subqueries; more albums take SQLite too long to plan.
MAX_ALBUMS = 12
_TRIPS_LISTED = 5

# The labels that people made and that a text names.
OwnLabels = Callable[[str], Collection[str]]


class Sentences(Protocol):
    """Finds photos by sentences. is_implicit: words that name nothing are sentences."""

    @property
    def is_implicit(self) -> bool:
        """Whether words that name nothing are sentences."""

    def names_photo(self, word: str, conditions: Callable[[], Sequence[Condition]]) -> bool:
        """Whether a photo matches one of a word's conditions."""

    def is_like(self, sentence: str) -> Condition:
        """The photo is described by a sentence; raises QueryError."""


@dataclass
class _Context:
    """What the terms of one query refer to.

    albums_named: number of ``album:`` terms so far. followed: the albums whose searches are being
    read, each named by the one before. depth: of the operators around the current term, at most.
    """

    vocabulary: Vocabulary
    albums: AlbumRules
    today: datetime.date
    own_labels: OwnLabels
    own_albums: Sequence[OwnAlbum] = ()
    trips: Sequence[TripRow] = ()
    sentences: Sentences | None = None
    albums_named: int = field(default=0)
    followed: list[OwnAlbum] = field(default_factory=list)
    depth: int = 0


def parse_query(
    text: str,
    vocabulary: Vocabulary,
    albums: AlbumRules | None = None,
    today: datetime.date | None = None,
    own_labels: OwnLabels = lambda _: (),
    own_albums: Sequence[OwnAlbum] = (),
    trips: Sequence[TripRow] = (),
    sentences: Sentences | None = None,
) -> Condition:
    """Parse a query line; an empty one matches every photo.

    albums: the rule albums that ``album:`` refers to; none by default. today: the day ``today``
    means, by default the local date. own_labels: the labels that people made; in ``tag:`` and
    ``class:`` they come before related words. own_albums: the albums that people made; they come
    before rule albums of the same name. trips: those that did not end, the newest first.
    sentences: finds photos by sentences; None without a model that does. Raises QueryError with the
    position and the reason, and no other error, for any text.
    """
    context = _Context(
        vocabulary,
        AlbumRules(()) if albums is None else albums,
        datetime.date.today() if today is None else today,
        own_labels,
        own_albums,
        trips,
        sentences,
    )
    return _line(text, context)


def read_line(
    text: str, vocabulary: Vocabulary, own_labels: OwnLabels, sentences: Sentences | None
) -> Query:
    """Return a line as a tree in which sentences are ``like:`` terms; raises QueryError."""
    query = read_query(plain_line(text, vocabulary, own_labels).line)
    if sentences is None or not sentences.is_implicit:
        return query
    return with_sentences(query, text, _meanings(vocabulary, own_labels, sentences))


def read_in_one_sentence(
    text: str, vocabulary: Vocabulary, own_labels: OwnLabels, sentences: Sentences
) -> Query | None:
    """Return a line as a tree in which its bare words are one sentence; raises QueryError.

    None where they are no labels of the model, or only one.
    """
    query = read_query(plain_line(text, vocabulary, own_labels).line)
    return in_one_sentence(query, text, _meanings(vocabulary, own_labels, sentences))


def _meanings(vocabulary: Vocabulary, own_labels: OwnLabels, sentences: Sentences) -> MeaningOf:
    def meaning_of(word: str) -> WordMeaning:
        made = {*own_labels(word), *vocabulary.own_labels.get(fold(word), ())}
        # A label of the model stays one when a person corrected a photo to it.
        if any(label not in vocabulary.names for label in made):
            return WordMeaning.NAME
        if vocabulary.ids_for(word):
            return WordMeaning.MODEL_LABEL
        is_name = sentences.names_photo(word, lambda: _parts_of_words([word], vocabulary))
        return WordMeaning.NAME if is_name else WordMeaning.NOTHING

    return meaning_of


def plain_line(text: str, vocabulary: Vocabulary, own_labels: OwnLabels) -> PlainLine:
    """Return a line for `read_query`; labels, also those that people made, are no small words."""
    return read_plain_words(
        text, lambda word: bool(vocabulary.ids_for(word)) or bool(own_labels(word))
    )


def _line(text: str, context: _Context) -> Condition:
    query = read_line(text, context.vocabulary, context.own_labels, context.sentences)
    depth = depth_of(query)
    context.depth += depth
    if context.depth > MAX_DEPTH:
        raise QueryError(
            "The query and the searches that its albums follow have too many nested brackets; the "
            f"limit is {MAX_DEPTH}."
        )
    condition = _condition(query, context)
    context.depth -= depth
    return condition


def _condition(query: Query, context: _Context) -> Condition:
    match query:
        case Words(text):
            return _words([text], context.vocabulary)
        case FieldTerm():
            return _field(query, context)
        case ScoreTerm(comparison, number):
            return score_condition(comparison, number)
        case RatingTerm(comparison, rating):
            return rating_condition(comparison, rating)
        case DurationTerm(comparison, seconds):
            return duration_condition(comparison, seconds)
        case Not(term):
            return not_(_condition(term, context))
        case AllOf(terms):
            return _all_of(terms, context)
        case AnyOf(terms):
            return _any_of(terms, context)


def _all_of(terms: Sequence[Query], context: _Context) -> Condition:
    """All terms match. Negated terms become one list: -a -b is -(a OR b)."""
    negated = [term.term for term in terms if isinstance(term, Not)]
    # A word that is repeated says nothing more. Words compare equal by their text.
    words = dict.fromkeys(term for term in terms if isinstance(term, Words))
    others = [term for term in terms if not isinstance(term, Not | Words)]
    positive: list[Query] = [*words, *others]
    # Comparing one column is cheap, and so is the short list of a sentence; the other terms select
    # long lists of photos.
    positive.sort(key=lambda term: not _is_cheap(term))
    conditions = [_condition(term, context) for term in positive]
    if negated:
        conditions.append(not_(_any_of(negated, context)))
    return and_(true(), *conditions)


def _is_cheap(term: Query) -> bool:
    is_sentence = isinstance(term, FieldTerm) and term.name == LIKE
    return is_sentence or isinstance(term, ScoreTerm | RatingTerm | DurationTerm)


def _any_of(terms: Sequence[Query], context: _Context) -> Condition:
    """At least one term matches. All bare words together become one condition on tags."""
    words = [term.text for term in terms if isinstance(term, Words)]
    conditions = [_condition(term, context) for term in terms if not isinstance(term, Words)]
    return or_(*([_words(words, context.vocabulary)] if words else []), *conditions)


def _field(term: FieldTerm, context: _Context) -> Condition:
    if term.name in _FIELDS:
        return _FIELDS[term.name](term, context)
    if term.name in PHOTO_FIELDS:
        return PHOTO_FIELDS[term.name](term, context.today)
    raise _no_field(term)


def _tag(term: FieldTerm, context: _Context) -> Condition:
    return has_tag(_exact_ids(term.value, context, context.vocabulary.ids_for))


def _class(term: FieldTerm, context: _Context) -> Condition:
    # A kind is no class.
    return has_class(_exact_ids(term.value, context, context.vocabulary.label_ids_for))


def _group(term: FieldTerm, context: _Context) -> Condition:
    if fold(term.value) == UNSURE_CLASS:
        return is_in_group(UNSURE_CLASS, context.vocabulary)
    group = context.vocabulary.group_for(term.value)
    if group is None:
        group_ids = ", ".join(group.id for group in context.vocabulary.groups) or "none"
        raise QueryError(
            f"There is no group {term.value!r}. Groups: {group_ids}.", term.value_position
        )
    return is_in_group(group.id, context.vocabulary)


def _album(term: FieldTerm, context: _Context) -> Condition:
    own = find_own_album(term.value, context.own_albums)
    album = context.albums.find(term.value) if own is None else None
    if own is None and album is None:
        names = [album.name for album in context.own_albums]
        album_ids = ", ".join([*names, *(album.id for album in context.albums.albums)]) or "none"
        raise QueryError(
            f"There is no album {term.value!r}. Albums: {album_ids}.", term.value_position
        )
    context.albums_named += 1
    if context.albums_named > MAX_ALBUMS:
        raise QueryError(
            f"The query has more than {MAX_ALBUMS} album: terms, which is the limit; those in the "
            "searches that albums follow count.",
            term.position,
        )
    if album is not None:
        return is_in_album(album, context.albums)
    assert own is not None  # noqa: S101 - one of the two
    return is_placed(own.id) if own.query is None else _followed(own, own.query, term, context)


def _followed(album: OwnAlbum, query: str, term: FieldTerm, context: _Context) -> Condition:
    """Return the condition of the search that an album follows."""
    if album in context.followed:
        chain = [*context.followed[context.followed.index(album) :], album]
        raise QueryError(
            f"The album “{album.name}” follows a search that leads back to it: "
            f"{' → '.join(album.name for album in chain)}. Delete or rename one of these albums.",
            term.value_position,
        )
    context.followed.append(album)
    try:
        condition = _line(query, context)
    except QueryError as error:
        raise QueryError(
            f"In the search of the album “{album.name}”: {error.message}", term.value_position
        ) from error
    context.followed.pop()
    return condition


def _trip(term: FieldTerm, context: _Context) -> Condition:
    named = trips_named(term.value, context.trips)
    if not named:
        shown = [t.title for t in context.trips if t.state is not TripState.HIDDEN]
        newest = "; ".join(shown[:_TRIPS_LISTED]) or "none yet"
        more = ", …" if len(shown) > _TRIPS_LISTED else ""
        raise QueryError(
            f"There is no trip {term.value!r}. The newest trips: {newest}{more}.",
            term.value_position,
        )
    return is_in_trip([trip.id for trip in named])


def _like(term: FieldTerm, context: _Context) -> Condition:
    if context.sentences is None:
        raise QueryError(
            "like: needs a model that reads sentences, and none is in use for this search. The "
            "page Model and docs/models.md say how to add one.",
            term.position,
        )
    return context.sentences.is_like(term.value)


# The fields that refer to more than the photo's row.
_FIELDS: dict[str, Callable[[FieldTerm, _Context], Condition]] = {
    LIKE: _like,
    "tag": _tag,
    "class": _class,
    "group": _group,
    "album": _album,
    "trip": _trip,
}
FIELDS = (*_FIELDS, *PHOTO_FIELDS)
_COMPARED = {"score": "score>=0.8", "duration": "duration>30s"}


def _no_field(term: FieldTerm) -> QueryError:
    if term.name in _COMPARED:
        return QueryError(
            f"{term.name} takes a comparison, as in {_COMPARED[term.name]}.", term.position
        )
    similar_names = difflib.get_close_matches(term.name, FIELDS, 1)
    hint = f" Did you mean {similar_names[0]}:?" if similar_names else ""
    fields = ", ".join(f"{name}:" for name in FIELDS)
    return QueryError(
        f"{term.name}: is not a field.{hint} Fields: {fields}, score and duration. To search for "
        f'the text itself, put it in quotation marks: "{term.name}:{term.value}".',
        term.position,
    )


def _words(texts: Sequence[str], vocabulary: Vocabulary) -> Condition:
    """One of the words is a tag, a chosen class, a place, or part of file name or description."""
    return or_(*_parts_of_words(texts, vocabulary))


def _parts_of_words(texts: Sequence[str], vocabulary: Vocabulary) -> list[Condition]:
    ids = {label for text in texts for label in ids_for_word(text, vocabulary)}
    in_text = (*map(name_contains, texts), *map(description_contains, texts))
    in_places = (place_has_word(text, bool(vocabulary.ids_for(text))) for text in texts)
    return [has_tag(ids), has_chosen_class(ids), *in_text, *in_places]


def _exact_ids(
    text: str, context: _Context, related: Callable[[str], Collection[str]]
) -> Collection[str]:
    """Return the labels with this id or name: ``class:road`` is not ``street``, its alias is.

    Only where no label has it, the related ones.
    """
    exact = {*context.vocabulary.named_ids_for(text), *context.own_labels(text)}
    return {*(exact or related(text)), *as_written(text)}
