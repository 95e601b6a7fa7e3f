"""Photos on a map, and those of the area on the screen beside it."""

from pathlib import Path

import streamlit as st

from pages.sections.messages import counted, escape_markdown, show_error
from pages.sections.photo.position import QueryPosition
from pages.sections.photo_view import open_photo, show_open_photo
from pages.sections.query_line import show_query_error
from pages.state.address import AddressPart, note_action, read_address, write_address
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from pages.widgets.map import MapView, OpenedCluster, photo_map
from pages.widgets.photo_grid import GridStyle, photo_grid
from pages.widgets.stack_marks import stack_marks, tiles_text
from scene_model.errors import QueryError, SceneError
from scene_model.library.stacks.stack_rows import stacks_of
from scene_model.search.query_values import Box, read_box

_NAME, _QUERY_KEY = "map", "filter"
# The area on the screen, as text; the number of jumps to another one; the opened cluster.
_AREA_KEY, _MOVE_KEY, _OPENED_KEY = "map_area", "map_move", "map_opened"
# What the browser said last: the component repeats it in every run.
_TOLD_KEY = "map_told"
_MOST_PHOTOS = 60
_HEIGHT = "max(70dvh, calc(100dvh - 11.5rem))"


def _page() -> None:
    st.html(Path(__file__).with_name("map.css"))
    parts = {"within": AddressPart(_apply_area, _area_values)}
    read_address(_NAME, parts, is_new=_MOVE_KEY not in st.session_state)
    with st.container(horizontal=True, vertical_alignment="center", key="map_header"):
        st.title("Map", width="content")
        typed = st.text_input(
            "Filter by query",
            key=_QUERY_KEY,
            type="search",
            bind="query-params",
            placeholder="Filter, for example: beach, taken:2024, album:travel",
            label_visibility="collapsed",
        )
    query = (typed or "").strip()
    gallery = get_gallery()
    try:
        places, count = gallery.places(query), gallery.count(query)
    except QueryError as error:
        show_query_error(query, error)
        return
    if places.box is None:
        _say_no_places(query, count)
        return
    left, right = st.columns([3, 1], gap="small")
    with left:
        _show_map(query, places.box)
    with right, st.container(key="map_photos"):
        st.caption(f"{places.photos:,} of {counted(count, 'photo')} have a place.")
        _photos(query, places.box)
    write_address(_NAME, parts, has_bound=True)
    show_open_photo()


def _say_no_places(query: str, count: int) -> None:
    if not get_gallery().library.count():
        st.info("No photos yet. Add some on the Classify page.", icon=":material/map:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    of_query = " of this filter" if query else ""
    have = "has" if count == 1 else "have"
    st.info(
        f"0 of {counted(count, 'photo')}{of_query} {have} a place. Phones and some cameras write "
        "the place into a photo, if that is switched on there.",
        icon=":material/location_off:",
    )


def _show_map(query: str, everything: Box) -> None:
    address = st.session_state[_AREA_KEY]
    answer = photo_map(
        MapView(
            area=read_box(address) if address else everything,
            is_exact=bool(address),
            move=st.session_state[_MOVE_KEY],
            everything=everything,
            query=query,
            stamp=str(cache_key()),
            height=_HEIGHT,
        ),
        key="photo_map",
    )
    if answer.area is not None and st.session_state.get(_TOLD_KEY) != answer.area:
        st.session_state[_TOLD_KEY] = answer.area
        st.session_state[_AREA_KEY] = answer.area.text
        note_action(_NAME)
        _leave_cluster_out_of_sight(answer.area)
    if answer.chosen is not None:
        st.switch_page("search.py", query_params={"q": _with_area(query, answer.chosen)})
    if answer.opened is not None:
        _open(query, answer.opened)


def _leave_cluster_out_of_sight(area: Box) -> None:
    opened: OpenedCluster | None = st.session_state.get(_OPENED_KEY)
    if opened is not None and not area.contains(opened.box.south, opened.box.west):
        del st.session_state[_OPENED_KEY]


def _open(query: str, cluster: OpenedCluster) -> None:
    st.session_state[_OPENED_KEY] = cluster
    if cluster.photos == 1:
        open_photo(cluster.photo_id, QueryPosition(_with_area(query, cluster.box), 0))


def _photos(query: str, everything: Box) -> None:
    """Show the photos of the opened cluster, or those of the area on the screen."""
    opened: OpenedCluster | None = st.session_state.get(_OPENED_KEY)
    address = st.session_state[_AREA_KEY]
    area = opened.box if opened else read_box(address) if address else everything
    line = _with_area(query, area)
    gallery = get_gallery()
    count = gallery.count(line)
    if opened:
        st.markdown(f"**{escape_markdown(opened.name)}**")
        st.button("Show the whole area", icon=":material/close:", on_click=_close_cluster)
    else:
        st.markdown(f"**{counted(count, 'photo')} in this area**")
    if not count:
        st.caption("Move the map or zoom out to see photos.")
        return
    st.page_link(
        "search.py",
        label="Open in Search",
        icon=":material/search:",
        query_params={"q": line},
    )
    tiles = gallery.count_tiles(line)
    photos = gallery.page(1, _MOST_PHOTOS, line)
    indexes = {photo.id: i for i, photo in enumerate(photos)}

    def open_in_area(photo_id: str, opening: str) -> None:
        note_action(_NAME)
        open_photo(photo_id, QueryPosition(line, indexes.get(photo_id, 0)), opening)

    stacks = stacks_of(gallery.library, [photo.id for photo in photos])
    style = GridStyle(
        row="6rem",
        label=f"Photos of the area: {counted(len(photos), 'photo')}",
        stacks=stack_marks(stacks),
    )
    photo_grid(photos, gallery.vocabulary, "map_grid", open_in_area, style=style)
    if tiles > len(photos):
        st.caption(f"The first {len(photos)} of {tiles:,} are shown. Search shows all.")
    elif tiles < count:
        st.caption(tiles_text(count, tiles).capitalize() + ".")


def _close_cluster() -> None:
    st.session_state.pop(_OPENED_KEY, None)


def _with_area(query: str, area: Box) -> str:
    return f"({query}) {area.query}" if query else area.query


def _apply_area(values: list[str]) -> None:
    """Go to the area of the address; where that is none, to all photos."""
    try:
        st.session_state[_AREA_KEY] = read_box(values[0]).text if values else ""
    except QueryError:
        st.session_state[_AREA_KEY] = ""
    st.session_state[_MOVE_KEY] = st.session_state.get(_MOVE_KEY, 0) + 1
    _close_cluster()


def _area_values() -> list[str]:
    address = st.session_state[_AREA_KEY]
    return [address] if address else []


try:
    _page()
except SceneError as error:
    show_error(error)
