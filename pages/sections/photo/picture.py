"""The picture of one photo by its URL, and the scores of the model in use."""

import html

import streamlit as st

from pages.sections.messages import error_markdown
from pages.state.session import get_gallery, get_services
from pages.widgets.photo_grid import describe
from scene_model.classifier.classify import HeadPredictions
from scene_model.errors import PhotoNotFound, SceneError
from scene_model.library.predictions import predict_stored
from scene_model.library.records import PhotoRecord


def picture_size(photo: PhotoRecord) -> str:
    """Return which picture of a photo to show outside the lightbox: that fetches no original."""
    return "preview" if photo.remote_url is None else "thumbnail"


def show_picture(photo: PhotoRecord) -> None:
    """Show the picture by URL, so that Streamlit does not keep a copy in memory."""
    alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
    st.html(
        f'<img src="/api/photos/{photo.id}/{picture_size(photo)}" alt="{alt}" style="width:100%;'
        'max-height:60vh;object-fit:contain;border-radius:.6rem;background:rgba(128,128,128,.12)">'
    )


def predictions_or_reason(photo: PhotoRecord) -> HeadPredictions | None:
    """Return the predictions of the model in use; show the reason and return None on error."""
    services = get_services()
    try:
        predictions = predict_stored(
            services.library, services.classifier, photo.id
        ).head_predictions
    except PhotoNotFound:
        raise
    except SceneError as error:
        st.info(f"The scores cannot be shown. {error_markdown(error)}", icon=":material/info:")
        return None
    if photo.bundle != services.classifier.bundle_id:
        st.caption(
            "Tagged by another model. The scores below are from the model in use. You can retag "
            "photos on the Model page."
        )
    return predictions
