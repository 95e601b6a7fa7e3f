"""Who has signed in, where Streamlit was given an identity provider (``[auth]`` in its secrets).

The API has no `st.user`, so the cookie is read the way Streamlit reads it. Those functions are
private to Streamlit: an answer that is not as expected counts as nobody.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from streamlit.auth_util import get_origin_from_redirect_uri, get_secrets_auth_section
from streamlit.web.server.starlette import starlette_websocket

from scene_model.visitors.keys import owner_name

_USER_COOKIE = "_streamlit_user"

logger = logging.getLogger(__name__)


def login_is_configured() -> bool:
    """Tell whether an identity provider is set up."""
    return bool(get_secrets_auth_section())


def providers() -> list[str | None]:
    """The providers there are to choose from, as `st.login` takes them; None: the only one."""
    section = get_secrets_auth_section()
    named = [str(name) for name, value in section.items() if _is_provider(value)]
    return [None] if not named or section.get("client_id") else [*named]


def _is_provider(value: object) -> bool:
    return isinstance(value, Mapping) and "client_id" in value


def signed_in_owner(cookies: Mapping[str, str]) -> str | None:
    """Name the owner by the provider and its id for the person; None when nobody signed in."""
    try:
        signed = starlette_websocket._get_signed_cookie_with_chunks(dict(cookies), _USER_COOKIE)
        user: Any = None if signed is None else json.loads(signed)
        if not isinstance(user, dict) or not user.get("is_logged_in"):
            return None
        if user.get("origin") != get_origin_from_redirect_uri():
            return None
        issuer, subject = user["iss"], user["sub"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        logger.warning("who signed in cannot be told: %r", error)
        return None
    if not (isinstance(issuer, str) and isinstance(subject, str) and issuer and subject):
        return None
    return owner_name("identity", issuer, subject)
