"""The WebDAV inbox: open it for an app, show its address and what arrives, and end it."""

import datetime
from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pages.sections.messages import counted, error_markdown
from pages.state.phones import get_phones
from pages.state.session import get_services
from pages.state.visitor import is_shared, page_zone
from scene_model.errors import PhoneUnreachable, SceneError
from scene_model.ingest.inbox.entries import EntryState
from scene_model.ingest.inbox.inbox import Inbox
from scene_model.ingest.phone.addresses import LanAddress, lan_addresses
from scene_model.ingest.phone.codes import CodeUse, PhoneCode

_SHOWN_KEY, _ERROR_KEY = "inbox_shown", "inbox_error"
_PATH, _USER = "/inbox/", "photos"
# Of the one library in personal mode.
_OWNER = ""
_MAX_REFUSED = 200


def webdav_inbox() -> None:
    """Show the inboxes in use, and a form to open one."""
    with st.expander("Send from an app by WebDAV", icon=":material/move_to_inbox:"):
        if is_shared():
            st.caption("A shared server has no WebDAV inbox. Use a code instead.")
            return
        st.caption(
            "Apps such as PhotoSync, rclone or a file manager can send photos and videos to an "
            "inbox, by themselves and for as long as you like. An inbox only adds: an app sees "
            "the names of what was put there, reads no photo, and removes nothing from the library."
        )
        if message := st.session_state.pop(_ERROR_KEY, None):
            st.error(message, icon=":material/error:")
        codes = get_phones().codes.active(_OWNER, CodeUse.INBOX)
        _show_password([code.id for code in codes])
        if codes:
            _inbox_list([(code.id, code.address) for code in codes])
        _new_inbox(is_first=not codes)


def _new_inbox(is_first: bool) -> None:
    addresses = lan_addresses()
    if not addresses:
        st.warning(
            "This computer has no address in a local network, so no app can reach it. Connect it "
            "to the Wi-Fi that the phone uses, and reload this page.",
            icon=":material/wifi_off:",
        )
        return
    address = addresses[0]
    if is_first:
        st.caption(
            f"While an inbox is open, Scene Gallery also answers at {address.address}, also after "
            "a restart. The connection is not encrypted (HTTP): use it only in a network that you "
            "trust. A firewall may ask you to allow it."
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(addresses) > 1:
            address = st.selectbox(
                "Address for the inbox",
                addresses,
                key="inbox_address",
                format_func=lambda item: f"{item.address} ({item.adapter})",
                width=320,
            )
        st.button(
            "Open an inbox" if is_first else "Open another inbox",
            key="inbox_new",
            icon=":material/add:",
            on_click=_run,
            args=(partial(_make, address),),
        )


def _make(address: LanAddress) -> None:
    phones = get_phones()
    code, password = phones.codes.make_inbox(_OWNER, address.address)
    try:
        phones.listener.open(address.address)
    except PhoneUnreachable:
        phones.codes.end(code.id, _OWNER)
        raise
    st.session_state[_SHOWN_KEY] = code.id, password


def _show_password(ids: list[str]) -> None:
    """Show the address, user name and password of a new inbox, until this page is reloaded."""
    shown_id, password = st.session_state.get(_SHOWN_KEY, ("", ""))
    if shown_id not in ids:
        st.session_state.pop(_SHOWN_KEY, None)
        return
    code = next(c for c in get_phones().codes.active(_OWNER) if c.id == shown_id)
    with st.container(border=True):
        st.markdown("**Enter this in the app**, as a WebDAV server:")
        rows = {"Address": _url(code) or "", "User name": _USER, "Password": password}
        for name, value in rows.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(name, width=100)
                st.code(value, language=None, wrap_lines=True)
        st.caption(
            "The password is shown here only, and is gone when this page is reloaded. The app "
            "keeps it; for another device open another inbox."
        )


def _url(code: PhoneCode) -> str | None:
    port = get_phones().listener.port_of(code.address)
    return None if port is None else f"http://{code.address}:{port}{_PATH}"


@st.fragment(run_every="3s")
def _inbox_list(snapshot: list[tuple[str, str]]) -> None:
    """Show the inboxes in use; the page runs again when one is opened or ended."""
    codes = get_phones().codes.active(_OWNER, CodeUse.INBOX)
    if [(c.id, c.address) for c in codes] != snapshot or st.session_state.get(_ERROR_KEY):
        st.rerun()
    for code in codes:
        try:
            inbox = get_services().inboxes.of(code.id)
        except SceneError as error:
            st.warning(error_markdown(error), icon=":material/warning:")
            return
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(_inbox_text(code, inbox), width="stretch")
                st.button(
                    "End",
                    key=f"inbox_end_{code.id}",
                    icon=":material/phonelink_off:",
                    help="The app can add nothing more; what has arrived is kept.",
                    on_click=_run,
                    args=(partial(get_phones().end_inbox, code.id, _OWNER),),
                )
            _unreachable(code)
            _refused(inbox)


def _inbox_text(code: PhoneCode, inbox: Inbox) -> str:
    made = datetime.datetime.fromtimestamp(code.made_at, tz=page_zone())
    counts = inbox.counts()
    parts = [
        f"{counted(counts[state], 'file')} {text}"
        for state, text in (
            (EntryState.ADDED, "added"),
            (EntryState.KNOWN, "already in the library"),
            (EntryState.WAITING, "being added"),
            (EntryState.REFUSED, "refused"),
        )
        if counts[state]
    ]
    where = _url(code) or f"http://{code.address}"
    return f"{where} · since {made:%d %B %Y, %H:%M} · {', '.join(parts) or 'nothing received yet'}"


def _unreachable(code: PhoneCode) -> None:
    """Say that nothing listens at the address of an inbox, and offer another one."""
    if _url(code) is not None:
        return
    st.warning(
        f"This computer does not have the address {code.address} now, so the inbox is closed. It "
        "opens by itself when the address is back.",
        icon=":material/wifi_off:",
    )
    for address in lan_addresses()[:1]:
        st.button(
            f"Use {address.address} from now on",
            key=f"inbox_move_{code.id}",
            help="The password stays; change the address in the app.",
            on_click=_run,
            args=(partial(_move, code, address.address),),
        )


def _move(code: PhoneCode, address: str) -> None:
    get_phones().codes.move(code.id, _OWNER, address)
    get_phones().listener.open(address)


def _refused(inbox: Inbox) -> None:
    rows = inbox.refused()
    if rows:
        shown = rows[:_MAX_REFUSED]
        names = {"File": [path for path, _ in shown], "Reason": [e.message for _, e in shown]}
        st.dataframe(pd.DataFrame(names), hide_index=True)


def _run(action: Callable[[], None]) -> None:
    """Do what was clicked; an error is shown with the inboxes."""
    try:
        action()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
