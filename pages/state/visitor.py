"""Shared mode: how long a visitor's photos stay, how many may come, and taking all of them away."""

import datetime

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.problem import show_problem
from pages.state.identity import login_is_configured, providers
from pages.state.session import get_settings, get_visitors, page_owner
from scene_model.errors import SceneError

_GB = 1e9


def is_shared() -> bool:
    """Tell whether every visitor has a library of their own."""
    return get_settings().is_shared


def ask_to_sign_in() -> bool:
    """Offer to sign in where a provider is set up; True when nobody needs to."""
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


def stay_notice() -> bool:
    """Say until when the library stays and how full it is, with a download of everything.

    False when there is no library to show; the reason is on the page then.
    """
    if not is_shared():
        return True
    try:
        allowance = get_visitors().allowance(page_owner())
    except SceneError as error:
        show_problem(error)
        return False
    settings = get_settings()
    ends = datetime.datetime.fromtimestamp(allowance.expires_at, tz=_zone())
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Only you see these photos.** They are removed {_hours(settings.visitor_hours)} "
            f"after your last visit: on {ends:%d %B at %H:%M}, unless you come back before.  \n"
            f"{allowance.photos:,} of {settings.visitor_max_photos:,} photos · "
            f"{allowance.file_bytes / _GB:,.2f} of {settings.visitor_max_bytes / _GB:,.2f} GB",
            width="stretch",
        )
        if allowance.photos:
            st.link_button(
                "Download everything", "/api/library/export.zip", icon=":material/download:"
            )
        if login_is_configured():
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)
    return True


def _zone() -> datetime.tzinfo:
    """The visitor's own clock, as far as the browser tells."""
    offset = st.context.timezone_offset
    if offset is None:
        return datetime.UTC
    return datetime.timezone(datetime.timedelta(minutes=-offset))


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:,.0f} minutes"
    return "an hour" if hours == 1 else f"{hours:,.4g} hours"
