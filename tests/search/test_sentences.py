"""Words that name nothing are sentences, found by likeness; all others keep their meaning."""

import pytest

from scene_model.search.query_tree import print_query, read_query
from scene_model.search.sentences.sentence_terms import (
    WordMeaning,
    in_one_sentence,
    sentences_of,
    with_sentences,
)

MEANINGS = dict.fromkeys(("beach", "dog", "snow", "old town"), WordMeaning.MODEL_LABEL)
MEANINGS |= dict.fromkeys(("img_2034", "grandma"), WordMeaning.NAME)


@pytest.mark.parametrize(
    ("line", "resolved", "sentences"),
    [
        ("", "", []),
        ("beach", "beach", []),
        ('"old town"', '"old town"', []),
        ("happy", "like:happy", ["happy"]),
        ('"a dog in the snow"', 'like:"a dog in the snow"', ["a dog in the snow"]),
        ("happy faces", 'like:"happy faces"', ["happy faces"]),
        ("happy dog", 'like:"happy dog"', ["happy dog"]),
        ("happy in the dog", 'like:"happy in the dog"', ["happy in the dog"]),
        ("happy grandma dog", 'grandma like:"happy grandma dog"', ["happy grandma dog"]),
        ('happy "old town"', '"old town" like:happy', ["happy"]),
        ("happy taken:2024 faces", 'taken:2024 like:"happy faces"', ["happy faces"]),
        ("happy -dog", "-dog like:happy", ["happy"]),
        ("beach -crowded", "beach -crowded", []),
        ("beach -(happy faces)", "beach -(happy faces)", []),
        ('beach -(happy OR "a crowd")', 'beach -(happy OR like:"a crowd")', []),
        ('happy -"a crowd" -blurry', '-like:"a crowd" -blurry like:happy', ["happy"]),
        ('-"a crowd"', '-like:"a crowd"', []),
        ("happy OR beach", "like:happy OR beach", ["happy"]),
        ("(happy faces) OR beach", 'like:"happy faces" OR beach', ["happy faces"]),
        ('like:"a dog"', 'like:"a dog"', ["a dog"]),
        ("like:dog like:dog", "like:dog like:dog", ["dog"]),
        ("tag:happy is:new", "tag:happy is:new", []),
        ("the", '"the"', []),
        ("img_2034 dog", "img_2034 dog", []),
    ],
)
def test_lines(line: str, resolved: str, sentences: list[str]) -> None:
    # As `plain_line` does: small words become spaces.
    plain = line.replace(" in the ", " " * 8) if '"' not in line else line
    query = with_sentences(
        read_query(plain), line, lambda word: MEANINGS.get(word, WordMeaning.NOTHING)
    )
    assert print_query(query) == resolved
    assert list(sentences_of(query)) == sentences


@pytest.mark.parametrize(
    ("line", "resolved"),
    [
        ("dog in the snow", 'like:"dog in the snow"'),
        ("dog snow -beach taken:2024", '-beach taken:2024 like:"dog snow"'),
        ("grandma dog snow", 'grandma like:"grandma dog snow"'),
        ("dog", None),
        ("grandma dog", None),
        ("dog OR snow", None),
        ('dog "old town"', None),
    ],
)
def test_words_that_name_labels_in_one_sentence(line: str, resolved: str | None) -> None:
    plain = line.replace(" in the ", " " * 8)
    query = in_one_sentence(
        read_query(plain), line, lambda word: MEANINGS.get(word, WordMeaning.NOTHING)
    )
    assert (None if query is None else print_query(query)) == resolved
