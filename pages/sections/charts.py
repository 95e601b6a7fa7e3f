"""Charts whose every mark leads to the photos behind it, and whose numbers can be taken away."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from scene_model.statistics.insights import Counted, Place

# Country outlines of Natural Earth 1:110m (public domain), generalised: a line a ring, lon,lat.
_OUTLINES = Path(__file__).parent / "world_outlines.txt"
_PICKED = "picked"
_PICKING = {"name": _PICKED, "select": {"type": "point", "fields": ["Query"], "on": "click"}}
# Readable on the light background and the dark.
_COLOUR = "#1f8f7c"
_BAR_HEIGHT, _AXIS_HEIGHT, _CHART_HEIGHT, _MAP_HEIGHT = 22, 85, 260, 380

# Vega-Lite as it is: a library that checks and copies it took most of what the page took to open.
_Spec = dict[str, Any]


def bar_chart(
    title: str, bars: Sequence[Counted], key: str, names: Sequence[str], lying: bool = True
) -> None:
    """Bars, lying or standing; a click opens the search. names: what people read, bar by bar."""
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
            "y" if lying else "x": label,
            "x" if lying else "y": count,
            "tooltip": _told(Name="nominal", Photos="quantitative"),
        },
        "height": _BAR_HEIGHT * len(frame) + _AXIS_HEIGHT if lying else _CHART_HEIGHT,
        "params": [_PICKING],
    }
    _show(title, chart, frame, key, alt_text=_spoken(title, frame))


def world_map(title: str, places: Sequence[Place], key: str) -> None:
    """Places on the outlines of the countries; a click opens the photos taken there."""
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
            "tooltip": _told(
                Photos="quantitative", Latitude="quantitative", Longitude="quantitative"
            ),
        },
    }
    chart: _Spec = {
        "layer": [land, dots],
        "projection": {"type": "equirectangular"},
        "height": _MAP_HEIGHT,
        "params": [_PICKING | {"views": ["dots"]}],
    }
    said = f"{title}: {sum(frame['Photos']):,} photos in {len(frame):,} places"
    _show(title, chart, frame, key, alt_text=said)


def _told(**types: str) -> list[dict[str, str]]:
    """What a mark tells of itself under the pointer: fields by their types."""
    return [{"field": field, "type": kind} for field, kind in types.items()]


def _show(title: str, chart: _Spec, frame: pd.DataFrame, key: str, alt_text: str) -> None:
    with st.container(border=True):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.subheader(title, width="content")
            st.download_button(
                "CSV",
                frame.to_csv(index=False),
                f"{key}.csv",
                "text/csv",
                key=f"{key}_csv",
                icon=":material/download:",
                on_click="ignore",
                help=f"The numbers of “{title}”",
            )
        event: Any = st.vega_lite_chart(frame, chart, key=key, on_select="rerun", alt=alt_text)
        picked = event.get("selection", {}).get(_PICKED) or []
        if picked:
            st.switch_page("search.py", query_params={"q": picked[0]["Query"]})
        with st.expander("As a list"):
            # By keyboard too: a chart takes only a pointer.
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


def _spoken(title: str, frame: pd.DataFrame) -> str:
    first = ", ".join(f"{row.Name} {row.Photos:,}" for row in frame.head(8).itertuples())
    return f"{title}: {first}"


@lru_cache(maxsize=1)
def _countries() -> list[_Spec]:
    """All outlines as one shape, which is drawn at once."""
    rings = []
    for line in _OUTLINES.read_text(encoding="ascii").splitlines():
        points = [[float(number) for number in pair.split(",")] for pair in line.split()]
        rings.append([*points, points[0]])
    geometry = {"type": "MultiLineString", "coordinates": rings}
    return [{"type": "Feature", "geometry": geometry, "properties": {}}]
