"""One query line → the photos it means, out of the tags of every label set."""

from functools import partial

import streamlit as st

from pages.sections.browse import browse, browse_parts, density_control
from pages.sections.photo_view import show_open_photo
from pages.sections.problem import show_problem
from pages.sections.query_line import completions, order_control, show_query_error
from pages.sections.saved_searches import save_control, saved_control, show_notice
from pages.sections.similar_results import like_part, picture_control, show_alike, stop_comparing
from pages.state.address import take_address, write_address
from pages.state.session import get_gallery
from scene_model.duplicates.missing_hashes import count_missing_hashes, fill_missing_hashes
from scene_model.errors import QueryError, SceneError
from scene_model.search.saved_searches import SavedSearch

_NAME, _QUERY_KEY, _NEXT_KEY = "search", "q", "next_query"
_EXAMPLES = (
    "sea",
    "mountain OR glacier",
    "flower -street",
    "album:travel",
    "is:unsure",
    "is:duplicate",
    "added:today",
    "score>=0.9",
)
_LANGUAGE = """
| write | to find |
|---|---|
| `beach sunset` | both words: tags of every label set, other words for them, file names |
| `Strand` · `plage` · `playa` · `海滩` | a scene by its German, French, Spanish or Chinese name |
| `beach OR lake` · `-street` · `(a OR b) c` | either · without · together |
| `"old town"` | words that belong together |
| `tag:beach` · `class:sea` · `album:travel` | one tag · what it is filed under · an album |
| `name:img_20` · `camera:iphone` | part of the file name · of the camera |
| `score>=0.8` | how sure the class is, 0 to 1; 1 where you chose it |
| `taken:2024-07` · `taken:2024-07-20..2024-08` | day, month, year · from one to another |
| `added:today` · `added:yesterday` | when it came into the library |
| `is:unsure` · `is:edited` · `is:duplicate` | no sure class · changed by you · looks like another |
| `has:gps` · `near:38.72,-9.14,10km` | knows its place · around a place |
"""


def _page() -> None:
    st.title("Search")
    show_notice()
    parts = browse_parts(_NAME) | like_part()
    take_address(_NAME, parts, is_new=False)
    if (chosen := st.session_state.pop(_NEXT_KEY, None)) is not None:
        st.session_state[_QUERY_KEY] = chosen
    typed = st.text_input(
        "Search by tag, name or class",
        key=_QUERY_KEY,
        type="search",
        bind="query-params",
        live=True,
        on_change=stop_comparing,
        placeholder="beach sunset, mountain OR glacier, -street, album:travel, taken:2024-07",
    )
    completions(typed or "", _ask)
    query = (typed or "").strip()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order_control(_NAME)
        save_control(query)
        saved_control(_open)
        density_control(_NAME)
        picture = picture_control()
    if show_alike(picture):
        pass
    elif query:
        _results(query)
    else:
        _examples()
    write_address(_NAME, parts, has_bound=True)
    show_open_photo()


def _ask(query: str) -> None:
    st.session_state[_NEXT_KEY] = query
    stop_comparing()


def _open(search: SavedSearch) -> None:
    _ask(search.query)
    get_gallery().sort = search.sort


def _examples() -> None:
    st.caption("Try one:")
    with st.container(horizontal=True):
        for example in _EXAMPLES:
            st.button(example, key=f"example_{example}", on_click=partial(_ask, example))
    with st.expander("All that can be asked", icon=":material/help:"):
        st.markdown(_LANGUAGE)


def _results(query: str) -> None:
    gallery = get_gallery()
    try:
        count = gallery.count(query)
    except QueryError as error:
        show_query_error(query, error, while_typing=True)
        _examples()
        return
    gallery.query = query
    if "is:duplicate" in query.lower():
        _offer_to_compare()
    if not count:
        st.info(
            "No photo matches. Try a shorter query, another word, or one of the examples.",
            icon=":material/search_off:",
        )
        _examples()
        return
    st.caption(f"{count:,} photo{'' if count == 1 else 's'}")
    browse(query, _NAME, with_scores=True)


def _offer_to_compare() -> None:
    """Photos that an earlier version added were never compared; do it when asked to."""
    library = get_gallery().library
    missing = count_missing_hashes(library)
    if not missing:
        return
    photos = "photo was" if missing == 1 else "photos were"
    st.caption(f"{missing:,} {photos} never compared with the others.")
    if st.button("Compare now", icon=":material/compare:"):
        bar = st.progress(0.0, "Comparing …")
        for done, _ in enumerate(fill_missing_hashes(library), 1):
            bar.progress(min(1.0, done / missing), f"{done:,} of {missing:,} compared")
        st.rerun()


try:
    _page()
except SceneError as error:
    show_problem(error)
