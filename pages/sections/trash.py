"""The trash: restore photos, or delete them permanently after confirmation."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.messages import counted, error_markdown
from pages.state.session import get_gallery, get_services
from pages.widgets.focus import restore_focus
from pages.widgets.photo_grid import GridSelection, GridStyle, photo_grid
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord
from scene_model.library.trash import TrashContents, empty_trash, trash_contents

_MAX_LISTED = 100
_OPEN_KEY, _CONFIRM_KEY, _NOTICE_KEY = "trash_open", "trash_confirm", "trash_notice"
_SELECTION_KEY, _ACTION_KEY, _CLOSED_KEY = "trash_selection", "trash_action", "trash_closed"


def open_trash() -> None:
    """Open the trash on this and the following runs, until it is closed."""
    st.session_state[_OPEN_KEY] = True
    st.session_state.pop(_CONFIRM_KEY, None)


def is_trash_open() -> bool:
    """Whether the trash covers the page; the page's keyboard shortcuts are off then."""
    return bool(st.session_state.get(_OPEN_KEY))


def show_trash() -> None:
    """Show the trash if it is open."""
    if is_trash_open():
        _dialog()
    restore_focus(
        "trash_closed_focus",
        st.session_state.get(_CLOSED_KEY, 0),
        (".st-key-open_trash button", ".st-key-gallery_grid >>> .open[tabindex='0']"),
    )


def _close() -> None:
    for key in (_OPEN_KEY, _CONFIRM_KEY, _NOTICE_KEY, _SELECTION_KEY):
        st.session_state.pop(key, None)
    _count(_CLOSED_KEY)


def _count(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


@st.dialog("Trash", width="large", on_dismiss=_close)
def _dialog() -> None:
    if notice := st.session_state.pop(_NOTICE_KEY, None):
        st.info(notice)
    # Only the photos shown in the question are deleted, not those trashed since.
    to_confirm: TrashContents | None = st.session_state.get(_CONFIRM_KEY)
    if to_confirm is None:
        _contents()
    else:
        _confirmation(to_confirm)


def _contents() -> None:
    library = get_gallery().library
    contents = trash_contents(library)
    is_empty = not contents.photo_ids
    st.caption(
        "The trash is empty."
        if is_empty
        else "Photos in the trash are hidden from the gallery but still on disk. Click photos to "
        "select those to restore."
    )
    listed = list(library.records(library.find(trashed=True, limit=_MAX_LISTED)))
    selected = _selected(listed)
    with st.container(horizontal=True):
        st.button(
            f"Restore {counted(len(selected), 'photo')}" if selected else "Restore selected",
            icon=":material/restore_from_trash:",
            type="primary",
            disabled=not selected,
            key="trash_restore",
            on_click=_restore,
            args=(selected,),
        )
        st.button(
            "Restore all",
            icon=":material/restore_from_trash:",
            disabled=is_empty,
            key="trash_restore_all",
            on_click=_restore,
            args=(contents.photo_ids,),
        )
        st.button(
            "Empty trash …",
            icon=":material/delete_forever:",
            disabled=is_empty,
            on_click=_confirm,
            args=(contents,),
        )
    if listed:
        photo_grid(
            listed,
            get_gallery().vocabulary,
            "trash_grid",
            on_open=lambda photo_id, _opening: _toggle(photo_id),
            opens_photos=False,
            selection=GridSelection(
                selected, lambda ids, _: st.session_state.update({_SELECTION_KEY: ids})
            ),
            style=GridStyle(row="8rem", label="Photos in the trash"),
        )
    if len(contents.photo_ids) > _MAX_LISTED:
        st.caption(f"Showing {_MAX_LISTED} of {len(contents.photo_ids):,} photos.")
    restore_focus(
        "trash_focus",
        st.session_state.get(_ACTION_KEY, 0),
        (".st-key-trash_restore_all button:enabled", "[role=dialog] button[aria-label=Close]"),
    )


def _selected(listed: Sequence[PhotoRecord]) -> tuple[str, ...]:
    """Return the selected photos that are still in the trash."""
    chosen = frozenset(st.session_state.get(_SELECTION_KEY, ()))
    return tuple(photo.id for photo in listed if photo.id in chosen)


def _toggle(photo_id: str) -> None:
    """Select the clicked photo, or no longer: within this dialog it cannot open."""
    chosen = list(st.session_state.get(_SELECTION_KEY, ()))
    others = [other for other in chosen if other != photo_id]
    st.session_state[_SELECTION_KEY] = others if photo_id in chosen else [*others, photo_id]


def _confirmation(contents: TrashContents) -> None:
    count = len(contents.photo_ids)
    photos = "this photo" if count == 1 else f"these {count:,} photos"
    st.warning(
        f"Delete {photos} permanently? This frees about {contents.file_bytes / 1e6:,.1f} MB and "
        "cannot be undone.",
        icon=":material/warning:",
    )
    if contents.referenced:
        verb = "is" if contents.referenced == 1 else "are"
        st.caption(
            f"{counted(contents.referenced, 'original file')} {verb} outside the library and will "
            "not be deleted."
        )
    with st.container(horizontal=True):
        st.button(
            "Delete permanently",
            icon=":material/delete_forever:",
            on_click=_empty,
            args=(contents,),
        )
        st.button("Cancel", on_click=_confirm, args=(None,))


def _confirm(contents: TrashContents | None) -> None:
    st.session_state[_CONFIRM_KEY] = contents


def _restore(photo_ids: tuple[str, ...]) -> None:
    edits.restore(get_gallery().library, photo_ids)
    # Photos in the trash are not embedded for the search.
    get_services().search_choice.embed_new()
    _count(_ACTION_KEY)


def _empty(contents: TrashContents) -> None:
    st.session_state[_CONFIRM_KEY] = None
    try:
        emptied = empty_trash(get_gallery().library, contents.photo_ids)
    except SceneError as error:
        st.session_state[_NOTICE_KEY] = error_markdown(error)
        return
    freed_mb = emptied.freed_bytes / 1e6
    notice = f"{counted(emptied.photo_count, 'photo')} deleted, {freed_mb:,.1f} MB freed."
    if emptied.unremoved_files:
        notice += (
            f" {counted(len(emptied.unremoved_files), 'file')} could not be deleted; "
            "empty the trash again to retry."
        )
    st.session_state[_NOTICE_KEY] = notice
