"""Why a query finds nothing, and what finds something instead."""

import pytest

from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.vocabulary import KindOfLabels, Vocabulary
from scene_model.errors import QueryError
from scene_model.gallery import Gallery
from scene_model.search.no_result import MAX_TERMS, NoResult, WordsWithPhotos, explain_no_result
from scene_model.search.query_tree import (
    MAX_QUERY_LENGTH,
    FieldTerm,
    print_query,
    read_query,
)
from scene_model.services import Services
from tests.library.rows import Row, put

WORDS = {
    "beach": "beach",
    "strand": "beach",
    "bench": "bench",
    "night": "night",
    "ice cream": "ice_cream",
    "cream": "cream",
    "snake": "snake",
    "palace": "palace",
    "palm tree": "palm_tree",
}
VOCABULARY = Vocabulary(
    {label: label.capitalize() for label in WORDS.values()},
    {word: frozenset({label}) for word, label in WORDS.items()},
    (KindOfLabels("animal", "Animal", frozenset({"animal", "tier"}), frozenset({"snake"})),),
)
TAGS = [
    *(["beach"] for _ in range(3)),
    *(["night"] for _ in range(2)),
    ["bench", "night"],
    ["ice_cream"],
    ["snake"],
    ["palm_tree"],
]


@pytest.fixture
def gallery(services: Services) -> Gallery:
    rows = [
        Row(f"{i}.jpg", tags=[("camera", tag, 0.9) for tag in tags]) for i, tags in enumerate(TAGS)
    ]
    put(services.library, [*rows, Row("own.jpg", added=["lisbon"])])
    opened = services.gallery()
    model = Model(opened.model.classifier, VOCABULARY, opened.model.albums)
    return Gallery(opened.library, CurrentModel(model))


def others(result: NoResult) -> list[tuple[str, int, tuple[str, ...], str]]:
    return [(other.line, other.count, other.without, other.word) for other in result.others]


def explain(gallery: Gallery, query: str) -> NoResult:
    result = gallery.explain_no_result(query)
    assert gallery.count(query) == 0
    for other in result.others:
        assert gallery.count(other.line) == other.count > 0
    return result


def test_words_that_no_photo_has_together(gallery: Gallery) -> None:
    result = explain(gallery, "beach at night")
    assert [(term.term, term.count) for term in result.terms] == [("beach", 3), ("night", 3)]
    assert result.empty_terms == ()
    assert others(result) == [
        ("night", 3, ("beach",), ""),
        ("beach", 3, ("night",), ""),
    ]
    result = explain(gallery, "beach bench night")
    assert others(result) == [("bench night", 1, ("beach",), "")]
    result = explain(gallery, "beach snake lisbon")
    assert others(result) == [
        ("beach", 3, ("snake", "lisbon"), ""),
        ("snake", 1, ("beach", "lisbon"), ""),
        ("lisbon", 1, ("beach", "snake"), ""),
    ], "no two of them either"


@pytest.mark.parametrize(("alike", "lines"), [(8, ["like", "beach"]), (0, ["beach"])])
def test_photos_like_the_words_come_before_fewer_words(alike: int, lines: list[str]) -> None:
    sentence = FieldTerm("like", "beach at night")
    counts = {print_query(sentence): alike, "beach": 3, "beach night": 0}
    words = WordsWithPhotos(VOCABULARY, {"beach": 3})
    query = read_query("beach night")
    result = explain_no_result(query, lambda line: counts.get(line, 0), words, sentence)
    assert [other.line.split(":")[0] for other in result.others] == lines
    if alike:
        other = result.others[0]
        assert (other.count, other.without) == (8, ("beach", "night"))
        assert other.sentence == "beach at night"


def test_terms_without_photos_are_named(gallery: Gallery) -> None:
    result = explain(gallery, "night camera:leica has:gps -beach bench")
    assert result.empty_terms == ("camera:leica", "has:gps")
    assert [(term.term, term.count) for term in result.terms if term.count] == [
        ("night", 3),
        ("bench", 1),
    ]
    assert others(result) == [("night -beach bench", 1, ("camera:leica", "has:gps"), "")]
    result = explain(gallery, "beach night camera:leica")
    assert others(result) == [
        ("night", 3, ("beach", "camera:leica"), ""),
        ("beach", 3, ("night", "camera:leica"), ""),
    ]


def test_negated_terms(gallery: Gallery) -> None:
    result = explain(gallery, "snake -tag:snake")
    assert [(term.term, term.count) for term in result.terms] == [("snake", 1)]
    assert others(result) == [("snake", 1, ("-tag:snake",), "")]
    assert explain(gallery, "-(beach OR name:jpg)") == NoResult((), ())


def test_misspelt_words(gallery: Gallery) -> None:
    assert others(explain(gallery, "beech")) == [("beach", 3, ("beech",), "beach")]
    assert others(explain(gallery, "bech")) == [("beach", 3, ("bech",), "beach")], (
        "as like as bench, with more photos"
    )
    assert others(explain(gallery, "Strnad")) == [("strand", 3, ("Strnad",), "strand")]
    assert others(explain(gallery, "anymal")) == [("animal", 1, ("anymal",), "animal")]
    assert others(explain(gallery, "lisbonn")) == [("lisbon", 1, ("lisbonn",), "lisbon")]
    assert others(explain(gallery, "tag:beech")) == [("tag:beach", 3, ("tag:beech",), "tag:beach")]
    assert others(explain(gallery, "palacee")) == [], "no photo has the label"
    assert others(explain(gallery, "beagle")) == [], "no word is similar enough"
    assert others(explain(gallery, "nightclubs")) == [], "too long for night"
    assert others(explain(gallery, "name:beech")) == [], "a file name is not in the vocabulary"


def test_a_misspelt_word_beside_others(gallery: Gallery) -> None:
    assert others(explain(gallery, "bench nihgt")) == [
        ("bench night", 1, ("nihgt",), "night"),
        ("bench", 1, ("nihgt",), ""),
    ]
    assert others(explain(gallery, "snake nihgt")) == [
        ("snake", 1, ("nihgt",), ""),
        ("night", 3, ("snake", "nihgt"), "night"),
    ], "both together find nothing"
    result = explain(gallery, "nihgt OR beech")
    assert result.empty_terms == ("nihgt", "beech")
    assert others(result) == [
        ("night OR beech", 3, ("nihgt",), "night"),
        ("nihgt OR beach", 3, ("beech",), "beach"),
    ]
    assert others(explain(gallery, "(nihgt OR xxxx) bench"))[0] == (
        *("(night OR xxxx) bench", 1),
        *(("nihgt",), "night"),
    )


def test_the_beginning_of_exactly_one_label(gallery: Gallery) -> None:
    assert others(explain(gallery, "sna")) == [("snake", 1, ("sna",), "snake")]
    assert others(explain(gallery, "ani")) == [("animal", 1, ("ani",), "animal")]
    assert others(explain(gallery, "tag:sna")) == [("tag:snake", 1, ("tag:sna",), "tag:snake")]
    assert others(explain(gallery, "stra night")) == [
        ("night", 3, ("stra",), ""),
        ("beach", 3, ("stra", "night"), "beach"),
    ], "both together find nothing"
    assert others(explain(gallery, "be")) == [], "beach and bench"
    assert others(explain(gallery, "pal")) == [('"palm tree"', 1, ("pal",), "palm tree")], (
        "no photo has the label palace"
    )


def test_words_of_one_label(gallery: Gallery) -> None:
    assert others(explain(gallery, "ice cream"))[0] == (
        *('"ice cream"', 1),
        *(("ice", "cream"), "ice cream"),
    )
    assert ('"palm tree" -beach', 1, ("palm", "tree"), "palm tree") in others(
        explain(gallery, "palm tree -beach")
    )


def test_at_most_so_many_counts() -> None:
    counted: list[str] = []

    def count(line: str) -> int:
        counted.append(line)
        return 1

    words = WordsWithPhotos(VOCABULARY, {"beach": 3, "night": 2})
    query = read_query(" ".join(f"word{i}" for i in range(30)))
    result = explain_no_result(query, count, words)
    assert len(result.terms) == MAX_TERMS
    assert len(counted) == 2 * MAX_TERMS
    counted.clear()
    explain_no_result(query, lambda line: counted.append(line) or 0, words)  # type: ignore[func-returns-value]
    assert len(counted) <= 2 * MAX_TERMS + 4


def test_a_query_that_cannot_be_read_or_would_become_too_long(gallery: Gallery) -> None:
    with pytest.raises(QueryError):
        gallery.explain_no_result("beach (")
    long = f"bec {'x' * (MAX_QUERY_LENGTH - 4)}"
    assert len(long) == MAX_QUERY_LENGTH
    assert explain(gallery, long).empty_terms[0] == "bec"
