"""What a page needs from the process (services) and from its session (the gallery)."""

import gc
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.state.identity import login_is_configured, signed_in_owner
from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.gallery import Gallery
from scene_model.services import Services, open_services
from scene_model.visitors.keys import COOKIE_NAME
from scene_model.visitors.visitors import Visitors

GALLERY_KEY = "gallery"
_OWNER_KEY = "owner"


@st.cache_resource(show_spinner=False)
def get_settings() -> Settings:
    """Read the settings once per process."""
    return Settings.from_environment()


@st.cache_resource(show_spinner="Opening the model and the library …")
def get_own_services() -> Services:
    """Personal mode: open classifier, library and job runner once per process."""
    services = open_services(get_settings())
    gc.freeze()  # see `warm_start.settle`
    return services


@st.cache_resource(show_spinner="Opening the model …")
def get_visitors() -> Visitors:
    """Shared mode: open once per process what all visitors share, and look after expiry."""
    visitors = Visitors(get_settings())
    visitors.start_sweeping()
    return visitors


def owner_of(cookies: Mapping[str, str]) -> str | None:
    """Tell whose library cookies stand for: the identity's where people sign in, else the key's."""
    if login_is_configured():
        return signed_in_owner(cookies)
    return get_visitors().keys.owner(cookies.get(COOKIE_NAME, ""))


def page_owner() -> str | None:
    """Tell whose library this page is to show; None in personal mode, or when nobody's."""
    return owner_of(st.context.cookies) if get_settings().is_shared else None


def note_whose_window() -> None:
    """Keep whose page this window shows; what it held for another visitor is forgotten."""
    owner = page_owner()
    if st.session_state.get(_OWNER_KEY, owner) != owner:
        st.session_state.clear()
    st.session_state[_OWNER_KEY] = owner
    context = get_script_run_ctx()
    if owner is not None and context is not None:
        get_visitors().windows.note(context.session_id, owner)


def held_bytes(windows: Sequence[str]) -> int:
    """How much Streamlit's own uploader keeps in memory for some windows."""
    if not Runtime.exists():
        return 0
    # Nothing public tells it; where the manager is another one, nothing is counted.
    stored: Any = getattr(Runtime.instance().uploaded_file_mgr, "file_storage", {})
    kept = [list(stored.get(window, {}).values()) for window in windows]
    return sum(len(file.data) for files in kept for file in files)


def services_of(owner: str | None) -> Services:
    """Return the one library there is, or an owner's; raises VisitorUnknown for nobody."""
    if get_settings().is_shared:
        return get_visitors().services(owner)
    return get_own_services()


def get_services() -> Services:
    """Return what this page's visitor works with; pages and API share it."""
    return services_of(page_owner())


def get_classifier() -> Classifier:
    """Return the classifier in use, which belongs to no visitor."""
    if get_settings().is_shared:
        return get_visitors().common.model.classifier
    return get_own_services().classifier


def get_gallery() -> Gallery:
    """Return the session's gallery, opened at its first use."""
    services = get_services()
    gallery: Gallery | None = st.session_state.get(GALLERY_KEY)
    # A library that expired while the window stayed open is closed; a new one stands in its place.
    if gallery is None or gallery.library is not services.library:
        gallery = services.gallery()
        st.session_state[GALLERY_KEY] = gallery
    return gallery
