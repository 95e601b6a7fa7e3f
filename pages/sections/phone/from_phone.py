"""Let a phone add photos: show a code to scan, what arrives by it, and end it."""

import datetime
import ipaddress
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import streamlit as st

from pages.sections.messages import counted, error_markdown, escape_markdown, size_text
from pages.sections.phone.qr_code import qr_svg
from pages.sections.phone.webdav_inbox import webdav_inbox
from pages.state.phones import get_phones
from pages.state.session import page_owner
from pages.state.visitor import is_shared, page_zone
from scene_model.errors import PhoneUnreachable, SceneError
from scene_model.ingest.phone.addresses import LanAddress, lan_addresses
from scene_model.ingest.phone.codes import CodeUse, PhoneCode

_SHOWN_KEY, _ERROR_KEY, _FOLLOWED_KEY = "phone_code_shown", "phone_error", "phone_followed"
_LIFETIMES_S = {"15 minutes": 900, "1 hour": 3_600, "4 hours": 14_400, "1 day": 86_400}
_PATH = "/phone/"
_QR_PIXELS = 280
_NOT_ENCRYPTED = "The connection is not encrypted (HTTP): use it only in a network that you trust."


def from_phone() -> str | None:
    """Show the code of this window, or a form to make one; the other codes in use; the inbox.

    Returns the id of an upload that a phone has begun with this window's code, once.
    """
    st.caption(
        "Scan a code with the phone's camera and choose photos there. The originals come here, and "
        "are sorted here, not on the phone. Whoever has the code can add photos until it ends, and "
        "sees nothing of your library."
    )
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message, icon=":material/error:")
    shown_id, url = st.session_state.get(_SHOWN_KEY, ("", ""))
    codes = get_phones().codes.active(_owner(), CodeUse.PAGE)
    shown = next((code for code in codes if code.id == shown_id), None)
    if shown is not None:
        _show_code(url)
    else:
        st.session_state.pop(_SHOWN_KEY, None)
        _new_code()
    if codes:
        _code_list(_snapshot(codes))
    webdav_inbox()
    return None if shown is None else _new_upload(shown)


def _new_upload(code: PhoneCode) -> str | None:
    newest = code.uploads[-1] if code.uploads else None
    if newest is None or newest == st.session_state.get(_FOLLOWED_KEY):
        return None
    st.session_state[_FOLLOWED_KEY] = newest
    return newest


def _snapshot(codes: list[PhoneCode]) -> list[tuple[str, int]]:
    return [(code.id, len(code.uploads)) for code in codes]


def _owner() -> str:
    return page_owner() or ""


def _new_code() -> None:
    """Ask how long the code is to last, and where the phone is to find this computer."""
    origin = _reachable_origin()
    address: LanAddress | None = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        lifetime = st.selectbox(
            "The code ends after", list(_LIFETIMES_S), index=1, key="phone_lifetime", width=220
        )
        if origin is None and not is_shared():
            addresses = lan_addresses()
            if len(addresses) > 1:
                address = st.selectbox(
                    "Address of this computer",
                    addresses,
                    key="phone_address",
                    format_func=lambda item: f"{item.address} ({item.adapter})",
                    width=320,
                )
            elif addresses:
                address = addresses[0]
    _explain(origin, address)
    st.button(
        "Show code",
        key="phone_new",
        type="primary",
        icon=":material/qr_code_2:",
        disabled=origin is None and address is None,
        on_click=_run,
        args=(partial(_make, _LIFETIMES_S[lifetime], origin, address),),
    )


def _explain(origin: str | None, address: LanAddress | None) -> None:
    """Show the address that the phone will open, or why no phone can reach this computer."""
    if origin is not None:
        if urlsplit(origin).scheme == "http":
            st.caption(f"The phone opens {escape_markdown(origin)}. {_NOT_ENCRYPTED}")
    elif is_shared():
        st.warning(
            "This page was opened under an address that only this computer reaches. Open it under "
            "the server's own name, and make the code there.",
            icon=":material/wifi_off:",
        )
    elif address is None:
        st.warning(
            "This computer has no address in a local network, so no phone can reach it. Connect it "
            "to the Wi-Fi that the phone uses, and reload this page.",
            icon=":material/wifi_off:",
        )
    else:
        st.caption(
            "Scene Gallery answers this computer alone (127.0.0.1). While a code is in use, it "
            f"also answers at {address.address}, so the phone must be in the same Wi-Fi. Only the "
            "upload page and the inbox below are there; the library and these pages are not. A "
            "firewall may ask you to "
            f"allow it. {_NOT_ENCRYPTED}"
        )


def _reachable_origin() -> str | None:
    """Return the origin of this page, if a phone can open it too: not a loopback address."""
    parts = urlsplit(st.context.url or "")
    name = parts.hostname
    if not name or name == "localhost" or name.endswith(".localhost"):
        return None
    try:
        if ipaddress.ip_address(name).is_loopback:
            return None
    except ValueError:
        pass  # a name
    return f"{parts.scheme}://{parts.netloc}"


def _make(lifetime_s: int, origin: str | None, address: LanAddress | None) -> None:
    """Make a code, and listen for phones if this page's address is not for them."""
    phones, owner = get_phones(), _owner()
    lan_address = "" if origin is not None or address is None else address.address
    code, token = phones.codes.make(owner, lifetime_s, lan_address)
    if lan_address:
        try:
            origin = f"http://{lan_address}:{phones.listener.open(lan_address)}"
        except PhoneUnreachable:
            phones.end(code.id, owner)
            raise
    # The fragment stays in the browser: no server and no proxy logs it.
    st.session_state[_SHOWN_KEY] = code.id, f"{origin}{_PATH}#{token}"


def _show_code(url: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        st.image(qr_svg(url), width=_QR_PIXELS, alt="QR code that opens the upload page")
        with st.container(width="stretch"):
            st.markdown(
                "**Point the phone's camera at the code** and open the link. Or send the phone "
                "this link:"
            )
            st.code(url, language=None, wrap_lines=True)
            st.caption(
                "The code is shown here only, and is gone when this page is reloaded; then make "
                "another one."
            )


@st.fragment(run_every="2s")
def _code_list(snapshot: list[tuple[str, int]]) -> None:
    """Show the codes in use; the page runs again when one is over, or a phone begins to send."""
    codes = get_phones().codes.active(_owner(), CodeUse.PAGE)
    if _snapshot(codes) != snapshot or st.session_state.get(_ERROR_KEY):
        st.rerun()
    for code in codes:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(_code_text(code), width="stretch")
            st.button(
                "End now",
                key=f"phone_end_{code.id}",
                icon=":material/phonelink_off:",
                help="The phone can add nothing more; what has arrived is kept.",
                on_click=_run,
                args=(partial(get_phones().end, code.id, _owner()),),
            )


def _code_text(code: PhoneCode) -> str:
    zone = page_zone()
    made, ends = (
        datetime.datetime.fromtimestamp(time, tz=zone) for time in (code.made_at, code.ends_at)
    )
    day = "" if made.date() == ends.date() else "tomorrow at "
    received = f"{counted(code.files, 'file')} received" if code.files else "nothing received yet"
    size = f", {size_text(code.file_bytes)}" if code.files else ""
    return f"Code of {made:%H:%M}, ends {day}{ends:%H:%M} · {received}{size}"


def _run(action: Callable[[], None]) -> None:
    """Do what was clicked; an error is shown with the tab."""
    try:
        action()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
