"""The query line as a tree: read from text, written back as text. Pure; it knows no photos."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from scene_model.errors import QueryError

MAX_QUERY_LENGTH = 1_000
# SQLite's own parser gives up at about thirty.
MAX_DEPTH = 12

_COMPARISON = re.compile(r"\s*(>=|<=|>|<|=)\s*")
# Read back bare, these would be something else than a word.
_LOOKS_LIKE_A_SCORE = re.compile(r"(score)?[<>=]", re.IGNORECASE)
_LOOKS_LIKE_A_FIELD = re.compile(r"[A-Za-z_]+:")
_BARE = re.compile(r'[^\s()"\-][^\s()"]*')
_BARE_VALUE = re.compile(r'[^\s()"]+')


@dataclass(frozen=True)
class Words:
    """A bare word, or several in quotation marks. position: where it stands, from 0."""

    text: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class FieldTerm:
    """``name:value``; the name in lower case. value_position: where the value stands."""

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
class Not:
    """What does not hold."""

    term: "Query"


@dataclass(frozen=True)
class AllOf:
    """All of them hold; of no terms at all it holds for every photo."""

    terms: tuple["Query", ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """One of them holds, two at least."""

    terms: tuple["Query", ...]


Query = Words | FieldTerm | ScoreTerm | Not | AllOf | AnyOf
EVERYTHING = AllOf()


@lru_cache(maxsize=256)
def read_query(text: str) -> Query:
    """Read a query line; an empty one is `EVERYTHING`.

    Raises QueryError, which says where and why; nothing else, whatever the text.
    """
    _check_text(text)
    try:
        tree = _parser().parse(text)
        if _depth(tree) > MAX_DEPTH:
            raise QueryError(
                f"The query has too many brackets inside one another; the limit is {MAX_DEPTH}."
            )
        return _read(tree) if tree.children else EVERYTHING
    except UnexpectedEOF as error:
        raise QueryError(
            "The query ends too early: a word is missing at its end.", len(text)
        ) from error
    except UnexpectedInput as error:
        is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        position = len(text) if is_end else error.pos_in_stream or 0
        raise QueryError(_why(error, text, position), position) from error
    except RecursionError as error:
        raise QueryError("The query has too many brackets inside one another.") from error


def print_query(query: Query) -> str:
    """Write a query as a line that is read back as the same query."""
    match query:
        case Words(text):
            return text if _may_stand_bare(text) else f'"{text}"'
        case FieldTerm(name, value):
            return f"{name}:{value}" if _BARE_VALUE.fullmatch(value) else f'{name}:"{value}"'
        case ScoreTerm(comparison, number):
            return f"score{comparison}{Decimal(repr(number)):f}"
        case Not(term):
            return f"-{_bracketed(term, AllOf, AnyOf, Not)}"
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
        and text != "OR"
        and not _LOOKS_LIKE_A_FIELD.match(text)
        and not _LOOKS_LIKE_A_SCORE.match(text)
    )


def _check_text(text: str) -> None:
    if len(text) > MAX_QUERY_LENGTH:
        raise QueryError(
            f"The query has {len(text):,} characters; the limit is {MAX_QUERY_LENGTH:,}.",
            MAX_QUERY_LENGTH,
        )
    for position, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise QueryError("The query holds a character that is no text.", position)


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
    return _cannot_stand(found, position)


def _cannot_stand(found: str, position: int) -> str:
    return (
        f"{found!r} at character {position + 1} cannot stand there. "
        'Put words with special characters in quotation marks: "like this".'
    )


def _read(node: Tree[Token]) -> Query:
    children: list[Any] = node.children
    readers: dict[str, Callable[[], Query]] = {
        "start": lambda: _read(children[0]),
        "any_of": lambda: AnyOf(tuple(map(_read, children))),
        "all_of": lambda: AllOf(tuple(map(_read, children))),
        "none_of": lambda: Not(_read(children[0])),
        "score": lambda: _score(children[0]),
        "field": lambda: _field(children[0], children[1]),
        "words": lambda: _words(children[0]),
    }
    return readers[node.data]()


def _words(word: Token) -> Words:
    if word == "OR":
        raise QueryError(_cannot_stand("OR", word.start_pos or 0), word.start_pos or 0)
    if _LOOKS_LIKE_A_SCORE.match(word):
        raise QueryError(
            f"{word} cannot be read. Write it like score>=0.8, or in quotation marks.",
            word.start_pos or 0,
        )
    return Words(_text(word), word.start_pos or 0)


def _field(name: Token, value: Token) -> FieldTerm:
    position, value_position = name.start_pos or 0, value.start_pos or 0
    if value.startswith("-") and value_position != name.end_pos:
        raise QueryError(_cannot_stand("-", value_position), value_position)
    return FieldTerm(name[:-1].lower(), _text(value), position, value_position)


def _score(token: Token) -> ScoreTerm:
    position = token.start_pos or 0
    comparison, number = _COMPARISON.split(token[len("score") :])[1:]
    if float(number) > 1.0:
        raise QueryError(f"A score goes from 0 to 1, as in score>=0.8; {number} is more.", position)
    return ScoreTerm(comparison, float(number), position)


def _text(token: Token) -> str:
    text = token[1:-1] if token.startswith('"') else str(token)
    if not text.strip():
        position = token.start_pos or 0
        raise QueryError(
            f"There is nothing between the quotation marks at character {position + 1}.", position
        )
    return text


def quoted(text: str) -> str:
    """Quote a value for a query; of one with quotation marks, its longest part without."""
    return f'"{max(text.split(chr(34)), key=len)}"'
