"""Saved searches: save, open, rename and delete them, or make an album of one."""

from collections.abc import Callable

import streamlit as st

from pages.sections.messages import error_markdown, escape_markdown
from pages.sections.query_line import order_name
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.search.saved_searches import (
    MAX_NAME_LENGTH,
    SavedSearch,
    delete_search,
    list_searches,
    rename_search,
)

_NOTICE, _ERROR = "saved_search_notice", "saved_search_error"


def save_control(query: str) -> None:
    """Offer to save the current query with the current sort order."""
    with st.popover("Save", icon=":material/bookmark_add:", disabled=not query):
        with st.form("save_search", border=False):
            st.text_input("Search name", key="save_name", max_chars=MAX_NAME_LENGTH)
            st.form_submit_button("Save search", on_click=_save, args=(query,))
        if message := st.session_state.pop(_ERROR, None):
            st.error(message)


def saved_control(open_search: Callable[[SavedSearch], None]) -> None:
    """List the saved searches. open_search: called with the one that is opened."""
    searches = list_searches(get_gallery().library)
    label = f"Saved ({len(searches)})" if searches else "Saved"
    with st.popover(label, icon=":material/bookmarks:", disabled=not searches):
        for search in searches:
            st.button(
                escape_markdown(search.name),
                key=f"open_search_{search.id}",
                help=f"{escape_markdown(search.query)} · {order_name(search.sort)}",
                on_click=open_search,
                args=(search,),
                width="stretch",
            )
        if searches:
            _change_controls(searches)


def show_notice() -> None:
    """Show the result of the last change of a saved search as a toast."""
    if notice := st.session_state.pop(_NOTICE, None):
        st.toast(notice)


def _change_controls(searches: list[SavedSearch]) -> None:
    names = {search.id: search.name for search in searches}
    st.caption("Rename or delete")
    if st.session_state.get("changed_search") not in names:
        st.session_state["changed_search"] = searches[0].id
    chosen = st.selectbox(
        "Saved search",
        list(names),
        format_func=lambda search_id: names.get(search_id, ""),
        key="changed_search",
        label_visibility="collapsed",
    )
    st.text_input(
        "New name",
        value=names[chosen],
        key=f"new_name_{chosen}_{names[chosen]}",
        max_chars=MAX_NAME_LENGTH,
    )
    with st.container(horizontal=True):
        st.button("Rename", on_click=_rename, args=(chosen, names[chosen]))
        st.button(
            "Delete", icon=":material/delete:", on_click=_delete, args=(chosen, names[chosen])
        )
        st.button(
            "Make album",
            icon=":material/photo_album:",
            on_click=_make_album,
            args=(next(search for search in searches if search.id == chosen),),
            help="An album of this name that shows what the search finds, also photos added later",
        )


def _save(query: str) -> None:
    name = st.session_state["save_name"]
    try:
        saved = get_gallery(is_storing=True).save_search(name, query)
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
        return
    st.session_state["save_name"] = ""
    st.session_state[_NOTICE] = f"Saved as “{escape_markdown(saved.name)}”."


def _rename(search_id: int, old_name: str) -> None:
    new_name = st.session_state[f"new_name_{search_id}_{old_name}"]
    try:
        rename_search(get_gallery().library, search_id, new_name)
    except SceneError as error:
        st.session_state[_NOTICE] = error_markdown(error)
        return
    st.session_state[_NOTICE] = (
        f"Renamed “{escape_markdown(old_name)}” to “{escape_markdown(new_name)}”."
    )


def _make_album(search: SavedSearch) -> None:
    try:
        get_gallery().make_query_album(search.name, search.query, search.sort)
    except SceneError as error:
        st.session_state[_NOTICE] = error_markdown(error)
        return
    st.session_state[_NOTICE] = (
        f"Album “{escape_markdown(search.name)}” made. It follows this search; see the page Albums."
    )


def _delete(search_id: int, name: str) -> None:
    delete_search(get_gallery().library, search_id)
    st.session_state[_NOTICE] = f"Deleted “{escape_markdown(name)}”."
