"""The session's selection: one for all pages, changed by the grids that show photos."""

from collections.abc import Callable

import streamlit as st

from pages.state.address import note_action
from pages.state.session import get_gallery
from pages.widgets.photo_grid import GridSelection
from scene_model.classifier.taught_head import MAX_EXAMPLES, MIN_EXAMPLES
from scene_model.library.edits import EditResult
from scene_model.library.stacks.stack_edits import show_apart, stack_photos_of
from scene_model.library.stacks.stack_rows import stacks_of


def select(page: str, photo_ids: list[str]) -> None:
    """Replace the selection. page: the page whose URL stays as it is."""
    note_action(page)
    get_gallery().select(photo_ids)


def grid_selection(page: str) -> GridSelection:
    """Return the selection for the grid of a page."""

    def change(ids: list[str], page_ids: list[str]) -> None:
        on_page = set(page_ids)
        elsewhere = [photo_id for photo_id in get_gallery().selection if photo_id not in on_page]
        select(page, [*elsewhere, *ids])

    def change_range(first: str, last: str) -> None:
        note_action(page)
        get_gallery().select_between(first, last)

    return GridSelection(get_gallery().selection, change, change_range)


def selected_text() -> str:
    """Return how many photos are selected: "3 selected", or with those behind them in stacks."""
    gallery = get_gallery()
    tiles, photos = len(gallery.selection), len(gallery.selected_photos())
    with_stacks = f" · {photos:,} photos" if photos > tiles else ""
    return f"{tiles:,} selected{with_stacks}"


def stack_menu(page: str, edit: Callable[[Callable[[], EditResult]], bool]) -> None:
    """Show the tools that stack the selected photos, or show the photos of stacks apart.

    edit: makes an edit and says what it did; returns whether it was made.
    """
    gallery = get_gallery()
    stacks = stacks_of(gallery.library, gallery.selection)

    def stack() -> None:
        if edit(lambda: stack_photos_of(gallery.library, gallery.selection)):
            select(page, gallery.selection[:1])

    def apart() -> None:
        edit(lambda: show_apart(gallery.library, gallery.selection))

    with st.popover("Stack", icon=":material/stacks:", key=f"{page}_stacks"):
        st.button(
            "Stack",
            icon=":material/stacks:",
            disabled=len(gallery.selection) < 2,
            on_click=stack,
            help="Show the selected photos as one. The one that was selected first is on top.",
            width="stretch",
            key=f"{page}_stack",
        )
        st.button(
            "Show apart",
            icon=":material/view_module:",
            disabled=not stacks,
            on_click=apart,
            help="Show each photo of the selected stacks for itself. No rule stacks them again.",
            width="stretch",
            key=f"{page}_apart",
        )


def teach_button(page: str) -> None:
    """Show the button that leads to the page Teach, whose examples are the selected photos."""
    is_enough = len(get_gallery().selection) >= MIN_EXAMPLES
    if st.button(
        "Teach a tag from these photos",
        icon=":material/school:",
        type="tertiary",
        disabled=not is_enough,
        help=f"The model learns the tag from {MIN_EXAMPLES} to {MAX_EXAMPLES} selected photos and "
        "adds it to others like them.",
        key=f"{page}_teach",
    ):
        # Without parameters, Streamlit refuses to leave a page with a query in its URL.
        st.switch_page("teach.py", query_params={})
    if not is_enough:
        st.caption(f"Select at least {MIN_EXAMPLES} photos to teach a tag.")
