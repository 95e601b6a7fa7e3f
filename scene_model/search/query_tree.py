"""Query lines as syntax trees: parsing and printing, independent of photos."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from scene_model.errors import QueryError
from scene_model.search.plain_words import may_be_passed_over
from scene_model.search.query_values import read_duration, read_stars

MAX_QUERY_LENGTH = 1_000
# SQLite's parser fails at a depth of about 30.
MAX_DEPTH = 12

_COMPARISON = re.compile(r"\s*(>=|<=|>|<|=)\s*")
_OPERATORS = ("AND", "OR", "NOT")
# Text that without quotation marks would not be read as a word.
_LOOKS_LIKE_A_COMPARISON = re.compile(r"(score|rating|duration)?[<>=]", re.IGNORECASE)
_LOOKS_LIKE_A_FIELD = re.compile(r"[A-Za-z_]+:")
_BARE = re.compile(r'[^\s()"\-][^\s()"]*')
_BARE_VALUE = re.compile(r'[^\s()"]+')


@dataclass(frozen=True)
class Words:
    """A bare word, or text in quotation marks. position: its first character, from 0.

    is_quoted: it was typed in quotation marks, so that `plain_words` does not change it.
    """

    text: str
    position: int = field(default=0, compare=False)
    is_quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class FieldTerm:
    """``name:value``. name: in lower case. value_position: first character of the value."""

    name: str
    value: str
    position: int = field(default=0, compare=False)
    value_position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class ScoreTerm:
    """``score>=0.8``. comparison: one of >= <= > < =. number: in [0, 1]."""

    comparison: str
    number: float
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class RatingTerm:
    """``rating>=4``. comparison: one of >= <= > < =. number: from 0 to 5."""

    comparison: str
    number: int
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class DurationTerm:
    """``duration>1m30s``. comparison: one of >= <= > < =. seconds: of a video."""

    comparison: str
    seconds: float
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Not:
    """The term does not match. is_word: typed as NOT, which small words may follow, not as -."""

    term: "Query"
    is_word: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class AllOf:
    """All terms match. Without terms, every photo matches."""

    terms: tuple["Query", ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """At least one of the terms matches. terms: two or more."""

    terms: tuple["Query", ...]


Query = Words | FieldTerm | ScoreTerm | RatingTerm | DurationTerm | Not | AllOf | AnyOf
EVERYTHING = AllOf()


@lru_cache(maxsize=256)
def read_query(text: str) -> Query:
    """Parse a query line; an empty one is `EVERYTHING`.

    Raises QueryError with the position and the reason, and no other error, for any text.
    """
    _check_text(text)
    try:
        tree = _parser().parse(text)
        if _depth(tree) > MAX_DEPTH:
            raise QueryError(f"The query has too many nested brackets; the limit is {MAX_DEPTH}.")
        return _alone(_read(tree)) if tree.children else EVERYTHING
    except UnexpectedEOF as error:
        raise QueryError(
            "The query is incomplete: a word is missing at its end.", len(text)
        ) from error
    except UnexpectedInput as error:
        is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        position = len(text) if is_end else error.pos_in_stream or 0
        raise QueryError(_why(error, text, position), position) from error
    except RecursionError as error:
        raise QueryError("The query has too many nested brackets.") from error


def print_query(query: Query) -> str:
    """Return the line that `read_query` parses to the same query."""
    match query:
        case Words(text):
            return text if _may_stand_bare(text) and not query.is_quoted else f'"{text}"'
        case FieldTerm(name, value):
            return f"{name}:{value}" if _BARE_VALUE.fullmatch(value) else f'{name}:"{value}"'
        case ScoreTerm(comparison, number):
            return f"score{comparison}{Decimal(repr(number)):f}"
        case RatingTerm(comparison, rating):
            return f"rating{comparison}{rating}"
        case DurationTerm(comparison, seconds):
            return f"duration{comparison}{Decimal(repr(seconds)):f}s"
        case Not(term):
            sign = "NOT " if query.is_word else "-"
            return f"{sign}{_bracketed(term, AllOf, AnyOf, Not)}"
        case AllOf(terms):
            return " ".join(_bracketed(term, AllOf, AnyOf) for term in terms)
        case AnyOf(terms):
            return " OR ".join(_bracketed(term, AnyOf) for term in terms)


def _bracketed(query: Query, *kinds: type[Query]) -> str:
    line = print_query(query)
    return f"({line})" if isinstance(query, kinds) else line


def _may_stand_bare(text: str) -> bool:
    return (
        _BARE.fullmatch(text) is not None
        and text not in _OPERATORS
        and not _LOOKS_LIKE_A_FIELD.match(text)
        and not _LOOKS_LIKE_A_COMPARISON.match(text)
    )


def _check_text(text: str) -> None:
    if len(text) > MAX_QUERY_LENGTH:
        raise QueryError(
            f"The query has {len(text):,} characters; the limit is {MAX_QUERY_LENGTH:,}.",
            MAX_QUERY_LENGTH,
        )
    for position, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise QueryError("The query contains a character that is not valid text.", position)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "query.grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True)


def _depth(node: Any) -> int:
    if not isinstance(node, Tree):
        return 0
    inner = max(map(_depth, node.children), default=0)
    return inner + (node.data in ("any_of", "all_of", "none_of", "not_word"))


def _why(error: UnexpectedInput, text: str, position: int) -> str:
    if position >= len(text) or position < 0:
        return "The query is incomplete: a word or a closing bracket is missing at its end."
    character = text[position]
    if isinstance(error, UnexpectedCharacters) and character == '"':
        return f"The quotation mark at character {position + 1} is not closed."
    return _not_allowed(character, position)


def _not_allowed(text: str, position: int) -> str:
    return (
        f"{text!r} is not allowed at character {position + 1}. "
        'Put words with special characters in quotation marks: "like this".'
    )


def _read(node: Tree[Token]) -> Query:
    children: list[Any] = node.children
    readers: dict[str, Callable[[], Query]] = {
        "start": lambda: _read(children[0]),
        "any_of": lambda: AnyOf(tuple(map(_read, children))),
        "all_of": lambda: AllOf(tuple(map(_read, children))),
        "none_of": lambda: Not(_read(children[0])),
        "not_word": lambda: Not(_read(children[0]), is_word=True),
        "brackets": lambda: _alone(_read(children[0])),
        "score": lambda: _score(children[0]),
        "rating": lambda: _rating(children[0]),
        "duration": lambda: _duration(children[0]),
        "field": lambda: _field(children[0], children[1]),
        "words": lambda: _words(children[0]),
    }
    return readers[node.data]()


def _alone(query: Query) -> Query:
    """Quote a small word that is all of a line or of brackets: it is not to be passed over."""
    match query:
        case Words(text):
            return replace(query, is_quoted=query.is_quoted or may_be_passed_over(text))
        case Not(term):
            return replace(query, term=_alone(term))
        case _:
            return query


def _words(word: Token) -> Words:
    if word in _OPERATORS:
        raise QueryError(_not_allowed(str(word), word.start_pos or 0), word.start_pos or 0)
    if _LOOKS_LIKE_A_COMPARISON.match(word):
        raise QueryError(
            f"{word} is not a valid comparison. Write it like score>=0.8, rating>=4 or "
            "duration>30s, or in quotation marks.",
            word.start_pos or 0,
        )
    return Words(_text(word), word.start_pos or 0, word.startswith('"'))


def _field(name: Token, value: Token) -> FieldTerm:
    position, value_position = name.start_pos or 0, value.start_pos or 0
    if value.startswith("-") and value_position != name.end_pos:
        raise QueryError(_not_allowed("-", value_position), value_position)
    return FieldTerm(name[:-1].lower(), _text(value), position, value_position)


def _score(token: Token) -> ScoreTerm:
    position = token.start_pos or 0
    comparison, number = _COMPARISON.split(token[len("score") :])[1:]
    if float(number) > 1.0:
        raise QueryError(
            f"A score is from 0 to 1, as in score>=0.8; {number} is too large.", position
        )
    return ScoreTerm(comparison, float(number), position)


def _rating(token: Token) -> RatingTerm:
    position = token.start_pos or 0
    comparison, number = _COMPARISON.split(token[len("rating") :])[1:]
    return RatingTerm(comparison, read_stars(number, position), position)


def _duration(token: Token) -> DurationTerm:
    position = token.start_pos or 0
    comparison, text = _COMPARISON.split(token[len("duration") :])[1:]
    return DurationTerm(comparison, read_duration(text, position), position)


def _text(token: Token) -> str:
    text = token[1:-1] if token.startswith('"') else str(token)
    if not text.strip():
        position = token.start_pos or 0
        raise QueryError(f"The quotation marks at character {position + 1} are empty.", position)
    return text


def quoted(text: str) -> str:
    """Put a value in quotation marks.

    A value that contains quotation marks is split there, and only the longest part is used.
    """
    return f'"{max(text.split(chr(34)), key=len)}"'
