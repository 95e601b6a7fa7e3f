"""What the pages that take a query share: the order, ways to go on, where a query goes wrong."""

from collections.abc import Callable

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.problem import show_problem, told
from pages.state.address import note_act
from pages.state.session import get_gallery
from scene_model.errors import QueryError
from scene_model.library.sort_order import SORTS, Sort
from scene_model.search.completion import complete

_ORDER_NAMES = {
    "-added": "Newest added",
    "added": "Oldest added",
    "-taken": "Newest taken",
    "taken": "Oldest taken",
    "name": "Name A to Z",
    "-name": "Name Z to A",
    "-score": "Surest first",
    "score": "Least sure first",
    "-size": "Largest first",
    "size": "Smallest first",
}


def order_control(page: str) -> None:
    """Let the visitor choose the order; the session's gallery keeps it for every page."""
    gallery, key = get_gallery(), f"{page}_order"

    def choose() -> None:
        note_act(page)
        gallery.sort = st.session_state[key]

    st.session_state[key] = gallery.sort
    st.selectbox("Order", SORTS, format_func=order_name, key=key, on_change=choose, width=170)


def order_name(sort: Sort) -> str:
    """Return what people read for an order."""
    return _ORDER_NAMES[str(sort)]


def completions(line: str, choose: Callable[[str], None]) -> None:
    """Offer ways to go on with the last word; ``choose`` gets the whole line then."""
    gallery = get_gallery()
    found = complete(line, gallery.vocabulary, gallery.model.albums, gallery.count_by_any_tag())
    if not found:
        return
    with st.container(horizontal=True, gap="small"):
        st.caption("Go on with", width="content")
        for number, way in enumerate(found):
            count = "" if way.count is None else f" · {way.count:,}"
            st.button(
                f"{escape_markdown(way.shown)}{count}",
                key=f"go_on_{number}",
                type="tertiary",
                on_click=choose,
                args=(way.line,),
            )


def show_query_error(query: str, error: QueryError, while_typing: bool = False) -> None:
    """Say what is wrong with a query, and point at the place.

    while_typing: the line is read at every key; what is wrong with its last word is then no
    mistake yet, and said as a hint.
    """
    if while_typing and _is_in_last_word(query, error):
        st.caption(f":material/edit: {escape_markdown(told(error))}")
        return
    show_problem(error)
    # One line, so that the caret stands below the right character.
    line = "".join(" " if character.isspace() else character for character in query)
    st.code(f"{line}\n{' ' * error.position}^", language=None)


def _is_in_last_word(query: str, error: QueryError) -> bool:
    is_open = query.count('"') % 2 == 1  # a quotation that has begun is one word
    return is_open or not any(character.isspace() for character in query[error.position :])
