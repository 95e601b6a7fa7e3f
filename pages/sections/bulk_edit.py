"""What can be done with the selected photos: tags, class, trash; and taking it back."""

from collections.abc import Callable

import streamlit as st

from pages.sections.photo_view import class_choices, tag_choices
from pages.sections.problem import told
from pages.state.address import note_act
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.store import Library
from scene_model.statistics.tag_counts import SelectedTag, count_selected_tags

_PAGE, _NOTICE = "gallery", "gallery_notice"
_TYPED_KEY, _CHIP_KEY = "bulk_tag", "bulk_chip"
_CHIPS = 14

Decide = Callable[[Library, list[str], str], edits.EditDone]


def show_notice() -> None:
    """Say what was done on the last run."""
    if notice := st.session_state.pop(_NOTICE, None):
        st.toast(notice)


def undo_buttons(has_keys: bool) -> None:
    """Undo and redo, both always there: a quick second click must not meet the other one."""
    library = get_gallery().library
    latest, undone = edits.latest_edit(library), edits.latest_undone(library)
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=latest is None,
        help=f"Take back: {latest}" if latest else "Nothing to take back",
        shortcut="Z" if has_keys else None,
        on_click=undo,
    )
    st.button(
        "Redo",
        icon=":material/redo:",
        disabled=undone is None,
        help=f"Make again: {undone}" if undone else "Nothing to make again",
        shortcut="Shift+Z" if has_keys else None,
        on_click=redo,
    )


def undo() -> None:
    """Take the latest edit back."""
    _say("Taken back", edits.undo(get_gallery().library))


def redo() -> None:
    """Make again what was taken back last."""
    _say("Made again", edits.redo(get_gallery().library))


def selection_tools(count: int, total: int, has_keys: bool) -> None:
    """One row that is always there, so that the grid stays where it is when photos are chosen.

    count: how many of all photos match, on all pages. has_keys: False while a dialog is open.
    """
    gallery = get_gallery()
    nothing = not gallery.selection
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Select all {count:,}",
            icon=":material/select_all:",
            on_click=lambda: _select(gallery.ids()),
            help="Every photo of the filter, on all pages",
            shortcut="A" if has_keys else None,
            key="select_all",
        )
        st.button(
            "Clear",
            icon=":material/deselect:",
            disabled=nothing,
            on_click=lambda: _select([]),
            shortcut="N" if has_keys else None,
        )
        tags = st.popover(
            "Tag", icon=":material/sell:", disabled=nothing, on_change="rerun", key="bulk_tags"
        )
        if tags.open and not nothing:
            with tags:
                tag_tools()
        classes = st.popover(
            "Class", icon=":material/folder:", disabled=nothing, on_change="rerun", key="bulk_class"
        )
        if classes.open and not nothing:
            with classes:
                _class_tools()
        st.button(
            "Trash",
            icon=":material/delete:",
            disabled=nothing,
            on_click=_trash_selection,
            help="Take the selected photos out of the gallery; they can be restored",
            shortcut="Delete" if has_keys else None,
        )
        st.markdown(f"**{len(gallery.selection):,} selected**", width="content")
        st.caption(f"{count:,} of {total:,} photos", width="content")


def _select(photo_ids: list[str]) -> None:
    note_act(_PAGE)
    get_gallery().select(photo_ids)


def tag_tools() -> None:
    """Chips of what is on all or on some of the selected photos, and what to do with one."""
    gallery = get_gallery()
    total = len(gallery.selection)
    there = count_selected_tags(gallery.library, gallery.selection, _CHIPS)
    chip = None
    if there:
        counts = {tag.label: tag for tag in there}
        if st.session_state.get(_CHIP_KEY) not in counts:
            st.session_state[_CHIP_KEY] = None
        chip = st.pills(
            "On the selected photos: ● on all, ◐ on some",
            list(counts),
            format_func=lambda label: _chip(counts[label], total),
            key=_CHIP_KEY,
            on_change=lambda: st.session_state.update({_TYPED_KEY: None}),
        )
    typed = st.selectbox(
        "Tag for the selected photos",
        tag_choices(),
        index=None,
        format_func=gallery.vocabulary.display_name,
        accept_new_options=True,
        placeholder="Choose or type another",
        key=_TYPED_KEY,
    )
    _tag_buttons(typed or chip)


def _chip(tag: SelectedTag, total: int) -> str:
    name = get_gallery().vocabulary.display_name(tag.label)
    if tag.photo_count == total:
        return f"● {name} · all {total:,}"
    return f"◐ {name} · {tag.photo_count:,} of {total:,}"


def _tag_buttons(label: str | None) -> None:
    nothing = not label
    with st.container(horizontal=True):
        st.button(
            "Add tag",
            disabled=nothing,
            on_click=_add_tag,
            args=(label,),
            help="Put it on every selected photo",
        )
        for name, make, says in (
            ("Take tag off", edits.remove_tag, "Off every selected photo"),
            ("Accept", edits.accept_tag, "Where a model says this tag: yes, it is right"),
            ("Reject", edits.reject_tag, "Where the tag is shown: no, whatever a later model says"),
        ):
            st.button(name, disabled=nothing, on_click=_decide, args=(make, label), help=says)


def _class_tools() -> None:
    chosen = st.selectbox(
        "Class for the selected photos",
        class_choices(),
        index=None,
        format_func=get_gallery().vocabulary.display_name,
        accept_new_options=True,
        placeholder="Choose or type",
        key="bulk_class_choice",
    )
    with st.container(horizontal=True):
        st.button("Set class", disabled=not chosen, on_click=_set_class, args=(chosen,))
        st.button(
            "Back to automatic",
            on_click=_set_class,
            args=(None,),
            help="Take your own choices of class back",
        )


def _add_tag(typed: str) -> None:
    _edit(lambda: get_gallery().add_tag(get_gallery().selection, typed))


def _decide(make: Decide, typed: str) -> None:
    gallery = get_gallery()
    label = gallery.vocabulary.canonical(typed)
    _edit(lambda: make(gallery.library, gallery.selection, label))


def _set_class(chosen: str | None) -> None:
    _edit(lambda: get_gallery().set_class(get_gallery().selection, chosen))


def _trash_selection() -> None:
    gallery = get_gallery()
    if _edit(lambda: edits.move_to_trash(gallery.library, gallery.selection)):
        gallery.select([])


def _edit(make: Callable[[], edits.EditDone]) -> bool:
    note_act(_PAGE)
    try:
        done = make()
    except SceneError as error:
        st.session_state[_NOTICE] = told(error)
        return False
    photos = "photo" if done.photo_count == 1 else "photos"
    st.session_state[_NOTICE] = f"{done.description}: {done.photo_count:,} {photos}."
    return True


def _say(what: str, done: edits.EditDone | None) -> None:
    note_act(_PAGE)
    if done is not None:
        st.session_state[_NOTICE] = f"{what}: {done.description}."
