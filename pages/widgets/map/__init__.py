"""A map of the photos that zooms and pans; drawn from files of the project, without tiles.

``data/README.md`` says where outlines and names come from. The browser loads them from
`DATA_ADDRESS`, where ``app.py`` serves them, and the clusters of photos from ``/api/map/clusters``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets.scripts import component_script, join_files
from scene_model import __version__
from scene_model.search.query_values import Box

DATA_DIR, DATA_ADDRESS = Path(__file__).parent / "data", "/map-data"
_HERE = Path(__file__).parent
_map = st.components.v2.component(
    "scene_gallery_map",
    css=join_files(_HERE / "map.css"),
    js=component_script(_HERE / "map.js"),
)


@dataclass(frozen=True)
class MapView:
    """What a map shows.

    area: what is on the screen at first; None for the world. is_exact: area is the edge of the
    screen, else it is shown with a margin. move: a number that differs when the map is to go to
    another area. everything: the area of all photos. query: which photos. stamp: differs when
    photos changed. height: in CSS. is_embedded: part of a page that scrolls: the wheel zooms only
    with Ctrl, and the map leaves the address alone.
    """

    area: Box | None
    is_exact: bool
    move: int
    everything: Box | None
    query: str
    stamp: str
    height: str
    is_embedded: bool = False


@dataclass(frozen=True)
class OpenedCluster:
    """A cluster that cannot be split, opened by the visitor. name: "12 photos near Lisbon"."""

    photos: int
    photo_id: str
    box: Box
    name: str


@dataclass(frozen=True)
class MapAnswer:
    """What the visitor did. area: on the screen, None until the browser has said. chosen: drawn."""

    area: Box | None
    opened: OpenedCluster | None
    chosen: Box | None


def photo_map(view: MapView, key: str) -> MapAnswer:
    """Show a map; returns what the visitor did there."""
    state = _map(
        key=key,
        data={
            "label": "Map of photos. Arrow keys move it, plus and minus zoom.",
            "area": _edges(view.area),
            "is_exact": view.is_exact,
            "move": view.move,
            "all": _edges(view.everything),
            "query": view.query,
            "stamp": view.stamp,
            "height": view.height,
            "embedded": view.is_embedded,
            "dark": st.context.theme.type == "dark",
            "version": __version__,
        },
        on_area_change=lambda: None,
        on_opened_change=lambda: None,
        on_chosen_change=lambda: None,
    )
    return MapAnswer(
        area=_box(state.get("area")),
        opened=_opened(state.get("opened")),
        chosen=_box(state.get("chosen")),
    )


def _opened(cluster: dict[str, Any] | None) -> OpenedCluster | None:
    if not cluster:
        return None
    box = Box(*map(float, cluster["within"]))
    return OpenedCluster(
        int(cluster["photos"]), str(cluster["photo_id"]), box, str(cluster["name"])
    )


def _edges(box: Box | None) -> list[float] | None:
    return None if box is None else [box.south, box.west, box.north, box.east]


def _box(edges: list[float] | None) -> Box | None:
    return Box(*map(float, edges)) if edges else None
