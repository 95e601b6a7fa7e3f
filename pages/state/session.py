"""Access to the process's services and to the session's gallery."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.state.identity import login_is_configured, signed_in_owner
from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.gallery import Gallery
from scene_model.services import Services, open_services
from scene_model.visitors.visitors import Visitors

_GALLERY_KEY = "gallery"
_OWNER_KEY = "owner"
_SWITCHES_KEY = "library_switches"


@st.cache_resource(show_spinner=False)
def get_settings() -> Settings:
    """Read the settings once per process."""
    return Settings.from_environment()


@st.cache_resource(show_spinner="Opening the model and the library …")
def get_own_services() -> Services:
    """Personal mode: open classifier, library and job runner, once per process."""
    services = open_services(get_settings())
    gc.freeze()  # see `warm_start.freeze_garbage_collector`
    return services


@st.cache_resource(show_spinner="Opening the model …")
def get_visitors() -> Visitors:
    """Shared mode: open what all visitors share and start expiry, once per process."""
    visitors = Visitors(get_settings())
    visitors.start_sweeping()
    return visitors


def owner_of(cookies: Mapping[str, str]) -> str | None:
    """Return the owner for some cookies: by identity if sign-in is configured, else by key."""
    if login_is_configured():
        return signed_in_owner(cookies)
    return get_visitors().keys.owner_of(cookies)


def page_owner() -> str | None:
    """Return the owner of this page's library; None in personal mode or without a valid cookie."""
    return owner_of(st.context.cookies) if get_settings().is_shared else None


def bind_window_to_owner() -> None:
    """Bind this window to its owner; clear the session state of a previous owner."""
    owner = page_owner()
    if st.session_state.get(_OWNER_KEY, owner) != owner:
        st.session_state.clear()
    st.session_state[_OWNER_KEY] = owner
    context = get_script_run_ctx()
    if owner is not None and context is not None:
        get_visitors().windows.note(context.session_id, owner)


def uploader_bytes(windows: Sequence[str]) -> int:
    """Return the bytes that Streamlit's uploader holds in memory for some windows."""
    if not Runtime.exists():
        return 0
    # Private API: without `file_storage`, the result is 0.
    stored: Any = getattr(Runtime.instance().uploaded_file_mgr, "file_storage", {})
    per_window = [list(stored.get(window, {}).values()) for window in windows]
    return sum(len(file.data) for files in per_window for file in files)


def services_of(owner: str | None, is_storing: bool = False) -> Services:
    """Return the services of an owner, in personal mode the only ones.

    is_storing: a visitor without a library gets one; otherwise an empty one that refuses writes.
    Raises VisitorUnknown in shared mode without an owner, or as `Visitors.services`.
    """
    if not get_settings().is_shared:
        return get_own_services()
    return get_visitors().services(owner) if is_storing else get_visitors().view(owner)


def get_services(is_storing: bool = False) -> Services:
    """Return the services of this page's visitor; arguments and errors as `services_of`."""
    return services_of(page_owner(), is_storing)


@contextmanager
def library_in_use() -> Iterator[None]:
    """Keep this visitor's library open while the page runs."""
    owner = page_owner()
    if owner is None:
        yield
        return
    with get_visitors().present(owner):
        yield


def get_classifier() -> Classifier:
    """Return the classifier in use; in shared mode it is the same for all visitors."""
    if get_settings().is_shared:
        return get_visitors().common.model.classifier
    return get_own_services().classifier


def get_gallery(is_storing: bool = False) -> Gallery:
    """Return the session's gallery, opened at first use; arguments as `services_of`."""
    services = get_services(is_storing)
    gallery: Gallery | None = st.session_state.get(_GALLERY_KEY)
    if gallery is not None and gallery.library is services.library:
        return gallery
    if gallery is None:
        gallery = services.gallery()
    else:
        # The library was closed meanwhile and opened again; or it is the visitor's first, or it
        # expired, and the photos selected are gone.
        existing_ids = [photo.id for photo in services.library.records(gallery.selection)]
        gallery = replace(gallery, library=services.library, selection=existing_ids)
        st.session_state[_SWITCHES_KEY] = library_switches() + 1
    st.session_state[_GALLERY_KEY] = gallery
    return gallery


def library_switches() -> int:
    """Return how often the session's gallery got another library: versions begin anew then."""
    switches: int = st.session_state.get(_SWITCHES_KEY, 0)
    return switches
