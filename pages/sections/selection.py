"""The session's selection: one for all pages, changed by the grids that show photos."""

from pages.state.address import note_action
from pages.state.session import get_gallery
from pages.widgets.photo_grid import GridSelection


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
