"""The editor of one photo's date: in the lightbox, and in a dialog of the page Dates."""

from collections.abc import Callable

import streamlit as st

from pages.sections.dates.date_text import date_source_text, date_text
from pages.sections.messages import error_markdown, escape_markdown
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.dates.date_edits import accept_dates, set_date, withdraw_dates
from scene_model.library.edits import EditResult
from scene_model.library.records import PhotoRecord
from scene_model.photos.dates import PhotoDate

_ERROR = "date_edit_error"


def date_editor(
    photo: PhotoRecord,
    on_done: Callable[[EditResult], None] = lambda _: None,
    proposal: PhotoDate | None = None,
) -> None:
    """Show the date of a photo, where it comes from, and a field to change it.

    on_done: called with the result of an edit. proposal: a date to offer.
    """
    library, key = get_gallery().library, f"date_{photo.id}"

    def run(edit: Callable[[], EditResult]) -> None:
        try:
            done = edit()
        except SceneError as error:
            st.session_state[_ERROR] = error_markdown(error)
            return
        on_done(done)

    def set_typed() -> None:
        typed = str(st.session_state[key])
        if typed.strip() and typed.strip() != _field_text(photo.taken_at):
            run(lambda: set_date(library, [photo.id], typed))

    # Also after an undo, or an edit in another window.
    shown_key, field_text = f"{key}_shown", _field_text(photo.taken_at)
    if st.session_state.get(shown_key) != field_text or key not in st.session_state:
        st.session_state[key] = st.session_state[shown_key] = field_text
    st.text_input(
        "Date taken",
        key=key,
        placeholder="Such as 2024-07-15 12:30",
        help="Year, month and day, and the time if you know it. The file of the photo is not "
        "changed.",
        on_change=set_typed,
    )
    st.caption(escape_markdown(date_source_text(photo)))
    if message := st.session_state.pop(_ERROR, None):
        st.error(message)
    with st.container(horizontal=True):
        if proposal is not None:
            st.button(
                f"Set {escape_markdown(date_text(proposal.taken_at))}",
                key="date_proposed",
                icon=":material/check:",
                on_click=run,
                args=(lambda: accept_dates(library, {photo.id: proposal}),),
            )
        if photo.is_date_decided:
            st.button(
                "Reset date to automatic",
                key="date_auto",
                on_click=run,
                args=(lambda: withdraw_dates(library, [photo.id]),),
            )
        if photo.taken_at is not None:
            st.button(
                "Date not known",
                key="date_none",
                help="Removes a wrong date when you do not know the right one.",
                on_click=run,
                args=(lambda: set_date(library, [photo.id], ""),),
            )


def has_date_error() -> bool:
    """Whether the editor will show that an edit failed."""
    return _ERROR in st.session_state


def _field_text(taken_at: str | None) -> str:
    return date_text(taken_at) if taken_at else ""
