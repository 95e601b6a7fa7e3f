"""Take trips away: a ZIP with folders of days, or a sort of the files on this computer."""

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from pages.sections.messages import escape_markdown
from pages.state.session import get_gallery, get_services, get_settings
from scene_model.export.folders import FolderKind
from scene_model.export.sorting.classification import BY_TRIP
from scene_model.export.sorting.layout import TRIP_DAYS_LAYOUT
from scene_model.export.sorting.trip_folders import TripFolders
from scene_model.search.trip_conditions import trip_line
from scene_model.trips.trip_details import TripSummary

_EXPORT_KEY, _EXPORT_BY_KEY = "export_q", "zip_by"
_SORT_KEYS = ("sort_q", "sort_by", "sort_folders")
_MOST_DAYS = 3


def put_in_folders(trips: Sequence[TripSummary], line: str, key: str) -> None:
    """Show a menu that puts trips in folders. line: finds the photos of several trips."""
    query = f"{trip_line(trips[0].trip.title)} -is:apart" if len(trips) == 1 else line
    with st.popover("Put in folders", icon=":material/create_new_folder:", key=key):
        _example(trips[0])
        day_folders(query, key)


def day_folders(query: str, key: str) -> None:
    """Show the ways to put the photos of a query in folders of trips and days."""
    parameters = {"q": query, "sort": str(get_gallery().sort), "by": str(FolderKind.DAY)}
    st.link_button(
        "Download ZIP",
        f"/api/library/export.zip?{urlencode(parameters)}",
        icon=":material/folder_zip:",
        width="stretch",
        help="The original files, a folder for each day, and a table",
    )
    if not get_settings().is_shared and st.button(
        "Sort files on this computer",
        icon=":material/drive_file_move:",
        width="stretch",
        key=f"{key}_sort",
        help="Copies, moves or links the files of a folder. You see the plan first, and can undo.",
    ):
        st.session_state.update(zip(_SORT_KEYS, (query, BY_TRIP, TRIP_DAYS_LAYOUT), strict=True))
        st.switch_page("sort.py", query_params={})
    if st.button(
        "Tables and options", icon=":material/table_view:", width="stretch", key=f"{key}_export"
    ):
        st.session_state.update({_EXPORT_KEY: query, _EXPORT_BY_KEY: str(FolderKind.DAY)})
        st.switch_page("export.py", query_params={})


def _example(summary: TripSummary) -> None:
    """Show which folders the photos of a trip will be in."""
    folders = TripFolders(get_services().library)
    dated = folders.dated_titles().get(summary.trip.title, summary.trip.title)
    days = list(folders.days(summary.trip.id).values())
    lines = [f":material/folder: **{escape_markdown(dated)}**"]
    lines += [f"\u2003:material/folder: {escape_markdown(day)}" for day in days[:_MOST_DAYS]]
    more = len(days) - _MOST_DAYS
    lines += [f"\u2003… {more} more"] if more > 0 else []
    st.markdown("  \n".join(lines))
