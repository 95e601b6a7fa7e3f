"""Search in one's own words: which words of a query are a sentence that is compared with photos.

``like:"a dog in the snow"`` always is. Without the field, words are one that name nothing: no
label, and no file, description or place of a photo. Words that name something keep their meaning.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from scene_model.search.plain_words import may_be_passed_over
from scene_model.search.query_tree import AllOf, AnyOf, FieldTerm, Not, Query, Words

LIKE = "like"
# Between two words of a sentence: nothing but other words.
_BETWEEN = re.compile(r'[^"():<>=\-]*')

NamesSomething = Callable[[str], bool]
"""Whether a text is a label, or finds a photo by its file name, description or place."""


def with_sentences(query: Query, typed: str, names_something: NamesSomething) -> Query:
    """Return a query in which words that name nothing are ``like:`` terms.

    typed: the line with the small words that were passed over; positions in the query are in it.
    """
    match query:
        case Words():
            return _of_words(query, names_something)
        case Not(term):
            return replace(query, term=with_sentences(term, typed, names_something))
        case AnyOf(terms):
            return AnyOf(tuple(with_sentences(term, typed, names_something) for term in terms))
        case AllOf(terms):
            return _of_all(terms, typed, names_something)
        case _:
            return query


def sentences_of(query: Query) -> tuple[str, ...]:
    """Return the sentences of a query that are not negated, each once."""
    match query:
        case FieldTerm(name, value) if name == LIKE:
            return (value,)
        case AllOf(terms) | AnyOf(terms):
            return tuple(dict.fromkeys(s for term in terms for s in sentences_of(term)))
        case _:
            return ()


def _of_words(words: Words, names_something: NamesSomething) -> Query:
    if _is_keyword(words, names_something):
        return words
    return FieldTerm(LIKE, words.text, words.position, words.position)


def _is_keyword(words: Words, names_something: NamesSomething) -> bool:
    return may_be_passed_over(words.text) or names_something(words.text)


def _of_all(terms: tuple[Query, ...], typed: str, names_something: NamesSomething) -> Query:
    """Join the bare words of terms in one sentence if one of them names nothing.

    Those that name something stay conditions as well.
    """
    bare = [term for term in terms if isinstance(term, Words) and not term.is_quoted]
    unnamed = [words for words in bare if not _is_keyword(words, names_something)]
    kept = [
        term
        if isinstance(term, Words) and not term.is_quoted
        else (with_sentences(term, typed, names_something))
        for term in terms
        if not any(term is words for words in unnamed)
    ]
    if not unnamed:
        return AllOf(tuple(kept))
    sentence = FieldTerm(LIKE, _joined(bare, typed), bare[0].position, bare[0].position)
    return AllOf((*kept, sentence)) if kept else sentence


def _joined(bare: list[Words], typed: str) -> str:
    """Return the words as typed, with the small words between them where they stand together."""
    text = bare[0].text
    for previous, words in zip(bare, bare[1:], strict=False):
        between = typed[previous.position + len(previous.text) : words.position]
        text += between if _BETWEEN.fullmatch(between) else " "
        text += words.text
    return " ".join(text.split())
