"""Tools that change a trip: title, a split by day, merging, photos taken out or moved."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pages.sections.albums.put_in_album import album_tools, put_selection
from pages.sections.messages import counted
from pages.sections.selection import select
from pages.sections.trips.put_in_trip import put_in_trip_tools, titles_of_others
from pages.sections.trips.trip_edit import PAGE, edit_trips
from pages.state.session import get_gallery
from scene_model.library.stacks.stack_rows import photos_behind
from scene_model.library.trips.trip_rows import MAX_TITLE_LENGTH, TripRow, TripState
from scene_model.trips.dates_text import short_day_text
from scene_model.trips.trip_details import TripDetails
from scene_model.trips.trip_edits import (
    accept_trips,
    hide_trips,
    merge_trips,
    put_in_trip,
    rename_trip,
    show_trips,
    split_trip,
    take_out_of_trip,
)


def change_control(details: TripDetails, open_trip: Callable[[int], None]) -> None:
    """Show the menu that changes a trip. open_trip: called with 0 for the list."""
    trip, library = details.trip, get_gallery().library
    if trip.state is TripState.PROPOSED:
        st.button(
            "Accept",
            icon=":material/check:",
            type="primary",
            on_click=edit_trips,
            args=(partial(accept_trips, library, [trip.id]),),
            key="accept_open_trip",
            help="Keep this trip: new photos of these days join it, and its title stays",
        )
    with st.popover("Change", icon=":material/edit:", key="change_trip"):
        _title_form(trip)
        _split_control(details)
        _merge_control(trip, open_trip)
        if trip.state is TripState.HIDDEN:
            edit, label, icon = show_trips, "Show again", "visibility"
        else:
            edit, label, icon = hide_trips, "Hide trip", "visibility_off"
        st.button(
            label,
            icon=f":material/{icon}:",
            key="hide_open_trip",
            on_click=edit_trips,
            args=(partial(edit, library, [trip.id]),),
            help="Its photos stay in the library.",
        )


def selection_tools(details: TripDetails) -> None:
    """Show the tools for the selected photos in a bar at the lower edge of the screen."""
    gallery, members = get_gallery(), frozenset(details.photo_ids)
    selected = [photo_id for photo_id in gallery.selection if photo_id in members]
    if not selected:
        return
    behind = [n for n in photos_behind(gallery.library, selected) if n in members]
    with st.container(horizontal=True, vertical_alignment="center", key="trip_selection"):
        st.markdown(f"**{len(selected):,} selected**", width="content")
        st.button(
            "Take out",
            icon=":material/remove_circle:",
            key="trip_take_out",
            on_click=_take_out,
            args=(behind,),
            help=f"Take {counted(len(behind), 'photo')} out of the trip; they stay in the library",
        )
        with st.popover("Album", icon=":material/photo_album:", key="trip_to_album"):
            album_tools("trip", _put_in_album)
            put_in_trip_tools("trip", partial(_move, behind), without=details.trip.id)
        st.button(
            "Clear",
            icon=":material/deselect:",
            on_click=select,
            args=(PAGE, []),
            key="trip_clear",
            help="Select no photo",
        )


def _title_form(trip: TripRow) -> None:
    key = f"trip_title_{trip.id}_{trip.title}"

    def rename() -> None:
        new_title = st.session_state[key]
        edit_trips(lambda: rename_trip(get_gallery().library, trip.id, new_title))

    with st.form("rename_trip", border=False):
        st.text_input("Title", value=trip.title, key=key, max_chars=MAX_TITLE_LENGTH)
        st.form_submit_button("Rename", on_click=rename)


def _split_control(details: TripDetails) -> None:
    days = [day.date for day in details.days if day.date is not None][1:]
    if not days:
        return
    chosen = st.selectbox(
        "Start a new trip on",
        days,
        index=None,
        format_func=short_day_text,
        placeholder="Choose a day",
        key=f"split_day_{details.trip.id}",
    )

    def split() -> None:
        if chosen is not None:
            edit_trips(lambda: split_trip(get_gallery().library, details.trip.id, chosen))

    st.button("Split", disabled=chosen is None, on_click=split, key="split_trip")


def _merge_control(trip: TripRow, open_trip: Callable[[int], None]) -> None:
    trips = get_gallery().trips()
    titles = titles_of_others(_nearest_first(trips, trip), trip.id)
    if not titles:
        return
    chosen = st.selectbox(
        "Merge with",
        list(titles),
        index=None,
        format_func=lambda trip_id: titles.get(trip_id, ""),
        placeholder="Choose a trip",
        key=f"merge_with_{trip.id}",
    )

    def merge() -> None:
        if chosen is None:
            return
        both = [other for other in trips if other.id in (trip.id, chosen)]
        first = min(both, key=lambda other: (other.first_at or "", other.id))
        edit_trips(
            lambda: merge_trips(get_gallery().library, [trip.id, chosen]),
            lambda: open_trip(first.id),
        )

    st.button("Merge", disabled=chosen is None, on_click=merge, key="merge_trips")


def _nearest_first(trips: Sequence[TripRow], trip: TripRow) -> list[TripRow]:
    """Return trips by how many others lie between them and a trip: its neighbours first."""
    ids = [other.id for other in trips]
    index = ids.index(trip.id) if trip.id in ids else 0
    return [other for _, other in sorted(enumerate(trips), key=lambda item: abs(item[0] - index))]


def _take_out(photo_ids: list[str]) -> None:
    gallery = get_gallery()
    others = [photo_id for photo_id in gallery.selection if photo_id not in photo_ids]
    edit_trips(lambda: take_out_of_trip(gallery.library, photo_ids), lambda: gallery.select(others))


def _move(photo_ids: list[str], trip_id: int) -> None:
    gallery = get_gallery()
    edit_trips(lambda: put_in_trip(gallery.library, trip_id, photo_ids), lambda: gallery.select([]))


def _put_in_album(name: str) -> None:
    edit_trips(lambda: put_selection(name))
