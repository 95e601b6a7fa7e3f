"""Operators in any case, and small words that are passed over, in lines as people type them."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scene_model.classifier.vocabulary import Vocabulary
from scene_model.errors import QueryError
from scene_model.gallery import Gallery
from scene_model.library.edits import add_tag
from scene_model.search.plain_words import read_plain_words
from scene_model.search.query import plain_line
from scene_model.search.query_tree import (
    AllOf,
    AnyOf,
    Not,
    Query,
    Words,
    print_query,
    read_query,
)
from scene_model.services import Services
from tests.library.rows import Row, put

DOGS, CATS, NIGHT = Words("dogs"), Words("cats"), Words("night")
NO_LABELS = Vocabulary({}, {})


def read(line: str, *labels: str) -> Query:
    return read_query(read_plain_words(line, lambda word: word in labels).line)


@pytest.mark.parametrize(
    ("line", "query", "passed_over"),
    [
        ("dogs and cats at night", AllOf((DOGS, CATS, NIGHT)), ("at",)),
        ("Photos of my dogs", DOGS, ("Photos", "of", "my")),
        ("the dogs, the cats", AllOf((Words("dogs,"), CATS)), ("the",)),
        ("dogs or cats", AnyOf((DOGS, CATS)), ()),
        ("dogs Or the cats", AnyOf((DOGS, CATS)), ("the",)),
        ("dogs And cats", AllOf((DOGS, CATS)), ()),
        ("dogs not cats", AllOf((DOGS, Not(CATS))), ()),
        ("not the cats", Not(CATS), ("the",)),
        ("NOT the cats", Not(CATS), ("the",)),
        ("dogs Not (cats or night)", AllOf((DOGS, Not(AnyOf((CATS, NIGHT))))), ()),
        ("dogs without cats", AllOf((DOGS, Not(CATS))), ()),
        ("dogs or not cats", AnyOf((DOGS, Not(CATS))), ()),
        ("dogs or -cats", AnyOf((DOGS, Not(CATS))), ()),
        ("dogs AND the cats", AllOf((DOGS, CATS)), ("the",)),
        ("the AND dogs", DOGS, ("the",)),
        ("dogs or", DOGS, ("or",)),
        ("or dogs", DOGS, ("or",)),
        ("dogs or or cats", AnyOf((DOGS, CATS)), ("or",)),
        ("dogs or AND cats", AllOf((DOGS, CATS)), ("or",)),
        ("dogs not", DOGS, ("not",)),
        ("dogs not -cats", AllOf((DOGS, Not(CATS))), ("not",)),
        ("dogs NOT not cats", AllOf((DOGS, Not(CATS))), ("not",)),
        ("dogs und cats im night", AllOf((DOGS, CATS, NIGHT)), ("und", "im")),
        ("dogs OR", None, ()),
        ("OR dogs", None, ()),
        ("AND dogs", None, ()),
        ("NOT NOT dogs", None, ()),
    ],
)
def test_lines_as_people_type_them(
    line: str, query: Query | None, passed_over: tuple[str, ...]
) -> None:
    plain = read_plain_words(line, lambda _: False)
    assert plain.passed_over == passed_over
    assert len(plain.line) == len(line), "errors keep their position"
    if query is None:
        with pytest.raises(QueryError):
            read_query(plain.line)
    else:
        assert read_query(plain.line) == query


@pytest.mark.parametrize(
    "line",
    [
        "",
        "beach sunset",
        "beach OR lake",
        "beach AND sunset",
        "beach -street",
        "beach NOT street",
        "(beach OR lake) sunset",
        '"old town"',
        '"at" night',
        '"dogs and cats" "or" "not"',
        "tag:at tag:or name:the class:not",
        "tag: in",
        'name:"the sea"',
        "-the beach",
        "beach -at",
        "beach -and",
        "group:water album:travel",
        "camera:iphone score>=0.8 score < 0.5",
        "taken:2024-07..2024-08 added:today",
        "is:unsure has:gps near:38.72,-9.14,10km",
        "ANDES NOTE Oregon android",
        "10:30 x OR y z",
        # Nothing else would be left.
        "the",
        "Photos",
        "not",
        "not and",
        "the AND of",
        "beach OR the",
        "the OR beach",
        "beach NOT the",
        "(the) beach",
        "beach -(the)",
        "NOT the -beach",
        # Not closed yet.
        '"dogs and ca',
        'dogs tag:"at the',
    ],
)
def test_lines_that_keep_their_meaning(line: str) -> None:
    plain = read_plain_words(line, lambda _: False)
    assert (plain.line, plain.passed_over) == (line, ())


def test_labels_are_neither_operators_nor_small_words() -> None:
    assert read("gold or silver", "or") == AllOf((Words("gold"), Words("or"), Words("silver")))
    assert read("my dogs", "my") == AllOf((Words("my"), DOGS))
    vocabulary = Vocabulary({"at": "At"}, {"at": frozenset({"at"})})
    assert plain_line("cats at night", vocabulary, lambda _: ()).passed_over == ()
    assert plain_line("cats at night", NO_LABELS, lambda _: ()).passed_over == ("at",)


LINES = st.lists(
    st.sampled_from(
        ["or", "and", "not", "without", "the", "at", "OR", "AND", "NOT", "(", ")", "-", "dogs"]
        + ["cats", '"at sea"', "tag:at", '"', "tag:", "score>=0.5", " "]
    ),
    max_size=9,
).map(" ".join)


@given(LINES | st.text(alphabet='or andt()-":', max_size=30) | st.text(max_size=30))
@settings(max_examples=500, deadline=None)
@example(":(a)")
def test_a_valid_line_stays_valid(line: str) -> None:
    plain = read_plain_words(line, lambda _: False)
    assert len(plain.line) == len(line)
    assert read_plain_words(plain.line, lambda _: False).line == plain.line
    try:
        read_query(line)
    except QueryError:
        return
    query = read_query(plain.line)
    assert (query == AllOf()) is (not line.strip()), "no line becomes the query for all photos"
    assert read(print_query(query)) == query


@given(
    st.lists(
        st.sampled_from(
            ["or", "and", "not", "the", "OR", "NOT", "-", "dogs", "(dogs", "cats)", '"at"']
        ),
        max_size=7,
    ).map(" ".join)
)
@settings(max_examples=300, deadline=None)
def test_a_filter_added_to_a_line_does_not_change_it(line: str) -> None:
    """The gallery prints the typed line beside terms of its own, and reads that again."""
    try:
        typed = read_query(line)
        expected = read(line)
    except QueryError:
        return
    if typed != AllOf():
        printed = print_query(AllOf((typed, Words("filter"))))
        assert flat(read(printed)) == flat(AllOf((expected, Words("filter"))))


def flat(query: Query) -> Query:
    """Write AND within AND, and OR within OR, without brackets."""
    match query:
        case Not(term):
            return Not(flat(term))
        case AllOf(terms) | AnyOf(terms):
            kind = type(query)
            lists = [
                inner.terms if isinstance(inner, kind) else (inner,) for inner in map(flat, terms)
            ]
            return kind(tuple(term for inner in lists for term in inner))
        case _:
            return query


@pytest.fixture
def gallery(services: Services) -> Gallery:
    put(
        services.library,
        [
            Row("a.jpg", tags=[("camera", "dog", 0.9), ("camera", "cat", 0.9)]),
            Row("b.jpg", tags=[("camera", "dog", 0.9)]),
            Row("c.jpg", tags=[("camera", "cat", 0.9)]),
            Row("d.jpg", added=["my"]),
        ],
    )
    return services.gallery()


def names(gallery: Gallery, query: str) -> str:
    records = gallery.library.records(gallery.ids(query))
    return "".join(sorted(record.name.split(".")[0] for record in records))


def test_photos_of_plain_words(gallery: Gallery) -> None:
    assert names(gallery, "dogs and cats") == "a"
    assert names(gallery, "photos of a dog or of a cat") == "abc"
    assert names(gallery, "dog without cats") == "b"
    assert gallery.passed_over("photos of a dog and a cat") == ("photos", "of", "a")
    assert gallery.passed_over("dog (") == (), "an incomplete line"
    assert gallery.labels_of_words("dog at the") == gallery.labels_of_words("dog")


def test_a_tag_of_ones_own_is_no_small_word(gallery: Gallery) -> None:
    assert names(gallery, "my dog") == ""
    assert gallery.passed_over("my dog") == ()
    add_tag(gallery.library, gallery.ids("name:b.jpg"), "my")
    assert names(gallery, "my dog") == "b"
