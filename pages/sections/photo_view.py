"""The lightbox: one photo on the whole screen, with a drawer to edit it and read about it."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.sections.messages import show_error
from pages.sections.photo.editors import (
    has_edit_error,
    set_favourite,
    set_rating,
    show_editors,
)
from pages.sections.photo.facts import score_tabs, show_details, show_exif, show_tag_sources
from pages.sections.photo.picture import predictions_or_reason
from pages.sections.photo.position import (
    ListPosition,
    Position,
    position_in,
    surroundings,
    without,
)
from pages.sections.photo.stack_tools import show_stack
from pages.state.session import get_gallery
from pages.widgets.lightbox import LAYOUT, LightboxHandlers, LightboxPhotos, lightbox
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord
from scene_model.library.stacks.stack_rows import Stack, stacks_of

_OPEN_KEY, _POSITION_KEY, _OPENING_KEY = "open_photo", "open_photo_position", "open_photo_opening"
_LINK_KEY, _PAGE_KEY = "open_photo_link", "open_photo_page"
_CLOSED_KEY, _DRAWN_KEY = "open_photo_closed", "open_photo_drawn"
_WIDGET_KEY = "lightbox_picture"
# The URL parameter; its value is a photo id. The browser writes it.
_PARAMETER = "photo"


def open_photo(photo_id: str, position: Position | None = None, opening: str | None = None) -> None:
    """Open the lightbox on this and the following runs, until it is closed.

    position: makes Previous and Next go through the results of a query, or through a list.
    opening: what the browser calls this opening, if it shows the photo already.
    """
    st.session_state[_OPEN_KEY] = photo_id
    st.session_state[_POSITION_KEY] = position
    st.session_state[_OPENING_KEY] = opening or uuid.uuid4().hex
    # What was opened last counts, not the photo that the URL still names.
    st.session_state[_LINK_KEY] = st.query_params.get(_PARAMETER)


def opener(ids: Sequence[str]) -> Callable[[str, str], None]:
    """Return a function that opens a photo of a list and goes through that list."""
    listed = tuple(ids)

    def open_listed(photo_id: str, opening: str) -> None:
        # The click may come from a list that the browser showed earlier.
        place = ListPosition(listed, listed.index(photo_id)) if photo_id in listed else None
        open_photo(photo_id, place, opening)

    return open_listed


def is_photo_open() -> bool:
    """Whether the lightbox is open, which turns the page's keyboard shortcuts off.

    A changed URL decides, as it does in `show_open_photo`, which comes later in a run.
    """
    linked = st.query_params.get(_PARAMETER)
    if linked != st.session_state.get(_LINK_KEY):
        return linked is not None
    return st.session_state.get(_OPEN_KEY) is not None


def show_open_photo(query: str | None = None) -> None:
    """Show the photo that is open, by click or by ``?photo=ID`` in the URL.

    The lightbox is on the page while it is closed, too: the browser opens it at a click.
    query: the results that the photo of a URL belongs to; None for a page without results.
    """
    _follow_link(query)
    _close_on_other_page()
    st.session_state.pop(_CLOSED_KEY, None)
    st.html(LAYOUT)
    _lightbox()


def _follow_link(query: str | None) -> None:
    """Open or close the photo if the URL names another one than before.

    The browser changes the parameter without telling the server, which therefore reads only what
    comes from outside: a link, a reload, Back and Forward.
    """
    linked = st.query_params.get(_PARAMETER)
    if linked == st.session_state.get(_LINK_KEY):
        return
    st.session_state[_LINK_KEY] = linked
    if linked is None:
        _close()
    elif linked != st.session_state.get(_OPEN_KEY):
        open_photo(linked, None if query is None else position_in(query, linked))


def _close_on_other_page() -> None:
    """Close the photo if it was open on another page; the browser may have closed it before."""
    context = get_script_run_ctx()
    if context is None or st.session_state.get(_OPEN_KEY) is None:
        return
    opening = st.session_state.setdefault(_OPENING_KEY, uuid.uuid4().hex)
    here = (opening, context.page_script_hash)
    before = st.session_state.setdefault(_PAGE_KEY, here)
    if before[0] == opening and before != here:
        _close()
    else:
        st.session_state[_PAGE_KEY] = here


def _close() -> None:
    for key in (_OPEN_KEY, _POSITION_KEY, _OPENING_KEY):
        st.session_state.pop(key, None)
    if _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]
    st.session_state[_LINK_KEY] = None
    st.session_state[_CLOSED_KEY] = True


@st.fragment
def _lightbox() -> None:
    # Read from the session on each run: other photos rerun only the lightbox.
    photo_id = st.session_state.get(_OPEN_KEY)
    if photo_id is None:
        if st.session_state.pop(_CLOSED_KEY, False):
            st.rerun()  # the page, which may show the edits and has its keyboard shortcuts again
        _draw(None, None)
        return
    try:
        photo = get_gallery().library.photo(photo_id)
    except SceneError as error:
        _draw(None, error)
    else:
        _draw(photo, None)


def _draw(photo: PhotoRecord | None, error: SceneError | None) -> None:
    has_error = error is not None or has_edit_error()
    with st.container(key="lightbox"):
        picture = st.container(key="lightbox_stage")
        with st.container(key="lightbox_drawer"):
            drawer = st.container()
    opening = st.session_state.get(_OPENING_KEY)
    was_drawn = st.session_state.get(_DRAWN_KEY) == opening
    st.session_state[_DRAWN_KEY] = opening
    if not was_drawn:
        with picture:
            _picture(photo, has_error)
    with drawer:
        if error is not None:
            show_error(error)
        if photo is not None:
            _drawer(photo)
        else:
            st.text(" ")  # it keeps its place while the browser is ahead
    # Later the picture comes last: the browser has it already, and it says that the drawer is up
    # to date.
    if was_drawn:
        with picture:
            _picture(photo, has_error)


def _picture(photo: PhotoRecord | None, has_error: bool) -> None:
    gallery, opening = get_gallery(), st.session_state.get(_OPENING_KEY)
    photos = LightboxPhotos(opening, None, 0, [], has_error, {})
    if photo is not None:
        around = surroundings(photo.id, st.session_state.get(_POSITION_KEY))
        st.session_state[_POSITION_KEY] = around.position
        ids = [id_ for _, id_ in around.ids]
        members = {id_: s.photo_ids for id_, s in stacks_of(gallery.library, ids).items()}
        all_ids = dict.fromkeys([*ids, *(id_ for stack in members.values() for id_ in stack)])
        records = {p.id: p for p in gallery.library.records(all_ids)}
        shown = [(index, records[id_]) for index, id_ in around.ids if id_ in records]
        stacks = {
            id_: [records[member] for member in stack if member in records]
            for id_, stack in members.items()
        }
        photos = LightboxPhotos(opening, photo.id, around.count, shown, has_error, stacks)
    handlers = LightboxHandlers(_show, set_favourite, set_rating, _close)
    lightbox(photos, gallery.vocabulary, _WIDGET_KEY, handlers)


def _show(photo_id: str, index: int) -> None:
    """Show another photo of the same results."""
    position: Position | None = st.session_state.get(_POSITION_KEY)
    if position is not None and _OPEN_KEY in st.session_state:
        st.session_state[_OPEN_KEY] = photo_id
        st.session_state[_POSITION_KEY] = replace(position, index=index)


def _drawer(photo: PhotoRecord) -> None:
    stack = stacks_of(get_gallery().library, [photo.id]).get(photo.id)
    st.text(photo.name)
    if stack is not None:
        show_stack(photo, stack)
    show_editors(photo)
    show_exif(photo)
    _file_buttons(photo, stack)
    with st.expander("Tag sources", icon=":material/fact_check:"):
        show_tag_sources(photo)
    with st.expander("Details", icon=":material/info:"):
        show_details(photo)
    predictions = predictions_or_reason(photo)
    if predictions is not None:
        score_tabs(predictions)


def _file_buttons(photo: PhotoRecord, stack: Stack | None) -> None:
    with st.container(horizontal=True):
        st.link_button(
            "Download original",
            f"/api/photos/{photo.id}/original",
            icon=":material/download:",
        )
        if st.button("Find similar", icon=":material/image_search:", key="dialog_similar"):
            _close()
            st.switch_page("search.py", query_params={"like": photo.id})
        if stack is not None:
            st.button(
                f"Move {len(stack.photo_ids)} photos to trash",
                icon=":material/delete:",
                key="dialog_trash_stack",
                on_click=_trash,
                args=(photo.id, stack.photo_ids),
                help="All photos of the stack",
            )
        st.button(
            "Move to trash" if stack is None else "Move only this one to trash",
            icon=":material/delete:",
            key="dialog_trash",
            on_click=_trash,
            args=(photo.id, (photo.id,)),
        )


def _trash(photo_id: str, photo_ids: Sequence[str]) -> None:
    """Move photos to the trash, and show the one after that which is open."""
    edits.move_to_trash(get_gallery().library, photo_ids)
    neighbour = without(photo_id, st.session_state.get(_POSITION_KEY))
    if neighbour is None:
        _close()
    else:
        st.session_state[_OPEN_KEY], st.session_state[_POSITION_KEY] = neighbour
