"""Query lines as people type them: operators in any case, and small words that are passed over."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby

from scene_model.classifier.vocabulary import fold_case

_SMALL = frozenset(
    "a an the and of at in on by with from to for my our your his her their this these some "
    "photo photos picture pictures image images pic pics "
    # German, French and Spanish; single letters could be names.
    "und der die das den dem am im mit auf von aus bei foto fotos bild bilder "
    "et le la les de du des au aux un une dans sur avec "
    "el los las del con en una imagen imágenes".split()
)
_NEGATIONS = ("not", "without")
_OPERATORS = ("or", *_NEGATIONS)


class _Kind(Enum):
    """TERM: a word, a phrase or a field. MAYBE_OR, MAYBE_NOT: not in capitals."""

    TERM = "term"
    OPEN = "("
    CLOSE = ")"
    MINUS = "-"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    SMALL = "small word"
    MAYBE_OR = "or"
    MAYBE_NOT = "not"


@dataclass(frozen=True)
class _Token:
    kind: _Kind
    text: str
    start: int


@dataclass(frozen=True)
class PlainLine:
    """A line that `read_query` reads, as long as the typed one, so that positions stay the same.

    passed_over: the words that were replaced by spaces, as typed.
    """

    line: str
    passed_over: tuple[str, ...] = ()


# A phrase, or a field with its value, complete or not; else a word; else a bracket or a minus.
_TOKEN = re.compile(
    r"""(?P<term>"[^"]*"?|[A-Za-z_]+:\s*(?:"[^"]*"?|[^\s()"]+)?)"""
    r"""|(?P<word>[^\s()"\-][^\s()"]*)|(?P<sign>[()\-])"""
)
_STARTS_TERM = (_Kind.TERM, _Kind.OPEN)


def read_plain_words(line: str, is_label: Callable[[str], bool]) -> PlainLine:
    """Write operators in capitals, and replace small words by spaces.

    is_label: whether a word is a label, which is neither an operator nor a small word. Words in
    quotation marks, in fields and after a minus stay as they are. So do small words where nothing
    else would be left: in a line of small words only, on one side of OR, or in brackets.
    """
    tokens = _with_operators(_tokens(line, is_label))
    characters, passed_over = list(line), []
    for token in tokens:
        if token.kind in (_Kind.OR, _Kind.NOT):
            written = str(token.kind.value).ljust(len(token.text))
            characters[token.start : token.start + len(token.text)] = written
    for token in _dropped(tokens):
        characters[token.start : token.start + len(token.text)] = " " * len(token.text)
        if fold_case(token.text) != "and":  # words side by side mean AND
            passed_over.append(token.text)
    return PlainLine("".join(characters), tuple(dict.fromkeys(passed_over)))


def may_be_passed_over(word: str) -> bool:
    """Whether a word is a small word or an operator where it stands beside others."""
    return fold_case(word) in _SMALL or fold_case(word) in _OPERATORS


def _tokens(line: str, is_label: Callable[[str], bool]) -> list[_Token]:
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(line):
        if match["sign"]:
            kind = _Kind(match["sign"])
        elif match["term"] or (tokens and tokens[-1].kind is _Kind.MINUS):
            kind = _Kind.TERM
        else:
            kind = _kind_of_word(match["word"], is_label)
        tokens.append(_Token(kind, match[0], match.start()))
    return tokens


def _kind_of_word(word: str, is_label: Callable[[str], bool]) -> _Kind:
    if word in ("AND", "OR", "NOT"):
        return _Kind(word)
    if not may_be_passed_over(word) or is_label(word):
        return _Kind.TERM
    folded = fold_case(word)
    if folded in _NEGATIONS:
        return _Kind.MAYBE_NOT
    return _Kind.MAYBE_OR if folded == "or" else _Kind.SMALL


def _with_operators(tokens: list[_Token]) -> list[_Token]:
    """Decide which words that may be operators are: "not" before a term, "or" between two."""
    decided = list(tokens)
    for i in reversed(range(len(decided))):
        if decided[i].kind is _Kind.MAYBE_NOT:
            is_repeated = _neighbour(decided, i, -1) is _Kind.NOT
            is_not = _neighbour(decided, i, 1) in _STARTS_TERM and not is_repeated
            decided[i] = replace(decided[i], kind=_Kind.NOT if is_not else _Kind.SMALL)
    for i, token in enumerate(decided):
        if token.kind is _Kind.MAYBE_OR:
            is_or = _neighbour(decided, i, -1) in (_Kind.TERM, _Kind.CLOSE) and (
                _neighbour(decided, i, 1) in (*_STARTS_TERM, _Kind.MINUS, _Kind.NOT)
            )
            decided[i] = replace(token, kind=_Kind.OR if is_or else _Kind.SMALL)
    return decided


def _neighbour(tokens: list[_Token], i: int, step: int) -> _Kind | None:
    """Return the kind of the next token in a direction that is no small word; None at an end."""
    i += step
    while 0 <= i < len(tokens) and tokens[i].kind in (_Kind.SMALL, _Kind.MAYBE_OR):
        i += step
    return tokens[i].kind if 0 <= i < len(tokens) else None


def _dropped(tokens: list[_Token]) -> list[_Token]:
    """Return the small words to pass over, with every AND beside them."""
    dropped: list[_Token] = []
    before: _Kind | None = None
    runs = [
        list(run)
        for _, run in groupby(tokens, lambda token: token.kind in (_Kind.SMALL, _Kind.AND))
    ]
    for number, run in enumerate(runs):
        after = runs[number + 1][0].kind if number + 1 < len(runs) else None
        has_small = any(token.kind is _Kind.SMALL for token in run)
        if has_small and not _is_all_there_is(before, after):
            dropped += run
        before = run[-1].kind
    return dropped


def _is_all_there_is(before: _Kind | None, after: _Kind | None) -> bool:
    """Whether nothing but small words stands between two tokens that need a term there."""
    if before is _Kind.NOT and after in (_Kind.MINUS, _Kind.NOT):
        return True
    return before in (None, _Kind.OPEN, _Kind.OR, _Kind.NOT) and after in (
        None,
        _Kind.CLOSE,
        _Kind.OR,
    )
