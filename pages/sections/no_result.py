"""Explain why a search found no photos, and offer similar queries that find some."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.state.session import get_gallery
from pages.state.visitor import is_shared
from scene_model.search.no_result import NoResult, OtherQuery


def show_no_result(query: str, choose: Callable[[str], None]) -> bool:
    """Say which terms of a query find nothing. choose: called with the query of a button.

    Returns whether there are such queries. Raises QueryError.
    """
    result = get_gallery().explain_no_result(query)
    st.info(_reason(result), icon=":material/search_off:")
    terms = [term for term in result.terms if term.count]
    if terms:
        counts = (f"{_quoted([term.term])} {counted(term.count, 'photo')}" for term in terms)
        st.caption(f"Alone: {' · '.join(counts)}")
    if _lacks_search_model(result):
        st.caption(
            "A model that reads sentences would also find what photos show, in your own words: "
            "see the page Model."
        )
    with st.container(horizontal=True):
        for number, other in enumerate(result.others):
            st.button(
                _offer(other), key=f"other_query_{number}", on_click=choose, args=(other.line,)
            )
    return bool(result.others)


def _lacks_search_model(result: NoResult) -> bool:
    """Whether words find nothing that a search model might find; visitors cannot add one."""
    is_word = any(":" not in term for term in result.empty_terms)
    return is_word and get_gallery().model.search is None and not is_shared()


def _reason(result: NoResult) -> str:
    if result.empty_terms:
        return f"No photos match {_quoted(result.empty_terms, 'or')}."
    return "No photo has all of these." if len(result.terms) > 1 else "No photos match."


def _offer(other: OtherQuery) -> str:
    without, count = _quoted(other.without, "and"), counted(other.count, "photo")
    if other.sentence:
        return f"Like {_quoted([other.sentence])}: {count}"
    if other.word:
        return f"{_quoted([other.word])} instead of {without}: {count}"
    return f"Without {without}: {count}"


def _quoted(terms: Sequence[str], conjunction: str = "") -> str:
    """Return terms in quotation marks: “sea”, “lake” or “beach”."""
    quoted = [f"“{escape_markdown(term)}”" for term in terms]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {conjunction} {quoted[-1]}"
