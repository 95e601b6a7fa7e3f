"""Rows of chips with counts: one component instead of one Streamlit element per chip."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets.scripts import component_script, join_files

_HERE = Path(__file__).parent
_chips = st.components.v2.component(
    "scene_gallery_chips",
    css=join_files(_HERE / "chips.css"),
    js=component_script(_HERE / "chips.js"),
)


@dataclass(frozen=True)
class ChipRow:
    """A row of chips. label: its accessible name. chips: text by value."""

    label: str
    chips: Mapping[str, str]

    def data(self, *, is_many: bool) -> dict[str, Any]:
        """Return the row as sent to the browser. is_many: whether several chips can be chosen."""
        chips = [{"value": value, "text": text} for value, text in self.chips.items()]
        return {"label": self.label, "isMany": is_many, "chips": chips}


@dataclass(frozen=True)
class ChipChoice:
    """The chosen chips. group: of the first row. single: of the second. multiple: of the third."""

    group: str
    single: str
    multiple: Sequence[str]


@dataclass(frozen=True)
class Fold:
    """How many chips are shown.

    is_unfolded: whether all are, instead of those that fit in one line. has_more: whether there are
    chips that were not sent to the browser. on_change: called with the new `is_unfolded`.
    """

    is_unfolded: bool
    has_more: bool
    on_change: Callable[[bool], None]


def chip_rows(
    group: ChipRow,
    single: ChipRow,
    multiple: ChipRow,
    chosen: ChipChoice,
    key: str,
    on_choose: Callable[[ChipChoice], None],
    fold: Fold,
) -> None:
    """Show three rows of chips; a row without chips is hidden.

    group, single: one chip of each can be chosen. A new choice of a group chooses the first chip of
    `single` too. multiple: any number can be chosen.
    """
    number_key = _number_key(key)

    def receive() -> None:
        choice = st.session_state[key].get("asked")
        if choice:
            st.session_state[number_key] = choice["number"]
            on_choose(ChipChoice(choice["group"], choice["one"], list(choice["many"])))

    def receive_fold() -> None:
        value = st.session_state[key].get("unfolded")
        if value:
            fold.on_change(bool(value["isUnfolded"]))

    state = _chips(
        key=key,
        data={
            "group": group.data(is_many=False),
            "one": single.data(is_many=False),
            "many": multiple.data(is_many=True),
            "chosen": {
                "one": chosen.single,
                "many": list(chosen.multiple),
                "group": chosen.group,
            },
            "heard": last_choice_number(key),
            "unfolded": fold.is_unfolded,
            "has_more": fold.has_more,
        },
        on_asked_change=receive,
        on_unfolded_change=receive_fold,
    )
    # After a restart of the server, Streamlit has no callback yet for the first click: a session
    # that has not drawn these chips before reads their state instead.
    if number_key not in st.session_state and state.get("asked"):
        receive()
        st.rerun()
    st.session_state.setdefault(number_key, 0)


def last_choice_number(key: str) -> int:
    """Return the number of the latest choice received by the server; 0 for none."""
    return int(st.session_state.get(_number_key(key), 0))


def _number_key(key: str) -> str:
    return f"{key}_last_choice"
