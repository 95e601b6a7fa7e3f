"""Photos that look like another: one of the library, or a picture that is not kept."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.browse import grid_cell
from pages.sections.escape_markdown import escape_markdown
from pages.sections.photo_view import open_photo
from pages.sections.problem import show_problem
from pages.sections.thumbnails import thumbnails
from pages.state.address import AddressPart
from pages.state.session import get_gallery, get_services
from pages.widgets.photo_grid import GridStyle, photo_grid
from scene_model.errors import SceneError
from scene_model.search.similar import Similar

# In the address: a link holds a photo's id and nothing else of the library.
LIKE = "like"
_PHOTO_KEY, _PICTURE_KEY = "like_photo", "like_picture"
_MOST = 60


def like_part() -> dict[str, AddressPart]:
    """What the address says of the photo that others are compared with."""
    return {LIKE: AddressPart(_take, _say)}


def stop_comparing() -> None:
    """Go back to what the query line asks."""
    st.session_state.pop(_PHOTO_KEY, None)
    st.session_state[_PICTURE_KEY] = st.session_state.get(_PICTURE_KEY, 0) + 1


def picture_control() -> bytes | None:
    """Take a picture to compare with; returns its bytes, which nothing keeps."""
    # A new number is a new uploader: there is no other way to take a picture out of one.
    number = st.session_state.setdefault(_PICTURE_KEY, 0)
    with st.popover("By a picture", icon=":material/image_search:"):
        file = st.file_uploader(
            "Find photos that look like this picture",
            key=f"{_PICTURE_KEY}_{number}",
            on_change=lambda: st.session_state.pop(_PHOTO_KEY, None),
            max_upload_size=max(1, get_services().classifier.limits.max_file_bytes // 2**20),
        )
        st.caption("It is looked at and let go: it does not come into the library.")
    return None if file is None else file.getvalue()


def show_alike(picture: bytes | None) -> bool:
    """Show what is like the photo or picture asked about; tells whether one was."""
    services = get_services()
    photo_id = st.session_state.get(_PHOTO_KEY)
    if photo_id is None and picture is None:
        return False
    st.button("Back to the query", icon=":material/arrow_back:", on_click=stop_comparing)
    try:
        if photo_id is not None:
            photo = services.library.photo(photo_id)
            thumbnails([photo], height_rem=6)
            st.subheader(f"Similar to “{escape_markdown(photo.name)}”")
            found = services.similar_photos(photo_id, _MOST)
        else:
            st.subheader("Similar to your picture")
            found = services.similar_to_picture(picture or b"", _MOST)
    except SceneError as error:
        show_problem(error)
        return True
    _results(found)
    return True


def _results(found: Sequence[Similar]) -> None:
    gallery = get_gallery()
    if not found:
        st.info("There is no other photo to compare with.", icon=":material/search_off:")
        return
    st.caption(
        f"The {len(found):,} most alike, most alike first. The share is the likeness of what the "
        "network sees: 100% for the same picture."
    )
    ids = [one.photo_id for one in found]
    if st.button(f"Select these {len(ids):,}", icon=":material/select_all:"):
        gallery.select(ids)
        st.switch_page("gallery.py")
    photo_grid(
        list(gallery.library.records(ids)),
        gallery.vocabulary,
        "alike_grid",
        on_open=open_photo,
        look=GridStyle(
            grid_cell(),
            label="Similar photos",
            notes={one.photo_id: f"{max(0.0, one.similarity):.0%} alike" for one in found},
        ),
    )


def _take(said: list[str]) -> None:
    if said:
        st.session_state[_PHOTO_KEY] = said[0]
    else:
        st.session_state.pop(_PHOTO_KEY, None)


def _say() -> list[str]:
    photo_id = st.session_state.get(_PHOTO_KEY)
    return [] if photo_id is None else [photo_id]
