"""Charts with links from each mark to its photos, and a CSV download of their numbers."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.sections.messages import escape_markdown
from scene_model.statistics.insights import Counted

_SELECTION = "picked"
_SELECT_BY_CLICK = {
    "name": _SELECTION,
    "select": {"type": "point", "fields": ["Query"], "on": "click"},
}
# Readable on the light and the dark background.
_COLOUR = "#1f8f7c"
_BAR_HEIGHT, _AXIS_HEIGHT, _CHART_HEIGHT = 22, 85, 260

# Plain Vega-Lite: validation and copies by a library took most of the page's loading time.
_Spec = dict[str, Any]


def bar_chart(
    title: str, bars: Sequence[Counted], key: str, names: Sequence[str], is_horizontal: bool = True
) -> None:
    """Show a bar chart; a click on a bar opens the search. names: display name of each bar."""
    frame = pd.DataFrame(
        {
            "Name": list(names),
            "Photos": [bar.photos for bar in bars],
            "Query": [bar.query for bar in bars],
        }
    )
    label: _Spec = {"field": "Name", "type": "nominal", "sort": None, "title": None}
    label["axis"] = {"labelLimit": 180, "labelOverlap": False}
    count: _Spec = {"field": "Photos", "type": "quantitative", "title": "Photos"}
    count["axis"] = {"format": "d", "tickMinStep": 1}
    chart: _Spec = {
        "mark": {"type": "bar", "cursor": "pointer", "cornerRadiusEnd": 3, "color": _COLOUR},
        "encoding": {
            "y" if is_horizontal else "x": label,
            "x" if is_horizontal else "y": count,
            "tooltip": _tooltip(Name="nominal", Photos="quantitative"),
        },
        "height": _BAR_HEIGHT * len(frame) + _AXIS_HEIGHT if is_horizontal else _CHART_HEIGHT,
        "params": [_SELECT_BY_CLICK],
        # Room for the last number of the axis, half of which lies beyond the axis.
        "padding": {"right": 12},
    }
    _show(title, chart, frame, key, alt_text=_alt_text(title, frame))


def _tooltip(**types: str) -> list[dict[str, str]]:
    """Return a tooltip specification from fields and their types."""
    return [{"field": field, "type": kind} for field, kind in types.items()]


def _show(title: str, chart: _Spec, frame: pd.DataFrame, key: str, alt_text: str) -> None:
    with st.container(border=True):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.header(title, width="content")
            st.download_button(
                "Download CSV",
                frame.to_csv(index=False),
                f"{key}.csv",
                "text/csv",
                key=f"{key}_csv",
                icon=":material/download:",
                on_click="ignore",
                help=f"Download the numbers of “{title}”",
            )
        event: Any = st.vega_lite_chart(frame, chart, key=key, on_select="rerun", alt=alt_text)
        selected = event.get("selection", {}).get(_SELECTION) or []
        if selected:
            st.switch_page("search.py", query_params={"q": selected[0]["Query"]})
        with st.expander("Show as list"):
            # For the keyboard: charts can only be clicked.
            _links(frame)


def _links(frame: pd.DataFrame) -> None:
    for row in frame.to_dict("records")[:40]:
        name = row["Name"]
        if row["Photos"]:
            st.page_link(
                "search.py",
                label=f"{escape_markdown(str(name))} · {row['Photos']:,}",
                query_params={"q": row["Query"]},
            )


def _alt_text(title: str, frame: pd.DataFrame) -> str:
    first = ", ".join(f"{row.Name} {row.Photos:,}" for row in frame.head(8).itertuples())
    return f"{title}: {first}"
