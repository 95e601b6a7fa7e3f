"""The summary of new photos: trips, stacks, clutter, what to review; accept all, undo, done."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages.sections.homecoming.trip_strip import trip_strips
from pages.sections.messages import counted, error_markdown
from pages.sections.trips.take_away import put_in_folders
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery, get_services
from pages.state.visitor import is_shared
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.new_photos import accepting_edit, settle
from scene_model.trips.homecoming import Homecoming, accept_all, homecoming
from scene_model.trips.trip_details import TripSummary

_KEY, _ERROR_KEY, _SHOWN_KEY = "homecoming", "homecoming_error", "homecoming_shown"
_LEAST_OF_TRIP = 10
_STYLE = Path(__file__).with_name("homecoming.css")


def show_homecoming() -> None:
    """Show what came in; nothing where nothing is new, or nothing is to be said about it."""
    new, is_changing = _current(), _is_changing()
    st.session_state[_SHOWN_KEY] = new, is_changing
    if _is_worth_it(new, is_changing):
        st.html(_STYLE)
        with st.container(border=True, key="homecoming"):
            _summary(new, is_changing)
    _watch(is_changing)


def _is_worth_it(new: Homecoming, is_changing: bool) -> bool:
    """Whether there is more to say than the results of an upload do."""
    may_be_trip = is_changing and new.photo_count >= _LEAST_OF_TRIP
    return new.photo_count > 1 and (new.has_parts or may_be_trip)


def _summary(new: Homecoming, is_changing: bool) -> None:
    st.header(counted(new.photo_count, "new photo"), anchor=False)
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message)
    if is_changing:
        st.caption(":material/hourglass_top: Trips and stacks are being updated …")
    trip_strips(new.trips)
    _parts(new)
    accepted = accepting_edit(get_gallery().library)
    if accepted is not None:
        st.markdown(f":material/check_circle: **Accepted:** {_accepted_text(new)}")
    with st.container(horizontal=True, vertical_alignment="center", key="homecoming_tools"):
        if new.has_proposals:
            st.button(
                "Accept all",
                icon=":material/done_all:",
                type="primary",
                key="accept_new",
                on_click=_accept,
                args=(new,),
                help=_accept_help(new),
            )
        if accepted is not None:
            _undo_button(accepted)
        if new.trips:
            put_in_folders(new.trips, "is:new -is:apart", "homecoming_folders")
        st.button(
            "Done",
            icon=":material/check:",
            key="settle_new",
            on_click=_settle,
            args=(new,),
            help="Closes this summary. What you did not accept stays proposed on its own page.",
        )


def _parts(new: Homecoming) -> None:
    """Show each part as a link to a closer look."""
    with st.container(horizontal=True, vertical_alignment="center", key="homecoming_parts"):
        if new.trips:
            st.page_link("trips.py", label=_trips_text(new.trips), icon=":material/luggage:")
        if new.stack_count:
            st.page_link(
                "gallery.py",
                label=counted(new.stack_count, "stack"),
                icon=":material/filter_none:",
                query_params={"q": "is:new is:stacked"},
            )
        if new.clutter_count:
            st.page_link(
                "clutter.py",
                label=f"{new.clutter_count:,} may be clutter",
                icon=":material/inventory_2:",
            )
        if new.unsure_count:
            st.page_link(
                "review.py",
                label=f"{new.unsure_count:,} to review",
                icon=":material/rule:",
                query_params={"new": "1"},
            )
        st.page_link(
            "gallery.py",
            label="All new photos",
            icon=":material/photo_library:",
            query_params={"q": "is:new"},
        )


def _trips_text(trips: Sequence[TripSummary]) -> str:
    days = f" of {counted(trips[0].day_count, 'day')}" if len(trips) == 1 else ""
    return f"{counted(len(trips), 'trip')}{days}"


def _accepted_text(new: Homecoming) -> str:
    accepted = len(new.trips) - len(new.proposed_trips)
    parts = [counted(accepted, "trip")] if accepted else []
    parts += [f"{counted(new.apart_count, 'photo')} set apart"] if new.apart_count else []
    return ", ".join(parts)


def _accept_help(new: Homecoming) -> str:
    parts = []
    if new.proposed_trips:
        parts.append(f"keeps {counted(len(new.proposed_trips), 'proposed trip')}")
    if new.clutter_count:
        parts.append(f"takes {counted(new.clutter_count, 'photo')} out of the timeline")
    text = " and ".join(parts)
    return f"{text.capitalize()}. Nothing is deleted, and one Undo takes it back."


def _undo_button(edit_id: int) -> None:
    is_latest = edits.latest_edit_id(get_gallery().library) == edit_id
    st.button(
        "Undo",
        icon=":material/undo:",
        key="undo_new",
        disabled=not is_latest,
        on_click=_undo,
        args=(edit_id,),
        help="Takes back all of what you accepted here"
        if is_latest
        else "You changed photos since. Undo these changes first, in the gallery.",
    )


def _accept(new: Homecoming) -> None:
    trip_ids = [summary.trip.id for summary in new.proposed_trips]
    _change(partial(accept_all, get_gallery().library, trip_ids, new.last))


def _undo(edit_id: int) -> None:
    _change(partial(edits.undo, get_gallery().library, edit_id))


def _settle(new: Homecoming) -> None:
    _change(partial(settle, get_gallery().library, new.last))


def _change(change: Any) -> None:
    try:
        change()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)


def _current() -> Homecoming:
    """Return what is new; it is counted again when the library changed."""
    key = cache_key()
    cached: tuple[Any, Homecoming] | None = st.session_state.get(_KEY)
    if cached is None or cached[0] != key:
        cached = st.session_state[_KEY] = (key, homecoming(get_gallery().library))
    return cached[1]


def _is_changing() -> bool:
    services = get_services()
    return services.trips.is_running or services.jobs.is_working()


def _watch(is_changing: bool) -> None:
    """Run the page again when something else came in, or when trips are up to date.

    Each look is a visit: on a shared server, where photos come only from the visitor, an open
    window would keep them from expiring.
    """
    if is_changing:
        _watch_closely()
    elif not is_shared():
        _watch_calmly()


@st.fragment(run_every="1s")
def _watch_closely() -> None:
    _rerun_if_other()


@st.fragment(run_every="10s")
def _watch_calmly() -> None:
    _rerun_if_other()


def _rerun_if_other() -> None:
    if st.session_state.get(_SHOWN_KEY) != (_current(), _is_changing()):
        st.rerun()
