"""Parsing and printing of query lines; errors have a position."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scene_model.errors import QueryError
from scene_model.search.query_tree import (
    EVERYTHING,
    MAX_QUERY_LENGTH,
    AllOf,
    AnyOf,
    DurationTerm,
    FieldTerm,
    Not,
    Query,
    RatingTerm,
    ScoreTerm,
    Words,
    print_query,
    read_query,
)

A, B, C = Words("a"), Words("b"), Words("c")
TEXTS = st.text(max_size=40) | st.text(alphabet='ab:"()-OR <>=0.5scoretagin', max_size=40)
WORDS = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1)
ATOMS = st.one_of(
    WORDS.filter(str.strip).map(Words),
    st.builds(FieldTerm, st.from_regex(r"[a-z_]+", fullmatch=True), WORDS.filter(str.strip)),
    st.builds(ScoreTerm, st.sampled_from([">=", "<=", ">", "<", "="]), st.floats(0, 1)),
    st.builds(RatingTerm, st.sampled_from([">=", "<=", ">", "<", "="]), st.integers(0, 5)),
)


def several(of: st.SearchStrategy[Query]) -> st.SearchStrategy[tuple[Query, ...]]:
    return st.lists(of, min_size=2, max_size=4).map(tuple)


QUERIES: st.SearchStrategy[Query] = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, several(inner)),
        st.builds(AnyOf, several(inner)),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", EVERYTHING),
        (" \t", EVERYTHING),
        ("a b", AllOf((A, B))),
        ("a OR b", AnyOf((A, B))),
        ("a b OR c", AnyOf((AllOf((A, B)), C))),
        ("a OR b c", AnyOf((A, AllOf((B, C))))),
        ("-a b", AllOf((Not(A), B))),
        ("-a OR b", AnyOf((Not(A), B))),
        ("(a OR b) c", AllOf((AnyOf((A, B)), C))),
        ("-(a b)", Not(AllOf((A, B)))),
        ("-(-a)", Not(Not(A))),
        ("a AND b", AllOf((A, B))),
        ("a AND b OR c", AnyOf((AllOf((A, B)), C))),
        ("NOT a b", AllOf((Not(A), B))),
        ("a AND NOT b", AllOf((A, Not(B)))),
        ("NOT (a b)", Not(AllOf((A, B)))),
        ("NOT is:unsure", Not(FieldTerm("is", "unsure"))),
        ("NOTE ANDES", AllOf((Words("NOTE"), Words("ANDES")))),
        ('"NOT" "AND"', AllOf((Words("NOT"), Words("AND")))),
        ("not and", AllOf((Words("not"), Words("and")))),
        ('"old town"', Words("old town")),
        ('"OR" ORANGE', AllOf((Words("OR"), Words("ORANGE")))),
        ('"tag:a"', Words("tag:a")),
        ("tag:OR", FieldTerm("tag", "OR")),
        ("Tag: a", FieldTerm("tag", "a")),
        ('name:"a b"c', AllOf((FieldTerm("name", "a b"), C))),
        ("near:-33.86,-151.2,5km", FieldTerm("near", "-33.86,-151.2,5km")),
        ("score>=0.8", ScoreTerm(">=", 0.8)),
        ("SCORE < .5", ScoreTerm("<", 0.5)),
        ("rating>=4", RatingTerm(">=", 4)),
        ("Rating < 2 a", AllOf((RatingTerm("<", 2), A))),
        ("rating:5", FieldTerm("rating", "5")),
        ("duration>30", DurationTerm(">", 30.0)),
        ("DURATION <= 1h30m", DurationTerm("<=", 5400.0)),
        ("-duration=2.5s", Not(DurationTerm("=", 2.5))),
        ('"duration>5m"', Words("duration>5m")),
        ("-rating=0", Not(RatingTerm("=", 0))),
        ('"rating>=4" rating', AllOf((Words("rating>=4"), Words("rating")))),
        ("10:30", Words("10:30")),
    ],
)
def test_reading(text: str, query: Query) -> None:
    assert read_query(text) == query
    assert read_query(print_query(query)) == query


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("(sea", 4, "closing bracket"),
        ("sea )", 4, "character 5"),
        ("sea ()", 5, "character 6"),
        ('sea "old', 4, "is not closed"),
        ('sea ""', 4, "are empty"),
        ('sea tag:" "', 8, "are empty"),
        ("sea OR", 6, "incomplete"),
        ("OR sea", 0, "character 1"),
        ("AND sea", 0, "character 1"),
        ("sea AND", 7, "incomplete"),
        ("NOT", 3, "incomplete"),
        ("NOT NOT sea", 4, "character 5"),
        ("sea -", 5, "incomplete"),
        ("sea tag:", 8, "incomplete"),
        ("tag: -sea", 5, "character 6"),
        ("sea score>", 4, "score>=0.8"),
        ("sea score >", 10, "score>=0.8"),
        ("sea score>=80", 4, "from 0 to 1"),
        ("sea rating>=6", 4, "from 0"),
        ("sea rating>=4.5", 4, "rating>=4"),
        ("sea rating>", 4, "rating>=4"),
        ("sea duration>5x", 4, "not a duration"),
        ("sea duration>", 4, "duration>30s"),
        ("sea duration>1.5m", 4, "not a duration"),
        ("sea \ud800", 4, "not valid text"),
        ("x" * 1001, 1000, "limit is 1,000"),
        ("-(" * 40 + "a" + ")" * 40, 0, "brackets"),
    ],
)
def test_errors_have_a_position(text: str, position: int, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        read_query(text)
    assert caught.value.position == position


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_any_text_is_an_error_or_survives_printing(text: str) -> None:
    try:
        query = read_query(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)
        assert error.message.endswith((".", "mark."))
        return
    printed = print_query(query)
    assert read_query(printed) == query
    assert print_query(read_query(printed)) == printed


@pytest.mark.slow
@given(QUERIES)
@settings(max_examples=500, deadline=None)
def test_any_query_survives_printing(query: Query) -> None:
    printed = print_query(query)
    assume(len(printed) <= MAX_QUERY_LENGTH)  # numbers may have 300 decimals each
    assert read_query(printed) == query
