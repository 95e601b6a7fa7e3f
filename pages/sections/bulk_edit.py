"""Edit the selected photos: tags, class, albums, favourites, trash, undo and redo."""

from collections.abc import Callable

import streamlit as st

from pages.sections.albums.put_in_album import album_tools, put_selection
from pages.sections.browse import grid_key
from pages.sections.label_fields import chosen_class, tag_field
from pages.sections.messages import error_text, escape_markdown
from pages.sections.selection import select, selected_text, stack_menu, teach_button
from pages.sections.trips.put_in_trip import put_in_trip_tools, put_selection_in_trip
from pages.sections.undo_button import note_edit, note_result, note_text
from pages.state.address import note_action
from pages.state.session import get_gallery
from pages.widgets.focus import restore_focus
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.clutter.clutter_edits import set_apart
from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from scene_model.statistics.tag_counts import SelectedTag, count_selected_tags

_PAGE, _TRASHED_KEY = "gallery", "gallery_trashed"
_TYPED_KEY, _CHIP_KEY, _CLASS_KEY = "bulk_tag", "bulk_chip", "bulk_class_choice"
_CHIPS = 14

Decide = Callable[[Library, list[str], str], edits.EditResult]


def undo_buttons(has_keys: bool) -> None:
    """Show both buttons at all times, so that a fast second click does not hit the other one."""
    library = get_gallery().library
    latest, undone = edits.latest_edit(library), edits.latest_undone(library)
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=latest is None,
        help=f"Undo: {escape_markdown(latest)}" if latest else "Nothing to undo",
        shortcut="Z" if has_keys else None,
        key="undo",
        on_click=undo,
    )
    st.button(
        "Redo",
        icon=":material/redo:",
        disabled=undone is None,
        help=f"Redo: {escape_markdown(undone)}" if undone else "Nothing to redo",
        shortcut="Shift+Z" if has_keys else None,
        key="redo",
        on_click=redo,
    )


def undo() -> None:
    """Undo the latest edit."""
    note_action(_PAGE)
    note_result("Undone", edits.undo(get_gallery().library))


def redo() -> None:
    """Redo the edit that was undone last."""
    note_action(_PAGE)
    note_result("Redone", edits.redo(get_gallery().library))


def select_all_button(count: int, has_keys: bool) -> None:
    """Show the button that selects all matching photos. count: how many match, on all pages.

    has_keys: whether keyboard shortcuts are on; False while a dialog is open.
    """
    st.button(
        f"Select all {count:,}",
        icon=":material/select_all:",
        type="tertiary",
        on_click=lambda: select(_PAGE, list(get_gallery().tile_ids())),
        help="All photos that match the filter, not only those on the screen",
        shortcut="A" if has_keys else None,
        disabled=not count,
        key="select_all",
    )


def selection_bar(has_keys: bool) -> None:
    """Show the tools for the selected photos in a bar at the lower edge of the screen.

    has_keys: see `select_all_button`.
    """
    gallery = get_gallery()
    restore_focus(
        "gallery_focus",
        st.session_state.get(_TRASHED_KEY, 0),
        (f".st-key-{grid_key(_PAGE)} >>> .open[tabindex='0']",),
    )
    if not gallery.selection:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="selection_bar"):
        st.markdown(f"**{selected_text()}**", width="content")
        tags = st.popover("Tag", icon=":material/sell:", on_change="rerun", key="bulk_tags")
        if tags.open:
            with tags:
                tag_tools()
        else:
            st.session_state.pop(_TYPED_KEY, None)
        classes = st.popover("Class", icon=":material/folder:", on_change="rerun", key="bulk_class")
        if classes.open:
            with classes:
                _class_tools()
        else:
            st.session_state.pop(_CLASS_KEY, None)
        albums = st.popover(
            "Album", icon=":material/photo_album:", on_change="rerun", key="bulk_albums"
        )
        if albums.open:
            with albums:
                album_menu()
        stack_menu(_PAGE, _edit)
        _favourite_button(has_keys)
        st.button(
            "Trash",
            icon=":material/delete:",
            on_click=_trash_selection,
            help="Moves the selected photos to the trash. You can restore them.",
            shortcut="Delete" if has_keys else None,
        )
        st.button(
            "Clear",
            icon=":material/deselect:",
            on_click=lambda: select(_PAGE, []),
            help="Select no photo",
            shortcut="N" if has_keys else None,
        )


def _favourite_button(has_keys: bool) -> None:
    gallery = get_gallery()
    others = photos.c.id.in_(edits.chosen_ids(gallery.selected_photos())) & ~photos.c.favourite
    are_favourites = not gallery.library.count(others)
    st.button(
        "Favourite",
        icon=":material/favorite:",
        type="primary" if are_favourites else "secondary",
        on_click=_set_favourite,
        args=(not are_favourites,),
        help="Removes the selected photos from the favourites"
        if are_favourites
        else "Adds the selected photos to the favourites. The query is:favourite finds them.",
        shortcut="F" if has_keys else None,
        key="bulk_favourite",
    )


def tag_tools() -> None:
    """Show the tags of the selected photos as chips, and buttons to add or change one."""
    gallery = get_gallery()
    selected = gallery.selected_photos()
    total = len(selected)
    tags = count_selected_tags(gallery.library, selected, _CHIPS)
    chip = None
    if tags:
        counts = {tag.label: tag for tag in tags}
        if st.session_state.get(_CHIP_KEY) not in counts:
            st.session_state[_CHIP_KEY] = None
        chip = st.pills(
            "Tags on the selected photos: ● all, ◐ some",
            list(counts),
            format_func=lambda label: _chip(counts[label], total),
            key=_CHIP_KEY,
            on_change=lambda: st.session_state.update({_TYPED_KEY: None}),
        )
    typed = tag_field(_TYPED_KEY)
    _tag_buttons(typed or chip)
    teach_button(_PAGE)


def album_menu() -> None:
    """Show the tools that put the selected photos into an album or a trip."""
    album_tools("bulk", _put_in_album)
    put_in_trip_tools("bulk", _put_in_trip)


def _chip(tag: SelectedTag, total: int) -> str:
    name = escape_markdown(get_gallery().vocabulary.display_name(tag.label))
    if tag.photo_count == total:
        return f"● {name} · all {total:,}"
    return f"◐ {name} · {tag.photo_count:,} of {total:,}"


def _tag_buttons(label: str | None) -> None:
    is_empty = not label
    with st.container(horizontal=True):
        st.button(
            "Add tag",
            disabled=is_empty,
            on_click=_add_tag,
            args=(label,),
            help="Add this tag to all selected photos",
        )
        for name, edit, help_text in (
            ("Remove tag", edits.remove_tag, "Remove this tag from all selected photos"),
            ("Accept", edits.accept_tag, "Confirm this tag on photos where a model predicted it"),
            ("Reject", edits.reject_tag, "Remove this tag and do not let models add it again"),
        ):
            st.button(name, disabled=is_empty, on_click=_decide, args=(edit, label), help=help_text)


def _class_tools() -> None:
    chosen = chosen_class("Class for the selected photos", _CLASS_KEY)
    with st.container(horizontal=True):
        st.button("Set class", disabled=not chosen, on_click=_set_class, args=(chosen,))
        st.button(
            "Reset to automatic",
            on_click=_set_class,
            args=(None,),
            help="Remove the classes you set and use the predicted ones",
        )
        st.button(
            "Set apart",
            icon=":material/inventory_2:",
            key="bulk_apart",
            on_click=_set_apart,
            help="Clutter: the selected photos leave the timeline. The page Clutter shows them.",
        )


def _add_tag(typed: str) -> None:
    _edit(lambda: get_gallery().add_tag(get_gallery().selected_photos(), typed))


def _decide(edit: Decide, typed: str) -> None:
    gallery = get_gallery()
    label = gallery.vocabulary.canonical(typed)
    _edit(lambda: edit(gallery.library, gallery.selected_photos(), label))


def _set_class(chosen: str | None) -> None:
    _edit(lambda: get_gallery().set_class(get_gallery().selected_photos(), chosen))


def _put_in_album(name: str) -> None:
    _edit(lambda: put_selection(name))


def _put_in_trip(trip_id: int) -> None:
    _edit(lambda: put_selection_in_trip(trip_id))


def _set_favourite(favourite: bool) -> None:
    gallery = get_gallery()
    chosen = gallery.selected_photos()
    _edit(lambda: edits.set_favourite(gallery.library, chosen, favourite))


def _set_apart() -> None:
    gallery = get_gallery()
    if _edit(lambda: set_apart(gallery.library, gallery.selected_photos())):
        gallery.select([])


def _trash_selection() -> None:
    gallery = get_gallery()
    if _edit(lambda: edits.move_to_trash(gallery.library, gallery.selected_photos())):
        gallery.select([])
        st.session_state[_TRASHED_KEY] = st.session_state.get(_TRASHED_KEY, 0) + 1


def _edit(make: Callable[[], edits.EditResult]) -> bool:
    note_action(_PAGE)
    try:
        done = make()
    except SceneError as error:
        note_text(error_text(error))
        return False
    note_edit(done)
    return True
