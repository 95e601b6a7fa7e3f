"""Chips of classes and tags with counts: one component, drawn without a new element for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets.scripts import SERVER, joined

_HERE = Path(__file__).parent
_chips = st.components.v2.component(
    "scene_gallery_chips",
    css=joined(_HERE / "chips.css"),
    js=joined(SERVER, _HERE / "chips.js"),
)


@dataclass(frozen=True)
class ChipRow:
    """A row of chips. label: what it is called to those who hear it. chips: text by value."""

    label: str
    chips: Mapping[str, str]

    def drawn(self, *, is_many: bool) -> dict[str, Any]:
        """The row as the browser draws it."""
        chips = [{"value": value, "text": text} for value, text in self.chips.items()]
        return {"label": self.label, "isMany": is_many, "chips": chips}


@dataclass(frozen=True)
class Chosen:
    """What is chosen. one: the chip of the first row. many: those of the second one."""

    one: str
    many: Sequence[str]


def chip_rows(
    one: ChipRow, many: ChipRow, chosen: Chosen, key: str, on_choose: Callable[[Chosen], None]
) -> None:
    """Show two rows of chips: one of the first is chosen, any number of the second."""
    heard_key = _heard_key(key)

    def hear() -> None:
        asked = st.session_state[key].get("asked")
        if asked:
            st.session_state[heard_key] = asked["number"]
            on_choose(Chosen(asked["one"], list(asked["many"])))

    said = _chips(
        key=key,
        data={
            "one": one.drawn(is_many=False),
            "many": many.drawn(is_many=True),
            "chosen": {"one": chosen.one, "many": list(chosen.many)},
            "heard": choices_heard(key),
        },
        on_asked_change=hear,
    )
    # After a restart of the server Streamlit has no callback yet when the first click comes: a
    # session that has not drawn these chips before takes up what they say.
    if heard_key not in st.session_state and said.get("asked"):
        hear()
        st.rerun()
    st.session_state.setdefault(heard_key, 0)


def choices_heard(key: str) -> int:
    """The number of the latest choice that the server knows of; 0 for none."""
    return int(st.session_state.get(_heard_key(key), 0))


def _heard_key(key: str) -> str:
    return f"{key}_heard"
