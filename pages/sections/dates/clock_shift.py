"""Shift the dates of one camera by a number, with the dates before and after."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages.sections.dates.date_text import date_text
from pages.sections.messages import counted, show_error
from pages.sections.undo_button import note_edit
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.dates.date_edits import dates_of_camera, shift_dates, shifted_dates
from scene_model.photos.dates import PhotoDate
from scene_model.photos.durations import read_shift, shift_text

_SHIFT = "clock_shift"
_SHOWN = 3


def show_clock_shift(cameras: Mapping[str, int]) -> None:
    """Show the choice of a camera and of a shift, and what it would change."""
    if not cameras:
        return
    with st.expander("Shift the clock of one camera", icon=":material/schedule:"):
        st.caption(
            "For a camera whose clock was wrong by a fixed time: after a trip through time zones, "
            "say. All dates that the camera wrote are shifted; the files are not changed."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            camera = st.selectbox(
                "Camera",
                list(cameras),
                format_func=lambda name: f"{name} ({counted(cameras[name], 'photo')})",
                key="clock_camera",
            )
            typed = st.text_input(
                "Later by",
                key=_SHIFT,
                placeholder="7h",
                help="Days, hours, minutes and seconds: 7h, 1h30m, 365d. With a minus for earlier: "
                "-1h.",
            )
        if camera is not None and typed.strip():
            _preview(camera, typed)


def _preview(camera: str, typed: str) -> None:
    seconds = read_shift(typed)
    if not seconds:
        st.error(
            "Write a number with d, h, m or s, such as 7h, 1h30m or -365d.",
            icon=":material/error:",
        )
        return
    try:
        before = dates_of_camera(get_gallery().library, camera)
        after = shifted_dates(before, seconds)
    except SceneError as error:
        show_error(error)
        return
    _table(before, after)
    st.button(
        f"Shift {counted(len(before), 'photo')} by {shift_text(seconds)}",
        key="clock_apply",
        type="primary",
        icon=":material/schedule:",
        on_click=_shift,
        args=(camera, seconds),
    )


def _table(before: Mapping[str, str], after: Mapping[str, PhotoDate]) -> None:
    """Show the first and the last photos with their dates before and after."""
    ids = list(before)
    shown = ids if len(ids) <= 2 * _SHOWN else [*ids[:_SHOWN], *ids[-_SHOWN:]]
    names = {photo.id: photo.name for photo in get_gallery().library.records(shown)}
    rows = {
        "Before": [date_text(before[photo_id]) for photo_id in shown],
        "After": [date_text(after[photo_id].taken_at) for photo_id in shown],
        "Photo": [names[photo_id] for photo_id in shown],
    }
    if len(shown) < len(ids):
        st.caption(f"The first and the last {_SHOWN} of {counted(len(ids), 'photo')}:")
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _shift(camera: str, seconds: int) -> None:
    note_edit(shift_dates(get_gallery().library, camera, seconds))
    st.session_state[_SHIFT] = ""
