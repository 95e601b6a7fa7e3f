"""Counts of photos for a map: photos close to each other on the screen become one cluster.

SQL counts the photos of each cell of a grid of longitudes and latitudes. On the screen, a cell is
half as wide as a cluster and at most as high as wide; merging neighbours in Python then leaves no
two clusters on top of each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, Select, cast, func, select
from sqlalchemy import true as always

from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from scene_model.search.conditions import has_place, is_in_box
from scene_model.search.query_values import Box

MAX_ZOOM = 20
# The world is 256 pixels wide at zoom 0 and twice as wide at each next one.
_CELLS_AT_ZOOM_0 = 8
_RADIUS_CELLS = _BLOCK_CELLS = 2
# Beyond this latitude cells are higher than wide.
_SQUARE_TO = 60.0
_MOST_ROWS = 1_000_000_000
# About two screens of 4K. An area with more cells is counted at a lower zoom.
_MAX_CELLS = 20_000

Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Cluster:
    """Photos close to each other. photo_id: the one added last.

    latitude, longitude: the middle of the densest part, degrees. box: the smallest area that holds
    all of them.
    """

    photos: int
    latitude: float
    longitude: float
    box: Box
    photo_id: str


@dataclass(frozen=True)
class Places:
    """How many photos have a place, and the smallest area that holds them; None for none."""

    photos: int
    box: Box | None


@dataclass(frozen=True)
class _Cell:
    """Photos of a grid cell, and of others that joined it. newest: number of the one added last.

    latitude, longitude: mean of the cell's own photos; x, y: the same in cells of the world's grid.
    The box may go beyond 180 degrees.
    """

    photos: int
    x: float
    y: float
    latitude: float
    longitude: float
    box: Box
    newest: int


def clusters(
    library: Library, box: Box, zoom: int, where: Condition | None = None
) -> list[Cluster]:
    """Return the clusters of the photos in an area, largest first.

    zoom: 0 to MAX_ZOOM. where: which photos; None for all.
    """
    columns = _CELLS_AT_ZOOM_0 * 2 ** _countable_zoom(box, zoom)
    with library.database.reader.begin() as connection:
        rows = connection.execute(_cell_query(box, columns, where)).all()
        cells = sorted((_cell(row, columns) for row in rows), key=lambda cell: -cell.photos)
        merged = _merged(cells, columns)
        ids = _ids(connection, [cell.newest for cell in merged])
    return [_cluster(cell, ids[cell.newest]) for cell in merged if cell.newest in ids]


def places(library: Library, where: Condition | None = None) -> Places:
    """Count the photos that have a place. where: which photos; None for all."""
    latitude, longitude = photos.c.latitude, photos.c.longitude
    edges = (func.min(latitude), func.min(longitude), func.max(latitude), func.max(longitude))
    query = select(func.count(), *edges).where(
        photos.c.trashed_at.is_(None), has_place(), always() if where is None else where
    )
    with library.database.reader.begin() as connection:
        count, *box = connection.execute(query).one()
    return Places(int(count), Box(*map(float, box)) if count else None)


def _countable_zoom(box: Box, zoom: int) -> int:
    """Return the zoom, or a lower one at which the area has few enough cells."""
    width = (box.east - box.west) % 360 / 360 or 1.0
    height = abs(_mercator_y(box.north) - _mercator_y(box.south))
    while zoom > 0 and width * height * (_CELLS_AT_ZOOM_0 * 2**zoom) ** 2 > _MAX_CELLS:
        zoom -= 1
    return zoom


def _mercator_y(latitude: float) -> float:
    """Height on the projection, 0 at the equator and 0.5 at 85.05 degrees north."""
    limited = max(-85.06, min(85.06, latitude))
    return math.asinh(math.tan(math.radians(limited))) / (2 * math.pi)


def _cell_query(box: Box, columns: int, where: Condition | None) -> Select[Any]:
    latitude, longitude = photos.c.latitude, photos.c.longitude
    # Degrees of latitude take more pixels the nearer they are to a pole.
    northernmost = min(_SQUARE_TO, max(abs(box.south), abs(box.north)))
    rows_per_degree = columns / 360.0 / math.cos(math.radians(northernmost))
    column = cast((longitude + 180.0) * (columns / 360.0), Integer)
    row = cast((latitude + 90.0) * rows_per_degree, Integer)
    # SQLite groups by one integer in half the time that two numbers take.
    cell = column * _MOST_ROWS + row
    values = (func.count(), func.avg(latitude), func.avg(longitude))
    edges = (func.min(latitude), func.min(longitude), func.max(latitude), func.max(longitude))
    return (
        select(*values, *edges, func.max(photos.c.number))
        .where(photos.c.trashed_at.is_(None), is_in_box(box), always() if where is None else where)
        .group_by(cell)
    )


def _cell(row: Row[Any], columns: int) -> _Cell:
    count, latitude, longitude, *edges, newest = tuple(row)
    x = (longitude + 180) / 360 * columns % columns
    y = _mercator_y(latitude) * columns
    return _Cell(count, x, y, latitude, longitude, Box(*edges), newest)


def _merged(cells: Sequence[_Cell], columns: int) -> list[_Cell]:
    """Join each cell with the smaller ones around it; cells and result: largest first."""
    by_place: dict[tuple[int, int], list[int]] = {}
    for i, cell in enumerate(cells):
        by_place.setdefault(_block(cell), []).append(i)
    blocks, taken, merged = columns // _BLOCK_CELLS, set[int](), list[_Cell]()
    for i, cell in enumerate(cells):
        if i in taken:
            continue
        taken.add(i)
        joined = cell
        x, y = _block(cell)
        for column in {(x - 1) % blocks, x, (x + 1) % blocks}:
            for row in (y - 1, y, y + 1):
                for j in by_place.get((column, row), ()):
                    if j not in taken and _distance(cell, cells[j], columns) < _RADIUS_CELLS:
                        taken.add(j)
                        joined = _joined(joined, cells[j])
        merged.append(joined)
    return sorted(merged, key=lambda cell: -cell.photos)


def _block(cell: _Cell) -> tuple[int, int]:
    """Column and row of the square around a cell that is as wide as the radius of a cluster."""
    return int(cell.x) // _BLOCK_CELLS, math.floor(cell.y / _BLOCK_CELLS)


def _distance(cell: _Cell, other: _Cell, columns: int) -> float:
    """Distance in cells, across the date line where that is shorter."""
    x = abs(cell.x - other.x)
    return math.hypot(min(x, columns - x), cell.y - other.y)


def _joined(cell: _Cell, other: _Cell) -> _Cell:
    # Beside the cell, also where the date line is between them.
    turn = 360.0 * round((cell.longitude - other.longitude) / 360.0)
    return replace(
        cell,
        photos=cell.photos + other.photos,
        box=Box(
            min(cell.box.south, other.box.south),
            min(cell.box.west, other.box.west + turn),
            max(cell.box.north, other.box.north),
            max(cell.box.east, other.box.east + turn),
        ),
        newest=max(cell.newest, other.newest),
    )


def _ids(connection: Connection, numbers: list[int]) -> dict[int, str]:
    query = select(photos.c.number, photos.c.id).where(photos.c.number.in_(numbers))
    return {number: photo_id for number, photo_id in connection.execute(query)}


def _cluster(cell: _Cell, photo_id: str) -> Cluster:
    return Cluster(cell.photos, cell.latitude, cell.longitude, _on_map(cell.box), photo_id)


def _on_map(box: Box) -> Box:
    """Return a box from -180 to 180 degrees; west is greater than east across the date line.

    The date line is 180 and -180 degrees: a box that touches it reaches across, to hold both.
    """
    if box.east - box.west >= 360:
        return replace(box, west=-180.0, east=180.0)
    west = box.west + 360 if box.west <= -180 else box.west
    east = box.east - 360 if box.east >= 180 else box.east
    return replace(box, west=west, east=east)
