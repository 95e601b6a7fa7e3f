"""The trash: restore photos, or remove them for good after a question."""

import streamlit as st

from pages.sections.problem import told
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.trash import TrashContents, empty_trash, trash_contents

_LISTED = 100
_OPEN_KEY, _ASKED_KEY, _SAID_KEY = "trash_open", "trash_asked", "trash_said"


def open_trash() -> None:
    """Open the trash on this run and on those after, until it is closed."""
    st.session_state[_OPEN_KEY] = True
    st.session_state.pop(_ASKED_KEY, None)


def is_trash_open() -> bool:
    """Tell whether the trash covers the page, whose keys must then rest."""
    return bool(st.session_state.get(_OPEN_KEY))


def show_trash() -> bool:
    """Show the trash when it is open; tells whether it is."""
    if is_trash_open():
        _dialog()
    return is_trash_open()


def _close() -> None:
    for key in (_OPEN_KEY, _ASKED_KEY, _SAID_KEY):
        st.session_state.pop(key, None)


@st.dialog("Trash", width="large", on_dismiss=_close)
def _dialog() -> None:
    if said := st.session_state.pop(_SAID_KEY, None):
        st.info(said)
    # What is removed is what was asked about, not what came in meanwhile.
    asked: TrashContents | None = st.session_state.get(_ASKED_KEY)
    if asked is None:
        _contents()
    else:
        _question(asked)


def _contents() -> None:
    library = get_gallery().library
    contents = trash_contents(library)
    nothing = not contents.photo_ids
    st.caption("The trash is empty." if nothing else "Out of the gallery, but still on disk.")
    with st.container(horizontal=True):
        st.button(
            "Restore all",
            icon=":material/restore_from_trash:",
            disabled=nothing,
            on_click=_restore,
            args=(contents.photo_ids,),
        )
        st.button(
            "Empty the trash …",
            icon=":material/delete_forever:",
            disabled=nothing,
            on_click=_ask,
            args=(contents,),
        )
    for photo in library.records(library.find(trashed=True, limit=_LISTED)):
        name, action = st.columns([4, 1], vertical_alignment="center")
        name.text(photo.name)
        action.button("Restore", key=f"restore_{photo.id}", on_click=_restore, args=((photo.id,),))
    if len(contents.photo_ids) > _LISTED:
        st.caption(f"The first {_LISTED} of {len(contents.photo_ids):,}.")


def _question(asked: TrashContents) -> None:
    count = len(asked.photo_ids)
    photos = "this photo" if count == 1 else f"these {count:,} photos"
    st.warning(
        f"Remove {photos} for good? That frees about {asked.file_bytes / 1e6:,.1f} MB and "
        "cannot be undone.",
        icon=":material/warning:",
    )
    if asked.referenced:
        st.caption(f"The files of {asked.referenced:,} lie outside the library and stay there.")
    with st.container(horizontal=True):
        st.button(
            "Remove for good",
            icon=":material/delete_forever:",
            on_click=_empty,
            args=(asked,),
        )
        st.button("Keep", on_click=_ask, args=(None,))


def _ask(contents: TrashContents | None) -> None:
    st.session_state[_ASKED_KEY] = contents


def _restore(photo_ids: tuple[str, ...]) -> None:
    edits.restore(get_gallery().library, photo_ids)


def _empty(asked: TrashContents) -> None:
    st.session_state[_ASKED_KEY] = None
    try:
        emptied = empty_trash(get_gallery().library, asked.photo_ids)
    except SceneError as error:
        st.session_state[_SAID_KEY] = told(error)
        return
    photos = "photo" if emptied.photo_count == 1 else "photos"
    said = f"{emptied.photo_count:,} {photos} removed, {emptied.freed_bytes / 1e6:,.1f} MB freed."
    if emptied.unremoved_files:
        count = len(emptied.unremoved_files)
        files = "1 file" if count == 1 else f"{count:,} files"
        said += f" {files} could not be removed yet; emptying the trash again retries."
    st.session_state[_SAID_KEY] = said
