"""Put the selected photos into an album, an existing or a new one."""

from collections.abc import Callable

import streamlit as st

from pages.state.session import get_gallery
from scene_model.library.albums.album_edits import (
    MAX_NAME_LENGTH,
    add_to_album,
    clean_album_name,
    create_album,
)
from scene_model.library.edits import EditResult, latest_edit_id
from scene_model.search.own_albums import find_own_album


def album_tools(key: str, put: Callable[[str], None]) -> None:
    """Show a field for an album and a button. put: called with the chosen or typed name."""
    names = [album.name for album in get_gallery().own_albums() if album.query is None]
    name = st.selectbox(
        "Album for the selected photos",
        names,
        index=None,
        accept_new_options=True,
        placeholder="Choose or type an album",
        key=f"{key}_album",
        help=f"Type a new name to make an album, of at most {MAX_NAME_LENGTH} characters.",
    )
    st.button(
        "Add to album",
        disabled=not name,
        on_click=put,
        args=(name,),
        key=f"{key}_add_to_album",
        help="The photos stay where they are; an album only lists them.",
    )


def put_selection(name: str) -> EditResult:
    """Put the selected photos into the album of a name; makes it where there is none.

    Raises InvalidAlbum, or AlbumNotFound for an album that follows a search.
    """
    gallery = get_gallery()
    album = find_own_album(clean_album_name(name), gallery.own_albums())
    if album is not None:
        return add_to_album(gallery.library, album.id, gallery.selected_photos())
    create_album(gallery.library, name, gallery.selected_photos())
    made = f"Album “{clean_album_name(name)}” made"
    return EditResult(made, len(gallery.selected_photos()), latest_edit_id(gallery.library))
