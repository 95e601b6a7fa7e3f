"""Search photos with a query, or by similarity to a photo."""

from functools import partial
from pathlib import Path

import streamlit as st

from pages.sections.browse import browse, browse_address_parts, density_control
from pages.sections.messages import counted, show_error
from pages.sections.no_result import show_no_result
from pages.sections.photo_view import show_open_photo
from pages.sections.query_line import (
    order_control,
    show_completions,
    show_passed_over,
    show_query_error,
)
from pages.sections.saved_searches import save_control, saved_control, show_notice
from pages.sections.search_selection import selection_tools
from pages.sections.selection import grid_selection
from pages.sections.similar_results import (
    image_control,
    show_similar,
    similar_address_part,
    stop_comparing,
)
from pages.state.address import read_address, write_address
from pages.state.session import get_gallery
from pages.widgets.stack_marks import tiles_text
from scene_model.duplicates.missing_hashes import count_missing_hashes, fill_missing_hashes
from scene_model.errors import QueryError, SceneError
from scene_model.search.saved_searches import SavedSearch

_NAME, _QUERY_KEY, _NEXT_KEY = "search", "q", "next_query"
_EXAMPLES = (
    "sea",
    "mountain OR glacier",
    "animal",
    "flower -street",
    "group:water",
    "album:travel",
    "is:favourite",
    "is:unsure",
    "is:duplicate",
    "is:raw",
    "added:today",
    "score>=0.9",
)
_LANGUAGE = """
| Query | Finds |
|---|---|
| `beach sunset` | photos that match both words: tags of all label sets, synonyms, file names |
| `animal` · `vehicle` · `fruit` | all tags of a kind: dogs, birds, snakes · cars, trams · lemons |
| `Strand` · `plage` · `playa` · `海滩` | a scene by its German, French, Spanish or Chinese name |
| `beach OR lake` · `-street` · `(a OR b) c` | either word · not this word · grouping |
| `dogs or cats` · `beach without people` | `and`, `or`, `not`, `without` in any case |
| `dogs and cats at night` | small words such as `at` are ignored |
| `"old town"` | an exact phrase |
| `a quiet beach at sunset` · `like:"a crowd"` | what a photo shows, in your own words |
| `tag:beach` · `class:sea` · `album:travel` | a tag · a class · an album |
| `group:water` · `group:unsure` | a group: sea, beach, lake … · no group was probable enough |
| `name:img_20` · `camera:iphone` | part of the file name · part of the camera name |
| `place:lisbon` · `city:lisbon` · `country:pt` | taken there, by name in any language |
| `trip:lisbon` | on a trip with that in its title |
| `score>=0.8` | confidence of the class, 0 to 1; 1 for a class you set |
| `taken:2024-07` · `taken:2024-07-20..2024-08` | a day, month or year · a date range |
| `added:today` · `is:new` | added on a day · since you last clicked *Done* on Classify |
| `is:unsure` · `is:edited` · `is:duplicate` | no confident class · edited by you · near duplicate |
| `is:favourite` · `rating>=4` | marked as a favourite · rated 4 or 5 |
| `is:raw` · `is:stacked` · `is:live` | a RAW file · in a stack with others · with a film |
| `is:video` · `duration>30s` | a video · longer than half a minute; also `<5m`, `>=1h` |
| `has:date` · `is:doubtful-date` | has a date · has one that is probably wrong |
| `is:clutter` · `clutter:receipt` · `is:apart` | may be clutter · of one kind · set apart by you |
| `has:gps` · `near:38.72,-9.14,10km` | has a location · within a distance of a location |
| `within:38.6,-9.3,38.8,-9.0` | in an area: south, west, north and east in degrees |
"""


def _page() -> None:
    st.html(Path(__file__).with_suffix(".css"))
    st.title("Search")
    show_notice()
    parts = browse_address_parts(_NAME) | similar_address_part()
    read_address(_NAME, parts, is_new=False)
    if (query := st.session_state.pop(_NEXT_KEY, None)) is not None:
        st.session_state[_QUERY_KEY] = query
    typed = st.text_input(
        "Search by tag, name or class",
        key=_QUERY_KEY,
        type="search",
        bind="query-params",
        live=True,
        on_change=stop_comparing,
        placeholder=_placeholder(),
    )
    show_completions(typed or "", _set_query)
    query = (typed or "").strip()
    with st.container(horizontal=True, vertical_alignment="center", key="search_controls"):
        order_control(_NAME, query)
        save_control(query)
        saved_control(_open)
        density_control(_NAME)
        image = image_control()
    if show_similar(image):
        pass
    elif query:
        _results(query)
    else:
        _examples()
    write_address(_NAME, parts, has_bound=True)
    show_open_photo(query or None)


def _placeholder() -> str:
    words = "beach sunset, mountain OR glacier, -street, album:travel, taken:2024-07"
    return words if get_gallery().model.search is None else f'"a dog in the snow", {words}'


def _set_query(query: str) -> None:
    st.session_state[_NEXT_KEY] = query
    stop_comparing()


def _open(search: SavedSearch) -> None:
    _set_query(search.query)
    get_gallery().sort = search.sort


def _examples() -> None:
    st.caption("Examples:")
    with st.container(horizontal=True):
        for example in _EXAMPLES:
            st.button(example, key=f"example_{example}", on_click=partial(_set_query, example))
    with st.expander("Search syntax", icon=":material/help:"):
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
    show_passed_over(query)
    if not count:
        if not show_no_result(query, _set_query):
            _examples()
        return
    texts = [counted(count, "photo"), tiles_text(count, gallery.count_tiles(query))]
    st.caption(" · ".join(filter(None, texts)))
    selection_tools(_NAME, query, count)
    browse(query, _NAME, grid_selection(_NAME), with_scores=True, with_captions=True)


def _offer_to_compare() -> None:
    """Offer to compare the photos that were added by a version without perceptual hashes."""
    library = get_gallery().library
    missing = count_missing_hashes(library)
    if not missing:
        return
    verb = "has" if missing == 1 else "have"
    st.caption(f"{counted(missing, 'photo')} {verb} not been compared with the others yet.")
    if st.button("Compare now", icon=":material/compare:"):
        bar = st.progress(0.0, "Comparing …")
        for done, _ in enumerate(fill_missing_hashes(library), 1):
            bar.progress(min(1.0, done / missing), f"{done:,} of {missing:,} compared")
        st.rerun()


try:
    _page()
except SceneError as error:
    show_error(error)
