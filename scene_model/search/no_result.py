"""Why a query finds no photo: the terms that find none, and similar queries that find some."""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from scene_model.classifier.albums.album_rules import AlbumRules
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.search.completion import complete
from scene_model.search.query_tree import (
    AllOf,
    AnyOf,
    FieldTerm,
    Not,
    Query,
    Words,
    print_query,
    read_query,
)
from scene_model.search.sentences.sentence_terms import sentences_of

# Each term costs up to two counts, and each corrected word two.
MAX_TERMS = 8
_MAX_CORRECTED = 2
# Shorter words are like too many others.
_MIN_LENGTH = 3
_MIN_SIMILARITY = 0.75

# Returns the number of photos of a query line.
Count = Callable[[str], int]


@dataclass(frozen=True)
class TermCount:
    """A term of a query, and how many photos match it alone."""

    term: str
    count: int


@dataclass(frozen=True)
class OtherQuery:
    """A query that finds photos.

    without: the terms left out. word: what stands in their place. sentence: what its photos are
    like, in place of the terms.
    """

    line: str
    count: int
    without: tuple[str, ...]
    word: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class NoResult:
    """Why a query finds nothing.

    terms: those that are not negated, at most MAX_TERMS. others: the most likely query first.
    """

    terms: tuple[TermCount, ...]
    others: tuple[OtherQuery, ...]

    @property
    def empty_terms(self) -> tuple[str, ...]:
        """The terms that find no photo alone."""
        return tuple(term.term for term in self.terms if not term.count)


@dataclass(frozen=True)
class WordsWithPhotos:
    """The words of the labels and kinds that photos have. tag_counts: photos by label."""

    vocabulary: Vocabulary
    tag_counts: Mapping[str, int]

    def only_completion(self, term: str) -> str | None:
        """Return the completed term if exactly one label or kind with photos begins so."""
        completions = complete(term, self.vocabulary, AlbumRules(()), self.tag_counts)
        lines = [c.line for c in completions if c.count or self.photo_count(c.kind_labels)]
        return lines[0] if len(lines) == 1 else None

    def most_similar(self, typed: str) -> str | None:
        """Return the word most like a misspelt one; of equal ones that with most photos."""
        word = fold(typed)
        if len(word) < _MIN_LENGTH:
            return None
        most = max(1, len(word) // 4)  # letters too many or too few
        words = [other for other in self._words() if abs(len(other) - len(word)) <= most]
        similar = difflib.get_close_matches(word, words, 5, _MIN_SIMILARITY)
        return max(similar, key=lambda other: self._rank(word, other), default=None)

    def photo_count(self, labels: Collection[str]) -> int:
        """Return the number of tags with one of the labels, for comparing words."""
        return sum(self.tag_counts.get(label, 0) for label in labels)

    def _rank(self, word: str, other: str) -> tuple[float, int]:
        labels = {*self.vocabulary.ids_for(other), other}
        return difflib.SequenceMatcher(None, other, word).ratio(), self.photo_count(labels)

    def _words(self) -> list[str]:
        words = {word for word, ids in self.vocabulary.words.items() if self.photo_count(ids)}
        for kind in self.vocabulary.kinds:
            if self.photo_count(kind.label_ids):
                words |= kind.words
        return sorted(words | {fold(label) for label in self.tag_counts})


def explain_no_result(
    query: Query, count: Count, words: WordsWithPhotos, in_one_sentence: Query | None = None
) -> NoResult:
    """Explain why a query finds no photo; counts the photos of about ten queries.

    Each of the other queries finds photos. in_one_sentence: the query with its words as a sentence.
    """
    terms = query.terms if isinstance(query, AllOf | AnyOf) else (query,)
    positive = [term for term in dict.fromkeys(terms) if not isinstance(term, Not)][:MAX_TERMS]
    counts: dict[Query, int] = dict.fromkeys(positive, 0)
    if isinstance(query, AllOf):
        counts = {term: count(print_query(term)) for term in positive}
    corrected = _corrected(query, [term for term in positive if not counts[term]], count, words)
    others = [other for other in corrected if len(other.without) == 1]
    if isinstance(query, AllOf):
        others += _phrases(query, count, words)
        others += _like_sentence(query, in_one_sentence, count)
        others += _shorter(query, counts, count)
    others += corrected
    by_line: dict[str, OtherQuery] = {}
    for other in others:
        by_line.setdefault(other.line, other)
    return NoResult(
        tuple(TermCount(_shown(term), number) for term, number in counts.items()),
        tuple(by_line.values()),
    )


def _shown(term: Query) -> str:
    return term.text if isinstance(term, Words) else print_query(term)


def _corrected(
    query: Query, empty: Sequence[Query], count: Count, words: WordsWithPhotos
) -> list[OtherQuery]:
    """Return the query with a word completed or spelt differently, else that word alone."""
    corrected = []
    for term in _words_in(empty)[:_MAX_CORRECTED]:
        replacement = _replacement(term, words)
        if replacement is None:
            continue
        line, alone = print_query(_replace(query, term, replacement)), print_query(replacement)
        if number := count(line):
            corrected.append(OtherQuery(line, number, (_shown(term),), _shown(replacement)))
        elif line != alone and (number := count(alone)):
            all_terms = tuple(map(_shown, getattr(query, "terms", (query,))))
            corrected.append(OtherQuery(alone, number, all_terms, _shown(replacement)))
    return corrected


def _words_in(terms: Sequence[Query]) -> list[Words | FieldTerm]:
    """Return the words, and the fields that take a label, of terms and of OR between them."""
    words: list[Words | FieldTerm] = []
    for term in terms:
        if isinstance(term, AnyOf):
            words += _words_in(term.terms)
        elif isinstance(term, Words) or (
            isinstance(term, FieldTerm) and term.name in ("tag", "class")
        ):
            words.append(term)
    return words


def _replacement(term: Words | FieldTerm, words: WordsWithPhotos) -> Query | None:
    completed = words.only_completion(print_query(term))
    if completed is not None:
        return read_query(completed)
    typed = term.text if isinstance(term, Words) else term.value
    similar = words.most_similar(typed)
    if similar is None or '"' in similar:
        return None
    return Words(similar) if isinstance(term, Words) else FieldTerm(term.name, similar)


def _replace(query: Query, term: Query, replacement: Query) -> Query:
    match query:
        case AllOf(terms):
            return AllOf(tuple(_replace(inner, term, replacement) for inner in terms))
        case AnyOf(terms):
            return AnyOf(tuple(_replace(inner, term, replacement) for inner in terms))
        case _:
            return replacement if query == term else query


def _phrases(query: AllOf, count: Count, words: WordsWithPhotos) -> list[OtherQuery]:
    """Return the query with two words side by side as one label: ``"ice cream"``."""
    phrases = []
    for i, (first, second) in enumerate(zip(query.terms, query.terms[1:], strict=False)):
        if not isinstance(first, Words) or not isinstance(second, Words):
            continue
        phrase = Words(f"{first.text} {second.text}")
        if words.photo_count(words.vocabulary.ids_for(phrase.text)):
            terms = (*query.terms[:i], phrase, *query.terms[i + 2 :])
            line = print_query(AllOf(terms) if len(terms) > 1 else phrase)
            if number := count(line):
                without = (first.text, second.text)
                phrases.append(OtherQuery(line, number, without, phrase.text))
    return phrases


def _like_sentence(query: AllOf, in_one_sentence: Query | None, count: Count) -> list[OtherQuery]:
    """Return the query with its words as a sentence."""
    if in_one_sentence is None:
        return []
    line = print_query(in_one_sentence)
    kept = getattr(in_one_sentence, "terms", ())
    without = tuple(_shown(term) for term in query.terms if term not in kept)
    sentences = sentences_of(in_one_sentence)
    number = count(line)
    return [OtherQuery(line, number, without, sentence=sentences[-1])] if number else []


def _shorter(query: AllOf, counts: Mapping[Query, int], count: Count) -> list[OtherQuery]:
    """Return the query without the terms that find nothing, else with one more term left out.

    Where that finds nothing either, each term alone.
    """
    kept = tuple(term for term in query.terms if counts.get(term) != 0)
    if len(kept) < len(query.terms) and (shorter := _without(query, kept, count)):
        return [shorter]
    subsets = [(*kept[:i], *kept[i + 1 :]) for i in range(len(kept[:MAX_TERMS]))]
    shorter_queries = [other for terms in subsets if (other := _without(query, terms, count))]
    if not shorter_queries:
        alone = [(term,) for term in kept if term in counts]
        shorter_queries = [other for terms in alone if (other := _without(query, terms, count))]
    return sorted(shorter_queries, key=lambda other: -other.count)


def _without(query: AllOf, kept: tuple[Query, ...], count: Count) -> OtherQuery | None:
    """Return the query of the kept terms if it finds photos; only negated ones are no query."""
    if all(isinstance(term, Not) for term in kept):
        return None
    line = print_query(kept[0] if len(kept) == 1 else AllOf(kept))
    number = count(line)
    left_out = tuple(_shown(term) for term in query.terms if term not in kept)
    return OtherQuery(line, number, left_out) if number else None
