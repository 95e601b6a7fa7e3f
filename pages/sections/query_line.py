"""Controls shared by pages with a query: sort order, completions, error position."""

from collections.abc import Callable

import streamlit as st

from pages.sections.messages import error_markdown, escape_markdown, show_error
from pages.state.address import note_action
from pages.state.session import get_gallery
from scene_model.errors import QueryError
from scene_model.library.sort_order import BEST_MATCH, SORTS, Sort
from scene_model.library.trips.trip_rows import TripState
from scene_model.search.completion import complete

_ORDER_NAMES = {
    "match": "Best match",
    "-added": "Newest added",
    "added": "Oldest added",
    "-taken": "Newest taken",
    "taken": "Oldest taken",
    "name": "Name A to Z",
    "-name": "Name Z to A",
    "-score": "Most confident",
    "score": "Least confident",
    "-size": "Largest first",
    "size": "Smallest first",
}


def order_control(page: str, query: str) -> None:
    """Show the control for the sort order, which all pages of the session share.

    Only a query with words has a best match, and one with an album of a person that album's order.
    """
    gallery, key = get_gallery(), f"{page}_order"

    def choose() -> None:
        note_action(page)
        gallery.sort = st.session_state[key]

    is_album = gallery.has_album_order(query)
    orders = (BEST_MATCH, *SORTS) if is_album or gallery.has_words(query) else SORTS
    st.session_state[key] = gallery.shown_order(query)
    st.selectbox(
        "Order",
        orders,
        format_func=lambda sort: (
            "Album order" if is_album and sort == BEST_MATCH else order_name(sort)
        ),
        key=key,
        on_change=choose,
        width=170,
        label_visibility="collapsed",
    )


def order_name(sort: Sort) -> str:
    """Return the display name of a sort order."""
    return _ORDER_NAMES[str(sort)]


def show_completions(query: str, choose: Callable[[str], None]) -> None:
    """Offer completions of the last word. choose: called with the completed query."""
    gallery = get_gallery()
    completions = complete(
        query,
        gallery.vocabulary,
        gallery.model.albums,
        gallery.count_by_any_tag(),
        count_any=gallery.count_with_any,
        own_albums=[album.name for album in gallery.own_albums()],
        places=gallery.place_names(),
        trips=[trip.title for trip in gallery.trips() if trip.state is not TripState.HIDDEN],
    )
    if not completions:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="suggestions"):
        st.caption("Suggestions", width="content")
        for number, completion in enumerate(completions):
            count = "" if completion.count is None else f" · {completion.count:,}"
            st.button(
                f"{escape_markdown(completion.shown)}{count}",
                key=f"go_on_{number}",
                type="tertiary",
                on_click=choose,
                args=(completion.line,),
            )


def show_passed_over(query: str) -> None:
    """Say which small words of a query are not searched for, and what the best match is like."""
    if text := passed_over_text(query):
        st.caption(text)
    if text := likeness_text(query):
        st.caption(text)


def likeness_text(query: str) -> str:
    """Return Markdown that says which sentences the photos are ranked by; empty without any."""
    gallery, sentences = get_gallery(), _sentences(query)
    if not sentences:
        return ""
    quoted = " and ".join(f"“{escape_markdown(sentence)}”" for sentence in sentences)
    if gallery.shown_order(query) != BEST_MATCH:
        return f"Found by likeness to {quoted}"
    return f"Ranked by likeness to {quoted}"


def passed_over_text(query: str) -> str:
    """Return Markdown that says which small words are not searched for; empty without any.

    Beside a sentence they say nothing: it is read as a whole.
    """
    words = () if _sentences(query) else get_gallery().passed_over(query)
    return f"Ignored words: {', '.join(map(escape_markdown, words))}" if words else ""


def _sentences(query: str) -> tuple[str, ...]:
    try:
        return get_gallery().sentences(query)
    except QueryError:
        return ()


def show_query_error(query: str, error: QueryError, while_typing: bool = False) -> None:
    """Show the error of a query, with a caret at its position.

    while_typing: the query is read at every key, so an error in its last word is shown as a hint.
    """
    if while_typing and _is_in_last_word(query, error):
        st.caption(f":material/edit: {error_markdown(error)}")
        return
    show_error(error)
    # On one line, so that the caret is below the right character.
    line = "".join(" " if character.isspace() else character for character in query)
    st.code(f"{line}\n{' ' * error.position}^", language=None)


def _is_in_last_word(query: str, error: QueryError) -> bool:
    is_open = query.count('"') % 2 == 1  # an open quotation counts as one word
    return is_open or not any(character.isspace() for character in query[error.position :])
