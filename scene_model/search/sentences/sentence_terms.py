"""Search in one's own words: which words of a query are a sentence that is compared with photos.

``like:"a dog in the snow"`` always is. Without the field, words are one that name nothing: no
label, and no file, description or place of a photo. Words that name something keep their meaning;
but beside words that name nothing, a label of the model is only a word of the sentence: who writes
"a quiet beach at sunset" wants to see it, tagged or not. After a minus only a quoted phrase and
``like:`` are sentences: a photo is left out for what it is called, not for what it may look like.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from scene_model.search.plain_words import may_be_passed_over
from scene_model.search.query_tree import AllOf, AnyOf, FieldTerm, Not, Query, Words

LIKE = "like"
# Between two words of a sentence: nothing but other words.
_BETWEEN = re.compile(r'[^"():<>=\-]*')


class WordMeaning(Enum):
    """What a word, or a phrase, names.

    MODEL_LABEL: a label or a kind of the model's. NAME: a label that a person made, or a photo by
    its file name, description or place.
    """

    NOTHING = 0
    MODEL_LABEL = 1
    NAME = 2


MeaningOf = Callable[[str], WordMeaning]


def with_sentences(query: Query, typed: str, meaning_of: MeaningOf) -> Query:
    """Return a query in which words that name nothing are ``like:`` terms.

    typed: the line with the small words that were passed over; positions in the query are in it.
    """
    match query:
        case Words():
            return _of_words(query, meaning_of)
        case Not(term):
            return replace(query, term=_quoted_only(term, meaning_of))
        case AnyOf(terms):
            return AnyOf(tuple(with_sentences(term, typed, meaning_of) for term in terms))
        case AllOf(terms):
            return _of_all(terms, typed, meaning_of)
        case _:
            return query


def _quoted_only(query: Query, meaning_of: MeaningOf) -> Query:
    """As `with_sentences`, but a word without quotes keeps its meaning."""
    match query:
        case Words():
            return _of_words(query, meaning_of) if query.is_quoted else query
        case Not(term):
            return replace(query, term=_quoted_only(term, meaning_of))
        case AllOf(terms):
            return AllOf(tuple(_quoted_only(term, meaning_of) for term in terms))
        case AnyOf(terms):
            return AnyOf(tuple(_quoted_only(term, meaning_of) for term in terms))
        case _:
            return query


def in_one_sentence(query: Query, typed: str, meaning_of: MeaningOf) -> Query | None:
    """Return a query whose bare words are one sentence, although all of them name something.

    None where fewer than two of them are labels of the model: those alone are tags.
    """
    if not isinstance(query, AllOf):
        return None
    bare = _bare(query.terms)
    meanings = [meaning_of(words.text) for words in bare]
    if meanings.count(WordMeaning.MODEL_LABEL) < 2:
        return None
    return _in_one_sentence(query.terms, typed, meaning_of)


def sentences_of(query: Query) -> tuple[str, ...]:
    """Return the sentences of a query that are not negated, each once."""
    match query:
        case FieldTerm(name, value) if name == LIKE:
            return (value,)
        case AllOf(terms) | AnyOf(terms):
            return tuple(dict.fromkeys(s for term in terms for s in sentences_of(term)))
        case _:
            return ()


def _of_words(words: Words, meaning_of: MeaningOf) -> Query:
    if _is_keyword(words, meaning_of):
        return words
    return FieldTerm(LIKE, words.text, words.position, words.position)


def _is_keyword(words: Words, meaning_of: MeaningOf) -> bool:
    return may_be_passed_over(words.text) or meaning_of(words.text) is not WordMeaning.NOTHING


def _of_all(terms: tuple[Query, ...], typed: str, meaning_of: MeaningOf) -> Query:
    """Join the bare words of terms in one sentence if one of them names nothing."""
    if all(_is_keyword(words, meaning_of) for words in _bare(terms)):
        return AllOf(tuple(with_sentences(term, typed, meaning_of) for term in terms))
    return _in_one_sentence(terms, typed, meaning_of)


def _in_one_sentence(terms: tuple[Query, ...], typed: str, meaning_of: MeaningOf) -> Query:
    """Join the bare words of terms in one sentence.

    Names stay conditions as well: no picture shows what a person or a place is called.
    """
    bare = _bare(terms)
    kept = [
        with_sentences(term, typed, meaning_of)
        for term in terms
        if not any(term is words for words in bare) or meaning_of(term.text) is WordMeaning.NAME  # type: ignore[union-attr]
    ]
    sentence = FieldTerm(LIKE, _joined(bare, typed), bare[0].position, bare[0].position)
    return AllOf((*kept, sentence)) if kept else sentence


def _bare(terms: tuple[Query, ...]) -> list[Words]:
    return [term for term in terms if isinstance(term, Words) and not term.is_quoted]


def _joined(bare: list[Words], typed: str) -> str:
    """Return the words as typed, with the small words between them where they stand together."""
    text = bare[0].text
    for previous, words in zip(bare, bare[1:], strict=False):
        between = typed[previous.position + len(previous.text) : words.position]
        text += between if _BETWEEN.fullmatch(between) else " "
        text += words.text
    return " ".join(text.split())
