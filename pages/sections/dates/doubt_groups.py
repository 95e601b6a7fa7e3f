"""The groups of the page Dates: photos with the date now and the proposed one, and buttons."""

import html
from collections.abc import Sequence

import streamlit as st

from pages.sections.dates.date_editor import date_editor
from pages.sections.dates.date_text import date_text, source_text, sureness_text
from pages.sections.dates.found_dates import DoubtGroup
from pages.sections.messages import counted, escape_markdown, show_error
from pages.sections.photo.picture import picture_size
from pages.sections.undo_button import note_edit
from pages.state.session import get_gallery
from pages.widgets.photo_grid import describe
from scene_model.errors import SceneError
from scene_model.library.dates.date_edits import accept_dates
from scene_model.library.dates.doubtful import APPLIED, Doubt, DoubtfulDate
from scene_model.library.edits import EditResult
from scene_model.library.records import PhotoRecord
from scene_model.photos.dates import PhotoDate
from scene_model.photos.durations import shift_text

_PER_PAGE = 12
_EDITED = "edited_date"
_TITLES = {
    Doubt.MISSING: "No date",
    Doubt.DEFAULT: "Start of a camera's clock",
    Doubt.FUTURE: "Dates in the future",
    Doubt.NAME: "Another date in the file name",
    Doubt.CLOCK: "Wrong clock",
}
_TEXTS = {
    Doubt.MISSING: "Neither the photo nor its name says for sure when it was taken. Such photos "
    "come last in the order by date.",
    Doubt.DEFAULT: "1970, 1980 and 2000 are where the clocks of cameras start after a change of "
    "the battery.",
    Doubt.FUTURE: "These photos would have been taken after they were added.",
    Doubt.NAME: "The date in the photo and the date in its file name are more than a day apart. A "
    "proposal is made where it is clear which one is right.",
}


def show_group(group: DoubtGroup) -> None:
    """Show one group, a page of its photos, and the buttons that set the proposed dates."""
    with st.container(border=True, key=f"doubt_{group.key}"):
        st.subheader(_title(group))
        st.caption(_text(group))
        _group_buttons(group)
        pages = -(-len(group.photos) // _PER_PAGE)
        number = min(int(st.session_state.get(f"dates_page_{group.key}", 1)), pages)
        shown = group.photos[(number - 1) * _PER_PAGE : number * _PER_PAGE]
        _cards(shown)
        if pages > 1:
            st.pagination(pages, key=f"dates_page_{group.key}")


def show_edited() -> None:
    """Show the dialog of the photo whose date is edited, if any."""
    item: DoubtfulDate | None = st.session_state.get(_EDITED)
    if item is not None:
        _dialog(item)


def _title(group: DoubtGroup) -> str:
    count = counted(len(group.photos), "photo")
    if group.clock is None:
        return f"{_TITLES[group.doubt]}: {count}"
    return f"{_TITLES[group.doubt]}: {escape_markdown(group.clock.camera)}, {count}"


def _text(group: DoubtGroup) -> str:
    if group.clock is None:
        return _TEXTS[group.doubt]
    shift, verb = shift_text(group.clock.shift_s), "shows" if group.clock.pairs == 1 else "show"
    text = f"{counted(group.clock.pairs, 'photo')} of this camera {verb} the same as photos of "
    if group.clock.compared is None:
        return (
            f"{text}a phone at another time. The difference is always about the same: "
            f"{escape_markdown(shift)} puts it right."
        )
    return (
        f"{text}{escape_markdown(group.clock.compared)} at another time. The difference is always "
        f"about the same, {escape_markdown(shift)}, but either of the two clocks may be wrong. "
        "Shift this camera here, or the other one below."
    )


def _group_buttons(group: DoubtGroup) -> None:
    proposed = {p.photo_id: p.proposal for p in group.photos if p.proposal is not None}
    sure = {i: date for i, date in proposed.items() if date.confidence >= APPLIED}
    unsure = {i: date for i, date in proposed.items() if i not in sure}
    open_count = len(group.photos) - len(proposed)
    with st.container(horizontal=True, vertical_alignment="center"):
        if sure:
            st.button(
                f"Set {counted(len(sure), 'proposed date')}",
                key=f"set_{group.key}",
                type="primary",
                icon=":material/done_all:",
                on_click=_accept,
                args=(sure,),
                help="You can undo this. The files of the photos are not changed.",
            )
        if unsure:
            st.button(
                f"Set {counted(len(unsure), 'less sure date')}",
                key=f"set_unsure_{group.key}",
                icon=":material/done:",
                on_click=_accept,
                args=(unsure,),
                help="Look at them first: these proposals are often a day or more off.",
            )
        if open_count:
            st.caption(f"No proposal for {counted(open_count, 'photo')}.", width="content")


def _cards(items: Sequence[DoubtfulDate]) -> None:
    records = {r.id: r for r in get_gallery().library.records([i.photo_id for i in items])}
    with st.container(horizontal=True, gap="small"):
        for item in items:
            if item.photo_id in records:
                _card(item, records[item.photo_id])


def _card(item: DoubtfulDate, photo: PhotoRecord) -> None:
    with st.container(width=150, gap="small"):
        alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
        st.html(
            f'<img src="/api/photos/{photo.id}/thumbnail" alt="{alt}" loading="lazy" '
            'style="height:8rem;width:100%;object-fit:contain;border-radius:.4rem;'
            'background:rgba(128,128,128,.12)">'
        )
        st.html(f'<div class="date-card">{_card_text(item)}</div>')
        st.button(
            "Edit date",
            key=f"edit_{item.photo_id[:16]}",
            icon=":material/edit_calendar:",
            on_click=_open,
            args=(item,),
        )


def _card_text(item: DoubtfulDate) -> str:
    now = f"Now: {date_text(item.taken_at)}"
    proposal = "No proposal"
    if item.proposal is not None:
        proposal = f"Proposed: <b>{html.escape(date_text(item.proposal.taken_at))}</b>"
        from_text = source_text(item.proposal.source)
        proposal += f"<br>from {from_text} ({sureness_text(item.proposal.confidence)})"
    return f"{html.escape(item.name)}<br>{html.escape(now)}<br>{proposal}"


def _accept(dates: dict[str, PhotoDate]) -> None:
    note_edit(accept_dates(get_gallery().library, dates))


def _open(item: DoubtfulDate) -> None:
    st.session_state[_EDITED] = item


def _close() -> None:
    st.session_state.pop(_EDITED, None)


@st.dialog("Edit date", on_dismiss=_close)
def _dialog(item: DoubtfulDate) -> None:
    try:
        photo = get_gallery().library.photo(item.photo_id)
    except SceneError as error:
        show_error(error)
        return
    alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
    st.html(
        f'<img src="/api/photos/{photo.id}/{picture_size(photo)}" alt="{alt}" '
        'style="max-height:45vh;width:100%;object-fit:contain">'
    )
    st.text(photo.name)
    date_editor(photo, _noted, item.proposal)
    if st.session_state.get(_EDITED) is None:
        st.rerun()


def _noted(done: EditResult) -> None:
    note_edit(done)
    _close()
