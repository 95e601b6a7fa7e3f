"""The albums of one photo, and why it is in them."""

import streamlit as st

from pages.sections.messages import escape_markdown
from pages.state.session import get_gallery
from scene_model.library.records import PhotoRecord


def show_photo_albums(photo: PhotoRecord) -> None:
    """List the albums that a photo is in with the reasons; shows nothing without any."""
    gallery = get_gallery()
    albums = gallery.albums_with(photo)
    if not albums:
        return
    text = " · ".join(f"{album.name} ({album.reason})" for album in albums)
    by_tag_only = [
        escape_markdown(album.name) for album in gallery.model.albums.albums if album.unknowable
    ]
    hint = f" To put a photo in {' or '.join(by_tag_only)}, add that tag." if by_tag_only else ""
    st.caption(
        f":material/photo_album: Albums: {escape_markdown(text)}",
        help="Your own albums, and those of the rules on tags and EXIF. The page Albums shows and "
        "changes both." + hint,
    )
