"""One query line → the photos it means, out of the tags of every label set."""

import streamlit as st

from pages.components.browse import browse
from pages.components.photo_view import show_open_photo
from pages.components.session import get_gallery
from scene_model.errors import QueryError, SceneError

_EXAMPLES = ("sea", "mountain OR glacier", "flower -street", "class:unsure", "score>=0.9")


def _page() -> None:
    st.title("Search")
    if chosen := st.session_state.pop("example_query", None):
        st.session_state["q"] = chosen
    query = st.text_input(
        "Search by tag, name or class",
        key="q",
        type="search",
        bind="query-params",
        placeholder="beach sunset, mountain OR glacier, -street, class:sea, name:img_20",
        help='Words must all match. OR, -not, (brackets) and "quotes" work; so do tag:, class:, '
        "name:, camera:, is:unsure, is:edited, has:gps and score>=0.8.",
    )
    if not query or not query.strip():
        _examples()
    else:
        _results(query)
    show_open_photo()


def _examples() -> None:
    st.caption("Try one:")
    with st.container(horizontal=True):
        for example in _EXAMPLES:
            st.button(
                example,
                key=f"example_{example}",
                on_click=lambda e=example: st.session_state.update(example_query=e),
            )


def _results(query: str) -> None:
    try:
        count = get_gallery().count(query)
    except QueryError as error:
        st.error(error.message, icon=":material/error:")
        st.code(f"{query}\n{' ' * error.position}^", language=None)
        return
    if not count:
        st.info(
            "No photo matches. Try a shorter query, another word, or one of the examples.",
            icon=":material/search_off:",
        )
        _examples()
        return
    st.caption(f"{count:,} photo{'' if count == 1 else 's'}")
    browse(query, "search")


try:
    _page()
except SceneError as error:
    st.error(error.message, icon=":material/error:")
