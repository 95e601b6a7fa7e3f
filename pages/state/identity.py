"""The signed-in user, if an identity provider is configured (``[auth]`` in Streamlit's secrets).

The API has no `st.user`, so the cookie is read with Streamlit's own private functions. An
unexpected result counts as not signed in.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from streamlit.auth_util import get_origin_from_redirect_uri, get_secrets_auth_section
from streamlit.web.server.starlette import starlette_websocket

from scene_model.config import Settings
from scene_model.errors import InvalidSetting
from scene_model.visitors.keys import owner_name

_USER_COOKIE = "_streamlit_user"

logger = logging.getLogger(__name__)


def login_is_configured() -> bool:
    """Whether an identity provider is configured."""
    return bool(get_secrets_auth_section())


def require_one_server_for_sign_in(settings: Settings) -> None:
    """Raise InvalidSetting for one of several servers: a person signs in on several devices.

    Their cookies differ, so a proxy that spreads visitors by cookie would send the devices of one
    person to several libraries.
    """
    if settings.is_shared and settings.server_name and login_is_configured():
        raise InvalidSetting(
            f"SCENE_SERVER_NAME is {settings.server_name!r}, and sign-in is configured ([auth] in "
            "Streamlit's secrets). With sign-in, one server holds the libraries of all devices of "
            "a person. Unset SCENE_SERVER_NAME, and give each server a host name of its own."
        )


def providers() -> list[str | None]:
    """Return the providers as arguments of `st.login`; None stands for the only one."""
    section = get_secrets_auth_section()
    names = [str(name) for name, value in section.items() if _is_provider(value)]
    return [None] if not names or section.get("client_id") else [*names]


def _is_provider(value: object) -> bool:
    return isinstance(value, Mapping) and "client_id" in value


def signed_in_owner(cookies: Mapping[str, str]) -> str | None:
    """Return the owner name made of issuer and subject; None when nobody is signed in."""
    try:
        signed = starlette_websocket._get_signed_cookie_with_chunks(dict(cookies), _USER_COOKIE)
        user: Any = None if signed is None else json.loads(signed)
        if not isinstance(user, dict) or not user.get("is_logged_in"):
            return None
        if user.get("origin") != get_origin_from_redirect_uri():
            return None
        issuer, subject = user["iss"], user["sub"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        logger.warning("sign-in cookie cannot be read: %r", error)
        return None
    if not (isinstance(issuer, str) and isinstance(subject, str) and issuer and subject):
        return None
    return owner_name("identity", issuer, subject)
