"""Take the photos away: CSV and JSON with a preview, a ZIP in folders of one's choice."""

import io
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from pages.sections.photo_facts import head_name
from pages.sections.problem import show_problem
from pages.sections.query_line import order_control, show_query_error
from pages.state.session import get_gallery, get_services
from scene_model.classifier.classify import OBJECTS
from scene_model.errors import QueryError, SceneError
from scene_model.export.folders import FolderKind

_PREVIEW_ROWS = 10
_CLASS, _TAG = "class", "tag"


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
        count = gallery.count(query)
    except QueryError as error:
        show_query_error(query, error)
        return
    if not count:
        st.info("No photo matches this query.", icon=":material/search_off:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order_control("export")
        with_place = not st.checkbox(
            "Leave out where photos were taken",
            key="export_no_place",
            help="In the tables, and in the copies in the ZIP: fields of EXIF, XMP and IPTC that "
            "tell a place. Your own files stay as they are.",
        )
        st.caption(f"{count:,} photo{'' if count == 1 else 's'}", width="content")
    asked = {"q": query, "sort": str(gallery.sort)} | ({} if with_place else {"place": "false"})
    _tables(gallery.ids(query, _PREVIEW_ROWS), count, asked, with_place)
    _zip(query, asked, with_place)


def _tables(first: list[str], count: int, asked: dict[str, str], with_place: bool) -> None:
    st.subheader("Table: CSV or JSON")
    bom = st.checkbox("For Excel (marks the file as UTF-8)", key="csv_bom")
    with st.container(horizontal=True):
        _link("Download CSV", "csv", asked | ({"bom": "true"} if bom else {}), "table")
        _link("Download JSON", "json", asked, "data_object")
        _link("Download JSON Lines", "jsonl", asked, "data_array")
    text = "".join(get_services().exports.csv_lines(first, with_place=with_place))
    shown = pd.read_csv(io.StringIO(text), dtype=str, na_filter=False)
    st.dataframe(shown, hide_index=True)
    if count > _PREVIEW_ROWS:
        st.caption(f"The first {_PREVIEW_ROWS} of {count:,} rows.")


def _zip(query: str, asked: dict[str, str], with_place: bool) -> None:
    st.subheader("ZIP in folders")
    by = st.segmented_control(
        "A folder for",
        _rules(),
        format_func=_rule_name,
        key="zip_by",
        default=_CLASS,
        required=True,
        help="A photo with several tags lies in several folders when there is one for every tag.",
    )
    rule = get_services().exports.folder_rule(by or _CLASS)
    folders = get_gallery().folder_sizes(query, rule.kind is FolderKind.TAG, rule.head)
    count = sum(folder.photo_count for folder in folders)
    size = sum(folder.file_bytes for folder in folders)
    st.caption(
        f"{count:,} files in {len(folders):,} folders, about {_megabytes(size)}: the originals "
        f"{'unchanged' if with_place else 'without the place they tell'}, and the CSV as "
        "manifest.csv. The download starts at once, whatever its size."
    )
    _link("Download ZIP", "zip", asked | {"by": by or _CLASS}, "folder_zip")
    names = get_gallery().vocabulary
    st.dataframe(
        pd.DataFrame(
            {
                "Folder": [f"{folder.name}/" for folder in folders],
                "Photos": [folder.photo_count for folder in folders],
                "Label": [names.display_name(folder.name) for folder in folders],
                "Size": [_megabytes(folder.file_bytes) for folder in folders],
            }
        ),
        hide_index=True,
        width="content",
    )


def _link(label: str, kind: str, asked: dict[str, str], icon: str) -> None:
    st.link_button(
        label,
        f"/api/library/export.{kind}?{urlencode(asked)}",
        icon=f":material/{icon}:",
        type="primary",
    )


def _rules() -> list[str]:
    heads = [head.id for head in get_services().classifier.ranked_heads if head.id != OBJECTS]
    return [_CLASS, _TAG, *(f"head:{head}" for head in heads)]


def _rule_name(rule: str) -> str:
    if rule in (_CLASS, _TAG):
        return {"class": "each class", "tag": "every tag"}[rule]
    return f"each of “{head_name(rule.removeprefix('head:'))}”"


def _megabytes(size: int) -> str:
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


try:
    _page()
except SceneError as error:
    show_problem(error)
