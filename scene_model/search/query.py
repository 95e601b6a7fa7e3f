"""The query line: text → a condition on photos, with every value bound as a parameter.

``beach sunset`` both · ``beach OR lake`` · ``-street`` · ``(a OR b) c`` · ``"old town"`` ·
``tag:beach`` ``class:sea`` ``album:travel`` ``name:img_20`` ``camera:iphone`` · ``score>=0.8`` ·
``taken:2024-07`` ``taken:2024-07..2024-08`` ``added:today`` · ``is:unsure`` ``is:edited``
``is:duplicate`` · ``has:gps`` · ``near:38.72,-9.14,10km``. NOT binds before AND before OR.

A bare word looks in the tags of every head, their aliases and translations, and in the file name.
``class:``, ``score`` and ``is:unsure`` speak of the photo's class: ``score`` is how sure the head
that filed it was, 1 where a person chose the class, 0 where nothing was sure of one.
"""

import datetime
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, func, not_, or_, true

from scene_model.classifier.album_rules import AlbumRules
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.duplicates.hash_neighbours import has_hash_neighbour
from scene_model.errors import QueryError
from scene_model.library.schema import photos
from scene_model.search.album_conditions import is_in_album
from scene_model.search.conditions import (
    exif_contains,
    has_chosen_class,
    has_class,
    has_place,
    has_tag,
    is_within,
    name_contains,
    on_days,
    was_edited,
)
from scene_model.search.query_tree import (
    AllOf,
    AnyOf,
    FieldTerm,
    Not,
    Query,
    ScoreTerm,
    Words,
    read_query,
)
from scene_model.search.query_values import read_circle, read_days

STATES = ("unsure", "edited", "duplicate")
# Each is some thirty subqueries; with many, the database would take its time to plan.
MAX_ALBUMS = 12

Condition = ColumnElement[bool]


@dataclass
class _Reading:
    """One query on its way to a condition: the words it may use, and the day it is asked on."""

    vocabulary: Vocabulary
    albums: AlbumRules
    today: datetime.date
    albums_named: int = field(default=0)


def parse_query(
    text: str,
    vocabulary: Vocabulary,
    albums: AlbumRules | None = None,
    today: datetime.date | None = None,
) -> Condition:
    """Read a query line; an empty one holds for every photo.

    albums: the rules ``album:`` goes by; without them it knows no album. today: what ``today``
    means; by the clock of this computer unless given. Raises QueryError, which says where and
    why; nothing else, whatever the text.
    """
    reading = _Reading(
        vocabulary,
        AlbumRules(()) if albums is None else albums,
        datetime.date.today() if today is None else today,
    )
    return _condition(read_query(text), reading)


def _condition(query: Query, reading: _Reading) -> Condition:
    match query:
        case Words(text):
            return _words([text], reading.vocabulary)
        case FieldTerm():
            return _field(query, reading)
        case ScoreTerm(comparison, number):
            return _score(comparison, number)
        case Not(term):
            return not_(_condition(term, reading))
        case AllOf(terms):
            return _all_of(terms, reading)
        case AnyOf(terms):
            return _any_of(terms, reading)


def _all_of(terms: Sequence[Query], reading: _Reading) -> Condition:
    """All of them; what is unwanted is asked once: -a -b is -(a OR b)."""
    unwanted = [term.term for term in terms if isinstance(term, Not)]
    wanted = [term for term in terms if not isinstance(term, Not)]
    # What a glance at one column tells comes before what lists of photos are made for.
    wanted.sort(key=lambda term: not isinstance(term, ScoreTerm))
    found = [_condition(term, reading) for term in wanted]
    if unwanted:
        found.append(not_(_any_of(unwanted, reading)))
    return and_(true(), *found)


def _any_of(terms: Sequence[Query], reading: _Reading) -> Condition:
    """One of them; all plain words together look once into the tags."""
    words = [term.text for term in terms if isinstance(term, Words)]
    others = [_condition(term, reading) for term in terms if not isinstance(term, Words)]
    return or_(*([_words(words, reading.vocabulary)] if words else []), *others)


def _field(term: FieldTerm, reading: _Reading) -> Condition:
    if term.name not in _FIELDS:
        raise _no_field(term)
    return _FIELDS[term.name](term, reading)


def _tag(term: FieldTerm, reading: _Reading) -> Condition:
    return has_tag(_exact_ids(term.value, reading.vocabulary))


def _class(term: FieldTerm, reading: _Reading) -> Condition:
    return has_class(_exact_ids(term.value, reading.vocabulary))


def _album(term: FieldTerm, reading: _Reading) -> Condition:
    album = reading.albums.find(term.value)
    if album is None:
        known = ", ".join(album.id for album in reading.albums.albums) or "none"
        raise QueryError(
            f"There is no album {term.value!r}. There are: {known}.", term.value_position
        )
    reading.albums_named += 1
    if reading.albums_named > MAX_ALBUMS:
        raise QueryError(
            f"The query names more than {MAX_ALBUMS} albums, which is the limit.", term.position
        )
    return is_in_album(album, reading.albums)


def _name(term: FieldTerm, _: _Reading) -> Condition:
    return name_contains(term.value)


def _camera(term: FieldTerm, _: _Reading) -> Condition:
    return exif_contains(photos.c.camera, [term.value])


def _taken(term: FieldTerm, reading: _Reading) -> Condition:
    return on_days(photos.c.taken_at, read_days(term.value, reading.today, term.value_position))


def _added(term: FieldTerm, reading: _Reading) -> Condition:
    return on_days(photos.c.added_at, read_days(term.value, reading.today, term.value_position))


def _near(term: FieldTerm, _: _Reading) -> Condition:
    return is_within(read_circle(term.value, term.value_position))


def _is(term: FieldTerm, _: _Reading) -> Condition:
    state = fold(term.value)
    if state == "unsure":
        # Speaks of the photo's class: nobody chose one, and no head was sure of one.
        return has_class([UNSURE_CLASS])
    if state == "edited":
        return was_edited()
    if state == "duplicate":
        return has_hash_neighbour()
    raise _no_state(term)


def _has(term: FieldTerm, _: _Reading) -> Condition:
    if fold(term.value) != "gps":
        raise _no_state(term)
    return has_place()


_FIELDS: dict[str, Callable[[FieldTerm, _Reading], Condition]] = {
    "tag": _tag,
    "class": _class,
    "album": _album,
    "name": _name,
    "camera": _camera,
    "taken": _taken,
    "added": _added,
    "near": _near,
    "is": _is,
    "has": _has,
}
FIELDS = tuple(_FIELDS)


def _no_field(term: FieldTerm) -> QueryError:
    if term.name == "score":
        return QueryError("score is compared: write it like score>=0.8.", term.position)
    near = difflib.get_close_matches(term.name, FIELDS, 1)
    hint = f" Did you mean {near[0]}:?" if near else ""
    known = ", ".join(f"{name}:" for name in FIELDS)
    return QueryError(
        f"{term.name}: is no field.{hint} There are {known} and score. To look for the text "
        f'itself, write "{term.name}:{term.value}" in quotation marks.',
        term.position,
    )


def _no_state(term: FieldTerm) -> QueryError:
    known = ", ".join(f"is:{state}" for state in STATES)
    return QueryError(
        f"{term.name}:{term.value} is not known. There is {known}, has:gps.", term.position
    )


def _score(comparison: str, number: float) -> Condition:
    column = photos.c.class_score
    return {
        ">=": column >= number,
        "<=": column <= number,
        ">": column > number,
        "<": column < number,
        # A person writes two digits of a number that has seven.
        "=": func.round(column, 2) == round(number, 2),
    }[comparison]


def _words(texts: Sequence[str], vocabulary: Vocabulary) -> Condition:
    """One of the words is a tag, a class that a person chose, or stands in the name."""
    ids = sorted({label for text in texts for label in _ids(text, vocabulary)})
    return or_(has_tag(ids), has_chosen_class(ids), *map(name_contains, texts))


def _ids(text: str, vocabulary: Vocabulary) -> set[str]:
    """Labels a word means; the word itself too, since people make tags of their own."""
    return {*vocabulary.ids_for(text), *_as_written(text)}


def _exact_ids(text: str, vocabulary: Vocabulary) -> list[str]:
    """Labels called so: ``class:road`` is not ``street``, though "road" is a word for it."""
    return sorted({*vocabulary.exact_ids_for(text), *_as_written(text)})


def _as_written(text: str) -> set[str]:
    """The text as a person's tag, and as the id of a label that only another model knows."""
    return {text, fold(text), fold(text).replace(" ", "_")}
