"""Charts with links from each mark to its photos, and a CSV download of their numbers."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.sections.messages import counted, escape_markdown
from scene_model.statistics.insights import Counted, Place

# Country outlines of Natural Earth 1:110m (public domain), simplified; one ring per line, lon,lat.
_OUTLINES = Path(__file__).parent / "world_outlines.txt"
_SELECTION = "picked"
_SELECT_BY_CLICK = {
    "name": _SELECTION,
    "select": {"type": "point", "fields": ["Query"], "on": "click"},
}
# Readable on the light and the dark background.
_COLOUR = "#1f8f7c"
_BAR_HEIGHT, _AXIS_HEIGHT, _CHART_HEIGHT, _MAP_HEIGHT = 22, 85, 260, 380

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
    }
    _show(title, chart, frame, key, alt_text=_alt_text(title, frame))


def world_map(title: str, places: Sequence[Place], key: str) -> None:
    """Show places on a world map; a click on a dot opens the photos taken there."""
    frame = pd.DataFrame(
        {
            "Latitude": [place.latitude for place in places],
            "Longitude": [place.longitude for place in places],
            "Photos": [place.photos for place in places],
            "Query": [place.query for place in places],
        }
    )
    land: _Spec = {
        "data": {"values": _countries()},
        "mark": {
            "type": "geoshape",
            "filled": False,
            "stroke": "#888888",
            "strokeWidth": 0.7,
            "aria": False,
        },
    }
    size = {"field": "Photos", "type": "quantitative", "legend": None}
    dots: _Spec = {
        "name": "dots",
        "mark": {"type": "circle", "cursor": "pointer", "opacity": 0.8, "color": _COLOUR},
        "encoding": {
            "longitude": {"field": "Longitude", "type": "quantitative"},
            "latitude": {"field": "Latitude", "type": "quantitative"},
            "size": size | {"scale": {"range": [80, 500]}},
            "tooltip": _tooltip(
                Photos="quantitative", Latitude="quantitative", Longitude="quantitative"
            ),
        },
    }
    chart: _Spec = {
        "layer": [land, dots],
        "projection": {"type": "equirectangular"},
        "height": _MAP_HEIGHT,
        "params": [_SELECT_BY_CLICK | {"views": ["dots"]}],
    }
    photos, dot_count = counted(sum(frame["Photos"]), "photo"), counted(len(frame), "place")
    _show(title, chart, frame, key, alt_text=f"{title}: {photos} in {dot_count}")


def _tooltip(**types: str) -> list[dict[str, str]]:
    """Return a tooltip specification from fields and their types."""
    return [{"field": field, "type": kind} for field, kind in types.items()]


def _show(title: str, chart: _Spec, frame: pd.DataFrame, key: str, alt_text: str) -> None:
    with st.container(border=True):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.subheader(title, width="content")
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
        name = row.get("Name", f"{row.get('Latitude', 0):.2f}, {row.get('Longitude', 0):.2f}")
        if row["Photos"]:
            st.page_link(
                "search.py",
                label=f"{escape_markdown(str(name))} · {row['Photos']:,}",
                query_params={"q": row["Query"]},
            )


def _alt_text(title: str, frame: pd.DataFrame) -> str:
    first = ", ".join(f"{row.Name} {row.Photos:,}" for row in frame.head(8).itertuples())
    return f"{title}: {first}"


@lru_cache(maxsize=1)
def _countries() -> list[_Spec]:
    """Return all outlines as one shape, which draws faster than one per country."""
    rings = []
    for line in _OUTLINES.read_text(encoding="ascii").splitlines():
        points = [[float(number) for number in pair.split(",")] for pair in line.split()]
        rings.append([*points, points[0]])
    geometry = {"type": "MultiLineString", "coordinates": rings}
    return [{"type": "Feature", "geometry": geometry, "properties": {}}]
