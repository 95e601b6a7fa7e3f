"""Missing and doubtful dates in groups by reason, with a proposal where one is known."""

import streamlit as st

from pages.sections.dates.clock_shift import show_clock_shift
from pages.sections.dates.doubt_groups import show_edited, show_group
from pages.sections.dates.found_dates import found_dates
from pages.sections.messages import counted, show_error
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.dates.doubtful import Doubt

_STYLE = ".date-card {font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere}"


def _page() -> None:
    gallery = get_gallery()
    head, tools = st.columns([3, 1], vertical_alignment="bottom")
    with head:
        st.title("Dates")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        undo_button()
    if not gallery.library.count():
        st.info("No photos yet. Add some on the Classify page.", icon=":material/event:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    st.html(f"<style>{_STYLE}</style>")
    dates = found_dates()
    missing = sum(len(g.photos) for g in dates.groups if g.doubt is Doubt.MISSING)
    doubtful = sum(len(g.photos) for g in dates.groups) - missing
    if dates.groups:
        st.markdown(_summary(missing, doubtful))
    else:
        st.success("No photo has a missing or doubtful date.", icon=":material/check_circle:")
    for group in dates.groups:
        show_group(group)
    show_clock_shift(dates.cameras)
    show_edited()


def _summary(missing: int, doubtful: int) -> str:
    has, is_ = "has" if missing == 1 else "have", "is" if doubtful == 1 else "are"
    sentences = [
        *([f"{counted(missing, 'photo')} {has} no date."] if missing else []),
        *([f"{counted(doubtful, 'date')} {is_} doubtful."] if doubtful else []),
    ]
    return " ".join(sentences)


try:
    _page()
except SceneError as error:
    show_error(error)
