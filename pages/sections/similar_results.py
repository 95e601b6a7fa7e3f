"""Photos similar to a photo of the library or to an uploaded image, which is not saved."""

from collections.abc import Sequence

import streamlit as st

from pages.sections.browse import grid_row
from pages.sections.messages import counted, escape_markdown, show_error
from pages.sections.photo_view import opener
from pages.state.address import AddressPart
from pages.state.session import get_gallery, get_services
from pages.widgets.photo_grid import GridStyle, photo_grid
from pages.widgets.thumbnails import thumbnails
from scene_model.errors import SceneError
from scene_model.search.similar import Similar, similar_to_photo, similar_to_picture

# The URL parameter; its value is a photo id.
_PARAMETER = "like"
_PHOTO_KEY, _IMAGE_KEY = "like_photo", "like_picture"
_MAX_RESULTS = 60


def similar_address_part() -> dict[str, AddressPart]:
    """Return the URL parameter for the photo that others are compared with."""
    return {_PARAMETER: AddressPart(_apply, _values)}


def stop_comparing() -> None:
    """Go back to the results of the query."""
    st.session_state.pop(_PHOTO_KEY, None)
    st.session_state[_IMAGE_KEY] = st.session_state.get(_IMAGE_KEY, 0) + 1


def image_control() -> bytes | None:
    """Show an uploader for an image to compare with; returns its bytes, which are not saved."""
    # A new number makes a new uploader; Streamlit has no other way to empty one.
    number = st.session_state.setdefault(_IMAGE_KEY, 0)
    with st.popover("Search by image", icon=":material/image_search:"):
        file = st.file_uploader(
            "Find photos similar to this image",
            key=f"{_IMAGE_KEY}_{number}",
            on_change=lambda: st.session_state.pop(_PHOTO_KEY, None),
            max_upload_size=max(1, get_services().classifier.limits.max_file_bytes // 2**20),
        )
        st.caption("The image is only compared, not saved.")
    return None if file is None else file.getvalue()


def show_similar(image: bytes | None) -> bool:
    """Show photos similar to the chosen photo or image; returns False when there is none."""
    services = get_services()
    library, classifier = services.library, services.classifier
    photo_id = st.session_state.get(_PHOTO_KEY)
    if photo_id is None and image is None:
        return False
    st.button("Back to search", icon=":material/arrow_back:", on_click=stop_comparing)
    try:
        if photo_id is not None:
            photo = library.photo(photo_id)
            thumbnails([photo], height_rem=6)
            st.header(f"Similar to “{escape_markdown(photo.name)}”")
            results = similar_to_photo(library, classifier, photo_id, _MAX_RESULTS)
        else:
            st.header("Similar to your image")
            results = similar_to_picture(library, classifier, image or b"", _MAX_RESULTS)
    except SceneError as error:
        show_error(error)
        return True
    _show_results(results)
    return True


def _show_results(results: Sequence[Similar]) -> None:
    gallery = get_gallery()
    if not results:
        st.info(
            "No other photos to compare with. Add more photos on the Classify page.",
            icon=":material/search_off:",
        )
        return
    st.caption(f"{counted(len(results), 'photo')}, most similar first. 100% means the same image.")
    ids = [result.photo_id for result in results]
    if st.button(f"Select {counted(len(ids), 'photo')}", icon=":material/select_all:"):
        gallery.select(ids)
        # Without parameters, Streamlit refuses to leave a page with a query in its URL.
        st.switch_page("gallery.py", query_params={})
    photo_grid(
        list(gallery.library.records(ids)),
        gallery.vocabulary,
        "similar_grid",
        on_open=opener(ids),
        style=GridStyle(
            grid_row(),
            label="Similar photos",
            notes={
                result.photo_id: f"{max(0.0, result.similarity):.0%} similar" for result in results
            },
        ),
    )


def _apply(values: list[str]) -> None:
    if values:
        st.session_state[_PHOTO_KEY] = values[0]
    else:
        st.session_state.pop(_PHOTO_KEY, None)


def _values() -> list[str]:
    photo_id = st.session_state.get(_PHOTO_KEY)
    return [] if photo_id is None else [photo_id]
