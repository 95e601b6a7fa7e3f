"""The query line: text → a condition on photos, with every value bound as a parameter.

``beach sunset`` both · ``beach OR lake`` · ``-street`` · ``(a OR b) c`` · ``"old town"`` ·
``tag:beach`` ``class:sea`` ``name:img_20`` ``camera:iphone`` · ``score>=0.8`` ·
``is:unsure`` ``is:edited`` · ``has:gps``. A bare word looks in the tags of every head, their
aliases and translations, and in the file name.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from sqlalchemy import ColumnElement, and_, func, not_, or_, true

from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.errors import QueryError
from scene_model.gallery.conditions import (
    has_chosen_class,
    has_class,
    has_tag,
    name_contains,
    was_edited,
)
from scene_model.gallery.schema import photos

MAX_QUERY_LENGTH = 1_000
# SQLite's own parser gives up at about thirty.
MAX_DEPTH = 12
FIELDS = ("tag", "class", "name", "camera", "is", "has")
STATES = ("unsure", "edited")


def parse_query(text: str, vocabulary: Vocabulary) -> ColumnElement[bool]:
    """Read a query line; an empty one holds for every photo.

    Raises QueryError, which says where and why; nothing else, whatever the text.
    """
    if len(text) > MAX_QUERY_LENGTH:
        raise QueryError(
            f"The query has {len(text):,} characters; the limit is {MAX_QUERY_LENGTH:,}.",
            MAX_QUERY_LENGTH,
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QueryError("The query holds a character that is no text.")
    try:
        tree = _parser().parse(text)
        if _depth(tree) > MAX_DEPTH:
            raise QueryError(
                f"The query has too many brackets inside one another; the limit is {MAX_DEPTH}."
            )
        return _condition(tree, vocabulary)
    except UnexpectedEOF as error:
        raise QueryError(
            "The query ends too early: a word is missing at its end.", len(text)
        ) from (error)
    except UnexpectedInput as error:
        is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        position = len(text) if is_end else error.pos_in_stream or 0
        raise QueryError(_why(error, text, position), position) from error
    except RecursionError as error:
        raise QueryError("The query has too many brackets inside one another.") from error


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "query.grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True)


def _depth(node: Any) -> int:
    if not isinstance(node, Tree):
        return 0
    inner = max(map(_depth, node.children), default=0)
    return inner + (node.data in ("any_of", "all_of", "none_of"))


def _why(error: UnexpectedInput, text: str, position: int) -> str:
    if position >= len(text) or position < 0:
        return "The query ends too early: a word, or a closing bracket, is missing at its end."
    found = text[position]
    if isinstance(error, UnexpectedCharacters) and found == '"':
        return f"The quotation mark at character {position + 1} is never closed."
    return (
        f"{found!r} at character {position + 1} cannot stand there. "
        'Put words with special characters in quotation marks: "like this".'
    )


def _condition(node: Any, vocabulary: Vocabulary) -> ColumnElement[bool]:
    if isinstance(node, Tree):
        children: list[Any] = node.children
        if node.data == "start":
            return _condition(children[0], vocabulary) if children else true()
        if node.data == "any_of":
            return _any_of(children, vocabulary)
        if node.data == "all_of":
            # -a -b is -(a OR b): asked once.
            refused = [child.children[0] for child in children if _is(child, "none_of")]
            wanted = [child for child in children if not _is(child, "none_of")]
            # What a glance at one column tells comes before what lists of photos are made for.
            wanted.sort(key=lambda child: not _is(child, "score"))
            found = [_condition(child, vocabulary) for child in wanted]
            if refused:
                found.append(not_(_any_of(refused, vocabulary)))
            return and_(*found)
        if node.data == "none_of":
            return not_(_condition(children[0], vocabulary))
        if node.data == "score":
            return _score(str(children[0]))
        if node.data == "field":
            return _field(children[0], children[1], vocabulary)
        if node.data == "words":
            return _words([_text(children[0])], vocabulary)
    raise QueryError("The query cannot be read.")


def _is(node: Any, kind: str) -> bool:
    return isinstance(node, Tree) and node.data == kind


def _any_of(nodes: list[Any], vocabulary: Vocabulary) -> ColumnElement[bool]:
    """One of them; all plain words together look once into the tags."""
    words = [_text(node.children[0]) for node in nodes if _is(node, "words")]
    others = [_condition(node, vocabulary) for node in nodes if not _is(node, "words")]
    return or_(*([_words(words, vocabulary)] if words else []), *others)


def _text(token: Any) -> str:
    text = str(token)
    return text[1:-1] if text.startswith('"') else text


def _field(field: Token, value: Token, vocabulary: Vocabulary) -> ColumnElement[bool]:
    name, text = str(field)[:-1].lower(), _text(value)
    if name == "tag":
        return has_tag(_exact_ids(text, vocabulary))
    if name == "class":
        return has_class(_exact_ids(text, vocabulary))
    if name == "name":
        return name_contains(text)
    if name == "camera":
        return _contains(photos.c.camera, text)
    if name == "is" and text.lower() == "unsure":
        # Speaks of the photo's class: nobody chose one, and no head was sure of one.
        return has_class(["unsure"])
    if name == "is" and text.lower() == "edited":
        return was_edited()
    if name == "has" and text.lower() == "gps":
        return photos.c.latitude.is_not(None)
    position = field.start_pos or 0
    if name in ("is", "has"):
        known = ", ".join(f"is:{state}" for state in STATES) + ", has:gps"
        raise QueryError(f"{name}:{text} is not known. There is {known}.", position)
    known = ", ".join(f"{known}:" for known in FIELDS)
    raise QueryError(
        f"{name}: is no field. There are {known} and score. To look for the text itself, "
        f'write "{name}:{text}" in quotation marks.',
        position,
    )


def _score(text: str) -> ColumnElement[bool]:
    _, comparison, number = re.split(r"\s*(>=|<=|>|<|=)\s*", text)
    column, value = photos.c.confidence, float(number)
    return {
        ">=": column >= value,
        "<=": column <= value,
        ">": column > value,
        "<": column < value,
        # A person writes two digits of a number that has seven.
        "=": func.round(column, 2) == round(value, 2),
    }[comparison]


def _words(texts: list[str], vocabulary: Vocabulary) -> ColumnElement[bool]:
    """One of the words is a tag, a class that a person chose, or stands in the name."""
    for text in texts:
        if re.match(r"score\s*[<>=]", text, re.IGNORECASE):
            raise QueryError(f"{text} cannot be read. Write it like score>=0.8.")
    ids = sorted({label for text in texts for label in _ids(text, vocabulary)})
    return or_(has_tag(ids), has_chosen_class(ids), *map(name_contains, texts))


def _ids(text: str, vocabulary: Vocabulary) -> list[str]:
    """Labels a word means; the word itself too, since people make tags of their own."""
    return sorted({*vocabulary.ids_for(text), *_as_written(text)})


def _exact_ids(text: str, vocabulary: Vocabulary) -> list[str]:
    """Labels called so: ``class:road`` is not ``street``, though "road" is a word for it."""
    return sorted({*vocabulary.exact_ids_for(text), *_as_written(text)})


def _as_written(text: str) -> set[str]:
    """The text as a person's tag, and as the id of a label that only another model knows."""
    return {text, fold(text), fold(text).replace(" ", "_")}


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    result: ColumnElement[bool] = and_(column.is_not(None), column.icontains(text, autoescape=True))
    return result
