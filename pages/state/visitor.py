"""Shared mode: sign-in, and a notice with expiry, quota and a download of all photos."""

import datetime

import streamlit as st

from pages.sections.messages import counted, escape_markdown, show_error
from pages.state.identity import login_is_configured, providers
from pages.state.session import get_settings, get_visitors, page_owner
from scene_model.errors import SceneError

_GB = 1e9


def is_shared() -> bool:
    """Whether every visitor has a separate library (shared mode)."""
    return get_settings().is_shared


def require_sign_in() -> bool:
    """Show sign-in buttons if the visitor must sign in; returns whether the page may continue."""
    if not is_shared() or not login_is_configured() or page_owner() is not None:
        return True
    st.title("Scene Gallery")
    st.markdown("Sign in to see your photos. Nobody else on this server can see them.")
    for provider in providers():
        st.button(
            "Sign in"
            if provider is None
            else f"Sign in with {escape_markdown(provider.capitalize())}",
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=() if provider is None else (provider,),
        )
    return False


def show_allowance() -> bool:
    """Show when the library expires, how full it is, and a download of all photos.

    Returns False when there is no library; the reason is then shown on the page.
    """
    if not is_shared():
        return True
    try:
        allowance = get_visitors().allowance(page_owner())
    except SceneError as error:
        show_error(error)
        return False
    settings = get_settings()
    ends = datetime.datetime.fromtimestamp(allowance.expires_at, tz=page_zone())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Only you can see these photos.** They are deleted {_hours(settings.visitor_hours)} "
            f"after your last visit: on {ends:%d %B at %H:%M}, unless you return before then.  \n"
            f"{allowance.photos:,} of {counted(settings.visitor_max_photos, 'photo')} · "
            f"{allowance.file_bytes / _GB:,.2f} of {settings.visitor_max_bytes / _GB:,.2f} GB",
            width="stretch",
        )
        if allowance.photos:
            st.link_button(
                "Download all photos", "/api/library/export.zip", icon=":material/download:"
            )
        if login_is_configured():
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)
    return True


def page_zone() -> datetime.tzinfo:
    """Return the visitor's time zone as reported by the browser, else UTC."""
    offset = st.context.timezone_offset
    if offset is None:
        return datetime.UTC
    return datetime.timezone(datetime.timedelta(minutes=-offset))


def _hours(hours: float) -> str:
    if hours < 1:
        return counted(round(hours * 60), "minute")
    return "1 hour" if hours == 1 else f"{hours:,.4g} hours"
