"""The address of a page says what it shows: a link, a bookmark and going back bring it back."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class AddressPart:
    """One parameter of the address.

    take: puts what the address says into the
    session; none means it says nothing. say: what the address is to say; none for nothing.
    """

    take: Callable[[list[str]], None]
    say: Callable[[], list[str]]


def note_act(page: str) -> None:
    """The visitor did something on a page: the run that follows brings it no other address.

    Of two quick clicks the second may have been sent before the browser had the address that the
    first one wrote; it would bring back what was before.
    """
    st.session_state[_acted_key(page)] = True


def take_address(page: str, parts: dict[str, AddressPart], is_new: bool) -> bool:
    """Follow the address where another than this page changed it; tells whether it did.

    is_new: the session holds nothing of this page yet. What it holds goes before the address
    otherwise: the address is written after each click.
    """
    there = {name: st.query_params.get_all(name) for name in parts}
    has_acted = st.session_state.pop(_acted_key(page), False)
    is_written = there == st.session_state.get(_written_key(page))
    # What was written last is on its way to the browser then, and will be its address.
    st.session_state[_behind_key(page)] = not is_new and has_acted and not is_written
    if not is_new and (has_acted or is_written):
        return False
    for name, part in parts.items():
        part.take(there[name])
    return True


def write_address(page: str, parts: dict[str, AddressPart], has_bound: bool = False) -> None:
    """Let the address say what the page shows now.

    has_bound: Streamlit itself writes another parameter of this page, and lets nobody else do it.
    """
    now = {name: part.say() for name, part in parts.items()}
    st.session_state[_written_key(page)] = now
    there = {name: st.query_params.get_all(name) for name in st.query_params}
    wanted = {name: said for name, said in (there | now).items() if said}
    if wanted == there and not st.session_state.get(_behind_key(page)):
        return
    if not has_bound:
        # At once: each change of the address is one step back for the visitor.
        st.query_params.from_dict(wanted)
        return
    for name in now.keys() & there.keys() - wanted.keys():
        del st.query_params[name]
    st.query_params.update({name: wanted[name] for name in now.keys() & wanted.keys()})


def _acted_key(page: str) -> str:
    return f"{page}_acted"


def _behind_key(page: str) -> str:
    return f"{page}_address_behind"


def _written_key(page: str) -> str:
    return f"{page}_address"
