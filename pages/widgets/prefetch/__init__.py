"""Prefetch the first page of group and class chips, so that the browser has it before the click."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages.state.page_cache import PageRequest, cache_key, first_page
from pages.state.session import get_gallery
from pages.widgets.scripts import component_script

_ahead = st.components.v2.component(
    "scene_gallery_pages_ahead", js=component_script(Path(__file__).parent / "prefetch.js")
)


def prefetch_pages(
    grid: str, request: PageRequest, queries: Mapping[tuple[str, str], str], tags: tuple[str, ...]
) -> None:
    """Send the first page of some queries to the browser, by group chip and class chip.

    grid: key of the grid that shows them. request: its order and page size. tags: the chosen tag
    chips. The pages are cached until the library or the request changes. To be called at the end
    of a run, after the visible parts were sent. Raises QueryError.
    """
    key = f"{grid}_ahead"
    stamp = (cache_key(), request.sort, request.size, tags, tuple(queries.items()))
    previous_stamp, data = st.session_state.get(key, (None, {}))
    if previous_stamp != stamp:
        first_pages = [
            {"group": group, "one": label} | _first_page_data(replace(request, query=query))
            for (group, label), query in queries.items()
        ]
        data = {"grid": grid, "tags": list(tags), "first": first_pages}
        st.session_state[key] = (stamp, data)
    _ahead(key=f"{key}_pages", data=data)


def _first_page_data(request: PageRequest) -> dict[str, Any]:
    request = replace(request, count=get_gallery().count_tiles(request.query))
    page = first_page(request)
    return {
        "question": request.view_id,
        "pageCount": request.page_count,
        "page": vars(page),
    }
