"""The labels that the words of a query find."""

from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.search.query_tree import AllOf, AnyOf, Query, Words


def ids_for_word(text: str, vocabulary: Vocabulary) -> set[str]:
    """Return the labels of a word, also the word itself: it may be a tag that a person made."""
    return {*vocabulary.ids_for(text), *as_written(text)}


def as_written(text: str) -> set[str]:
    """Return the text as a person's tag and as a label id, which may be of another model."""
    return {text, fold(text), fold(text).replace(" ", "_")}


def ids_for_words(query: Query, vocabulary: Vocabulary) -> frozenset[str]:
    """Return the labels of all bare words of a query that are not negated; none without words."""
    match query:
        case Words(text):
            return frozenset(ids_for_word(text, vocabulary))
        case AllOf(terms) | AnyOf(terms):
            return frozenset().union(*(ids_for_words(term, vocabulary) for term in terms))
        case _:
            return frozenset()
