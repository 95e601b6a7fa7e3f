"""What each chip of a class would show first, so that the browser has it when one is chosen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages.state.page_cache import PagesAsked, first_page, library_stand
from pages.state.session import get_gallery
from pages.widgets.scripts import joined

_ahead = st.components.v2.component(
    "scene_gallery_pages_ahead", js=joined(Path(__file__).parent / "ahead.js")
)


def prefetch_pages(
    grid: str, asked: PagesAsked, queries: Mapping[str, str], tags: tuple[str, ...]
) -> None:
    """Send the first page of some queries, by the chip that asks each; raises QueryError.

    grid: the key of the grid that shows them. asked: how its pages are made. tags: the chips of
    tags that are chosen beside. Kept until the library or the question changes, and then made at
    the end of a run, when all that was asked for is on its way.
    """
    key = f"{grid}_ahead"
    stand = (library_stand(), asked.sort, asked.size, tags, tuple(queries.items()))
    before, data = st.session_state.get(key, (None, {}))
    if before != stand:
        first = {chip: _first(replace(asked, query=query)) for chip, query in queries.items()}
        data = {"grid": grid, "tags": list(tags), "first": first}
        st.session_state[key] = (stand, data)
    _ahead(key=f"{key}_pages", data=data)


def _first(asked: PagesAsked) -> dict[str, Any]:
    asked = replace(asked, count=get_gallery().count(asked.query))
    page = first_page(asked)
    return {
        "question": asked.question,
        "pageCount": asked.page_count,
        "page": {"label": page.label, "photos": page.photos},
    }
