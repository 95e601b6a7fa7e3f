"""The session's selection: one for all pages, changed by the grids that show photos."""

import streamlit as st

from pages.state.address import note_action
from pages.state.session import get_gallery
from pages.widgets.photo_grid import GridSelection
from scene_model.classifier.taught_head import MAX_EXAMPLES, MIN_EXAMPLES


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
