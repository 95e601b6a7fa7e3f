"""Phones that may add photos: their codes, their uploads and the listener in the local network."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.state.session import get_settings, get_visitors, services_of
from scene_model.ingest.phone.codes import PhoneCodes
from scene_model.ingest.phone.lan_listener import LanListener
from scene_model.ingest.phone.phone_uploads import PhoneLibrary, PhoneLimits, PhoneUploads
from scene_model.services import Services


class Phones:
    """What the pages and the routes for phones share."""

    def __init__(self) -> None:
        """Read the codes of an earlier run."""
        settings = get_settings()
        self.codes = PhoneCodes.of(settings)
        limits = PhoneLimits(settings.phone_max_files, settings.phone_max_bytes)
        self.uploads = PhoneUploads(self.codes, limits)
        self.listener = LanListener(self.codes, settings.phone_port)

    def services(self, owner: str) -> Services:
        """Return the services of an owner, opened for storing."""
        return services_of(owner, is_storing=True)

    @contextmanager
    def present(self, owner: str) -> Iterator[None]:
        """Keep an owner's library open for the duration of a request."""
        if not get_settings().is_shared:
            yield
            return
        with get_visitors().present(owner):
            yield

    def end(self, code_id: str, owner: str) -> None:
        """End a code of an owner, and its uploads."""

        def library() -> PhoneLibrary | None:
            if get_settings().is_shared and not get_visitors().has_library(owner):
                return None
            services = services_of(owner)
            return PhoneLibrary(services.uploads, services.jobs)

        self.uploads.end_code(code_id, owner, library)

    def end_inbox(self, code_id: str, owner: str) -> None:
        """End an inbox of an owner; what has arrived is still added."""
        if self.codes.end(code_id, owner) is not None:
            services_of(owner).inboxes.end(code_id)


@st.cache_resource(show_spinner=False)
def get_phones() -> Phones:
    """Read the codes once per process."""
    return Phones()
