"""What a page needs from the process (services) and from its session (the gallery)."""

import streamlit as st

from scene_model.config import Settings
from scene_model.gallery.gallery import Gallery
from scene_model.services import Services, open_services

GALLERY_KEY = "gallery"


@st.cache_resource(show_spinner=False)
def get_settings() -> Settings:
    """Read the settings once per process."""
    return Settings.from_environment()


@st.cache_resource(show_spinner="Opening the model and the library …")
def get_services() -> Services:
    """Open classifier, library and job runner once per process; pages and API share them."""
    return open_services(get_settings())


def get_gallery() -> Gallery:
    """Return the session's gallery, opened at its first use."""
    gallery: Gallery | None = st.session_state.get(GALLERY_KEY)
    if gallery is None:
        gallery = get_services().gallery()
        st.session_state[GALLERY_KEY] = gallery
    return gallery
