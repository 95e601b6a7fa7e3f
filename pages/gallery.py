"""The library as a grid: filter by class, select, correct, remove; every edit can be undone."""

from collections.abc import Callable

import streamlit as st

from pages.components.browse import browse, page_number
from pages.components.photo_view import class_choices, show_open_photo, tag_choices
from pages.components.query_line import order_control
from pages.components.session import get_gallery
from pages.components.trash import open_trash, show_trash
from scene_model.errors import SceneError
from scene_model.gallery import edits
from scene_model.gallery.store import Library

_ALL = "All"


def _page() -> None:
    gallery = get_gallery()
    head, tools = st.columns([3, 2], vertical_alignment="bottom")
    with head:
        st.title("Gallery")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        _undo_buttons()
        _trash_button()
    if notice := st.session_state.pop("gallery_notice", None):
        st.toast(notice)
    counts = gallery.count_by_class("")
    if not counts:
        st.info("No photos yet. Drop some on the first page.", icon=":material/photo_library:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        _dialogs()
        return
    chosen = _class_filter(counts)
    gallery.query = f'class:"{chosen}"' if chosen else ""
    count = gallery.count()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order_control("gallery_order")
        st.caption(f"{count:,} of {sum(counts.values()):,} photos", width="content")
    _selection_tools()
    browse(gallery.query, "gallery", on_select=_selected_on_page)
    _dialogs()


def _dialogs() -> None:
    if not show_trash():  # one at a time
        show_open_photo()


def _class_filter(counts: dict[str, int]) -> str | None:
    names = get_gallery().vocabulary
    options = [_ALL, *counts]

    def said(option: str) -> str:
        if option == _ALL:
            return f"All · {sum(counts.values()):,}"
        return f"{names.display_name(option)} · {counts[option]:,}"

    if st.session_state.get("class_filter") not in options:
        st.session_state["class_filter"] = _ALL
    chosen = st.pills(
        "Class", options, format_func=said, key="class_filter", label_visibility="collapsed"
    )
    return None if chosen in (None, _ALL) else chosen


def _selected_on_page(ids: list[str]) -> None:
    """Take over what one page says is selected, and keep what other pages had."""
    gallery = get_gallery()
    size = int(st.session_state.get("gallery_size", 24))
    number = page_number("gallery")
    here = {photo.id for photo in gallery.page(number, size)}
    kept = [photo_id for photo_id in gallery.selection if photo_id not in here]
    gallery.selection = [*kept, *ids]


def _selection_tools() -> None:
    """One row that is always there, so that the grid stays where it is when photos are chosen."""
    gallery = get_gallery()
    nothing = not gallery.selection
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Select all shown",
            icon=":material/select_all:",
            on_click=lambda: gallery.select(gallery.ids()),
            help="Every photo of the filter, on all pages",
        )
        st.button(
            "Clear",
            icon=":material/deselect:",
            disabled=nothing,
            on_click=lambda: gallery.select([]),
        )
        with st.popover("Tag", icon=":material/sell:", disabled=nothing):
            _tag_tools()
        with st.popover("Class", icon=":material/folder:", disabled=nothing):
            _class_tools()
        st.button(
            "Trash",
            icon=":material/delete:",
            disabled=nothing,
            on_click=_trash_selection,
            help="Take the selected photos out of the gallery; they can be restored",
        )
        st.markdown(f"**{len(gallery.selection):,} selected**", width="content")


def _tag_tools() -> None:
    typed = st.selectbox(
        "Tag for the selected photos",
        tag_choices(),
        index=None,
        format_func=get_gallery().vocabulary.display_name,
        accept_new_options=True,
        placeholder="Choose or type",
        key="bulk_tag",
    )
    with st.container(horizontal=True):
        st.button("Add tag", disabled=not typed, on_click=_add_tag, args=(typed,))
        st.button("Take tag off", disabled=not typed, on_click=_remove_tag, args=(typed,))
        st.button(
            "Confirm",
            disabled=not typed,
            on_click=_decide,
            args=(edits.accept_tag, typed),
            help="Where the model says this tag: yes, it is right",
        )
        st.button(
            "Reject",
            disabled=not typed,
            on_click=_decide,
            args=(edits.reject_tag, typed),
            help="Where the tag is shown: no, it is wrong, whatever a later model says",
        )


def _class_tools() -> None:
    chosen = st.selectbox(
        "Class for the selected photos",
        class_choices(),
        index=None,
        format_func=get_gallery().vocabulary.display_name,
        accept_new_options=True,
        placeholder="Choose or type",
        key="bulk_class",
    )
    st.button("Set class", disabled=not chosen, on_click=_set_class, args=(chosen,))


def _add_tag(typed: str) -> None:
    _edit(lambda: get_gallery().add_tag(get_gallery().selection, typed))


def _remove_tag(typed: str) -> None:
    _decide(edits.remove_tag, typed)


def _decide(make: Callable[[Library, list[str], str], edits.EditDone], typed: str) -> None:
    gallery = get_gallery()
    label = gallery.vocabulary.canonical(typed)
    _edit(lambda: make(gallery.library, gallery.selection, label))


def _set_class(chosen: str) -> None:
    _edit(lambda: get_gallery().set_class(get_gallery().selection, chosen))


def _trash_selection() -> None:
    gallery = get_gallery()
    if _edit(lambda: edits.move_to_trash(gallery.library, gallery.selection)):
        gallery.select([])


def _edit(make: Callable[[], edits.EditDone]) -> bool:
    try:
        done = make()
    except SceneError as error:
        st.session_state["gallery_notice"] = error.message
        return False
    photos = "photo" if done.photo_count == 1 else "photos"
    st.session_state["gallery_notice"] = f"{done.description}: {done.photo_count:,} {photos}."
    return True


def _undo_buttons() -> None:
    library = get_gallery().library
    latest, undone = edits.latest_edit(library), edits.latest_undone(library)
    if st.button(
        "Undo",
        icon=":material/undo:",
        disabled=latest is None,
        help=f"Take back: {latest}" if latest else "Nothing to take back",
    ):
        _say_and_rerun("Taken back", edits.undo(library))
    if undone and st.button("Redo", icon=":material/redo:", help=f"Make again: {undone}"):
        _say_and_rerun("Made again", edits.redo(library))


def _say_and_rerun(what: str, done: edits.EditDone | None) -> None:
    if done is not None:
        st.session_state["gallery_notice"] = f"{what}: {done.description}."
    st.rerun()


def _trash_button() -> None:
    count = get_gallery().library.count(trashed=True)
    if count:
        st.button(f"Trash ({count:,})", icon=":material/delete:", on_click=open_trash)


try:
    _page()
except SceneError as error:
    st.error(error.message, icon=":material/error:")
