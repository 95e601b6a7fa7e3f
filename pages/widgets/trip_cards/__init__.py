"""Trips as cards by year: cover, title, days and counts; the whole card opens the trip.

One component draws all of them: as elements of Streamlit, the cards of a page took most of the time
of its script.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from pages.widgets.scripts import component_script, join_files

_HERE = Path(__file__).parent
_trip_cards = st.components.v2.component(
    "scene_gallery_trip_cards",
    css=join_files(_HERE / "trip_cards.css"),
    js=component_script(_HERE / "trip_cards.js"),
)


@dataclass(frozen=True)
class TripCard:
    """One trip. line: its days and counts. cover: the id of a photo; None without photos.

    reasons: why it is proposed; None for a trip that is no proposal.
    """

    id: int
    year: int
    title: str
    line: str
    cover: str | None
    reasons: str | None


@dataclass(frozen=True)
class TripCardHandlers:
    """What is called with the id of a trip when its card or one of its buttons is clicked."""

    open: Callable[[int], None]
    accept: Callable[[int], None]
    hide: Callable[[int], None]


def trip_cards(cards: Sequence[TripCard], key: str, handlers: TripCardHandlers) -> None:
    """Show cards under headings of their years. cards: in the order shown, a year together."""
    by_name = {"open": handlers.open, "accept": handlers.accept, "hide": handlers.hide}
    is_drawn_key = f"{key}_is_drawn"
    by_id = {card.id: card for card in cards}

    def receive() -> None:
        click = st.session_state[key].get("asked")
        card = by_id.get(int(click["id"])) if click else None
        # The second of two quick clicks finds no proposal any more.
        if card is not None and (click["act"] == "open" or card.reasons is not None):
            by_name[click["act"]](card.id)

    state = _trip_cards(
        key=key,
        data={"cards": [asdict(card) for card in cards]},
        on_asked_change=receive,
    )
    # After a restart of the server, Streamlit has no callback yet for the first click.
    if is_drawn_key not in st.session_state:
        st.session_state[is_drawn_key] = True
        if state.get("asked"):
            receive()
            st.rerun()
