"""Take the photos away: a CSV with preview, a ZIP with one folder per class."""

import io
from itertools import islice
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from pages.components.query_line import order_control, show_query_error
from pages.components.session import get_gallery, get_services
from scene_model.errors import QueryError, SceneError

_PREVIEW_ROWS = 10


def _page() -> None:
    st.title("Export")
    gallery = get_gallery()
    if not gallery.count(""):
        st.info("There is nothing to export yet.", icon=":material/photo_library:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    query = st.text_input(
        "Which photos",
        key="export_q",
        type="search",
        placeholder="all of them; or a query, as on the search page",
    )
    query = (query or "").strip()
    try:
        counts = gallery.count_by_class(query)
        ids = gallery.ids(query)
    except QueryError as error:
        show_query_error(query, error)
        return
    if not ids:
        st.info("No photo matches this query.", icon=":material/search_off:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order_control("export_order")
        st.caption(f"{len(ids):,} photo{'' if len(ids) == 1 else 's'}", width="content")
    _csv(ids, query)
    _zip(counts, query)


def _csv(ids: list[str], query: str) -> None:
    st.subheader("CSV")
    bom = st.checkbox("For Excel (marks the file as UTF-8)", key="csv_bom")
    parameters = {"q": query, "sort": str(get_gallery().sort)} | ({"bom": "true"} if bom else {})
    st.link_button(
        "Download CSV",
        f"/api/library/export.csv?{urlencode(parameters)}",
        icon=":material/table:",
        type="primary",
    )
    lines = islice(get_services().csv_lines(ids[:_PREVIEW_ROWS]), _PREVIEW_ROWS + 1)
    st.dataframe(pd.read_csv(io.StringIO("".join(lines)), dtype=str), hide_index=True)
    if len(ids) > _PREVIEW_ROWS:
        st.caption(f"The first {_PREVIEW_ROWS} of {len(ids):,} rows.")


def _zip(counts: dict[str, int], query: str) -> None:
    st.subheader("ZIP by class")
    st.caption("One folder per class, the original files unchanged, and the CSV inside.")
    st.link_button(
        "Download ZIP",
        f"/api/library/export.zip?{urlencode({'q': query, 'sort': str(get_gallery().sort)})}",
        icon=":material/folder_zip:",
        type="primary",
    )
    st.dataframe(
        pd.DataFrame(
            {"Folder": [f"{label}/" for label in counts], "Photos": list(counts.values())}
        ),
        hide_index=True,
        width="content",
    )


try:
    _page()
except SceneError as error:
    st.error(error.message, icon=":material/error:")
