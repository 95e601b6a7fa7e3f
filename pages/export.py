"""Export photos: CSV and JSON with a preview; a ZIP with folders by class, group, tag or trip."""

import io
from collections.abc import Iterable
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from pages.sections.messages import counted, escape_markdown, show_error
from pages.sections.photo.facts import head_name
from pages.sections.query_line import (
    likeness_text,
    order_control,
    passed_over_text,
    show_passed_over,
    show_query_error,
)
from pages.state.session import get_gallery, get_services
from scene_model.classifier.labels import OBJECTS
from scene_model.errors import QueryError, SceneError
from scene_model.export.folders import FolderKind

_PREVIEW_ROWS = 10
_CLASS, _GROUP, _TAG, _TRIP, _DAY = (
    *(str(FolderKind.CLASS), str(FolderKind.GROUP), str(FolderKind.TAG)),
    *(str(FolderKind.TRIP), str(FolderKind.DAY)),
)


def _page() -> None:
    st.title("Export")
    gallery = get_gallery()
    if not gallery.count(""):
        st.info(
            "No photos to export yet. Add some on the Classify page.",
            icon=":material/photo_library:",
        )
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    query = st.text_input(
        "Photos to export",
        key="export_q",
        type="search",
        placeholder="All photos, or a query as on the Search page",
    )
    query = (query or "").strip()
    try:
        count = gallery.count(query)
    except QueryError as error:
        show_query_error(query, error)
        return
    if not count:
        show_passed_over(query)
        st.info(
            "No photos match this query. Change the query, or clear it to export all photos.",
            icon=":material/search_off:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order_control("export", query)
        with_location = not st.checkbox(
            "Remove locations",
            key="export_no_place",
            help="Removes coordinates and places from the tables. The ZIP has copies that keep "
            "only what is known to be harmless. Your own files are not changed.",
        )
        parts = [counted(count, "photo"), passed_over_text(query), likeness_text(query)]
        st.caption(" · ".join(filter(None, parts)), width="content")
    parameters = {"q": query, "sort": str(gallery.sort)} | (
        {} if with_location else {"place": "false"}
    )
    _tables(gallery.ids(query, _PREVIEW_ROWS), count, parameters, with_location)
    _zip(query, parameters, with_location)


def _tables(
    first_ids: list[str], count: int, parameters: dict[str, str], with_location: bool
) -> None:
    st.header("Table (CSV or JSON)")
    bom = st.checkbox("For Excel (adds a UTF-8 byte order mark)", key="csv_bom")
    csv_parameters = parameters | ({"bom": "true"} if bom else {})
    language = _language()
    with st.container(horizontal=True):
        people = {"people": "true", "language": language}
        _link("CSV for people", "csv", csv_parameters | people, "table_view")
        _link("Download CSV", "csv", csv_parameters, "table")
        _link("Download JSON", "json", parameters, "data_object")
        _link("Download JSON Lines", "jsonl", parameters, "data_array")
    exports = get_services().exports
    for_people, all_columns = st.tabs(["CSV for people", "All columns"])
    with for_people:
        _preview(exports.people_lines(first_ids, language))
    with all_columns:
        _preview(exports.csv_lines(first_ids, with_place=with_location))
    if count > _PREVIEW_ROWS:
        st.caption(f"Showing {_PREVIEW_ROWS} of {count:,} rows.")


def _preview(lines: Iterable[str]) -> None:
    table = pd.read_csv(io.StringIO("".join(lines)), dtype=str, na_filter=False)
    st.dataframe(table, hide_index=True)


def _language() -> str:
    """Return the code of the browser's language, such as "de"."""
    return (st.context.locale or "en").partition("-")[0].lower()


def _zip(query: str, parameters: dict[str, str], with_location: bool) -> None:
    st.header("ZIP with folders")
    by = st.segmented_control(
        "One folder per",
        _rules(),
        format_func=_rule_name,
        key="zip_by",
        default=_CLASS,
        required=True,
        help="Groups are few and wide, such as Water or Animals. With one folder per tag, a photo "
        "with several tags is in several folders. With trips and days, folders are called as in "
        "2024-07 Lisbon and Sintra/01 Lisbon.",
    )
    rule = get_services().exports.folder_rule(by or _CLASS)
    folders = get_gallery().folder_sizes(
        *(query, rule.kind is FolderKind.TAG, rule.head),
        by_group=rule.kind is FolderKind.GROUP,
        by_trip=rule.is_by_trip,
    )
    exports = get_services().exports
    folder_names = exports.trip_folder_names(rule, with_location) if rule.is_by_trip else {}
    count = sum(folder.photo_count for folder in folders)
    size = sum(folder.file_bytes for folder in folders)
    st.caption(
        f"{counted(count, 'file')} in {counted(len(folders), 'folder')}, about "
        f"{_size(size)}: the original files{'' if with_location else ' without locations'}, "
        "and the table as manifest.csv. The download starts immediately."
    )
    _link("Download ZIP", "zip", parameters | {"by": by or _CLASS}, "folder_zip")
    names = get_gallery().vocabulary
    st.dataframe(
        pd.DataFrame(
            {
                "Folder": [f"{folder_names.get(folder.name, folder.name)}/" for folder in folders],
                "Photos": [folder.photo_count for folder in folders],
                "Label": [names.display_name(folder.name) for folder in folders],
                "Size": [_size(folder.file_bytes) for folder in folders],
            }
        ),
        hide_index=True,
        width="content",
    )


def _link(label: str, kind: str, parameters: dict[str, str], icon: str) -> None:
    st.link_button(
        label,
        f"/api/library/export.{kind}?{urlencode(parameters)}",
        icon=f":material/{icon}:",
        type="primary",
    )


def _rules() -> list[str]:
    heads = [head.id for head in get_services().classifier.ranked_heads if head.id != OBJECTS]
    groups = [_GROUP] if get_gallery().vocabulary.groups else []
    trips = [_TRIP, _DAY] if get_gallery().trips() else []
    return [_CLASS, *groups, _TAG, *trips, *(f"head:{head}" for head in heads)]


def _rule_name(rule: str) -> str:
    if rule == _DAY:
        return "Trip and day"
    if rule in (_CLASS, _GROUP, _TAG, _TRIP):
        return rule.capitalize()
    return f"Label of “{escape_markdown(head_name(rule.removeprefix('head:')))}”"


def _size(size: int) -> str:
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


try:
    _page()
except SceneError as error:
    show_error(error)
