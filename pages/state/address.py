"""Page state in URL parameters, so that links, bookmarks and the Back button restore it."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class AddressPart:
    """One URL parameter.

    apply: puts the values from the URL into the session; an empty list when the parameter is
    missing. values: returns the values for the URL; an empty list removes the parameter.
    """

    apply: Callable[[list[str]], None]
    values: Callable[[], list[str]]


def note_action(page: str) -> None:
    """Note an action of the visitor, so that the following run ignores the URL of the request.

    Of two fast clicks, the second may be sent before the browser has the URL written after the
    first. That old URL would restore the previous state.
    """
    st.session_state[_action_key(page)] = True


def note_written(page: str, part: str, values: list[str]) -> None:
    """Note that the browser itself has put values into the URL, and so without a history entry."""
    written = st.session_state.get(_written_key(page))
    if written is not None:
        st.session_state[_written_key(page)] = written | {part: values}


def read_address(page: str, parts: dict[str, AddressPart], is_new: bool) -> bool:
    """Apply the URL if it was changed from outside this page; returns whether it was.

    is_new: whether the session has no state of this page yet; the URL is then always applied.
    Otherwise an action of the visitor takes precedence, since the URL is written after each click.
    """
    current = {name: st.query_params.get_all(name) for name in parts}
    has_action = st.session_state.pop(_action_key(page), False)
    is_written = current == st.session_state.get(_written_key(page))
    # The browser has not yet received the URL written last; `write_address` sends it again.
    st.session_state[_behind_key(page)] = not is_new and has_action and not is_written
    if not is_new and (has_action or is_written):
        return False
    for name, part in parts.items():
        part.apply(current[name])
    return True


def write_address(page: str, parts: dict[str, AddressPart], has_bound: bool = False) -> None:
    """Write the state of the page to the URL.

    has_bound: whether Streamlit writes another parameter of this page (``bind="query-params"``),
    which must then not be set here.
    """
    new = {name: part.values() for name, part in parts.items()}
    st.session_state[_written_key(page)] = new
    current = {name: st.query_params.get_all(name) for name in st.query_params}
    merged = {name: values for name, values in (current | new).items() if values}
    if merged == current and not st.session_state.get(_behind_key(page)):
        return
    if not has_bound:
        # In one call: each change of the URL is one entry of the browser's history.
        st.query_params.from_dict(merged)
        return
    for name in new.keys() & current.keys() - merged.keys():
        del st.query_params[name]
    st.query_params.update({name: merged[name] for name in new.keys() & merged.keys()})


def _action_key(page: str) -> str:
    return f"{page}_acted"


def _behind_key(page: str) -> str:
    return f"{page}_address_behind"


def _written_key(page: str) -> str:
    return f"{page}_address"
