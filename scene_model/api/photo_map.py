"""The route of the map: clusters of the photos in an area."""

from typing import Annotated

from fastapi import FastAPI, Query

from scene_model.api.context import ApiContext
from scene_model.api.responses import problems
from scene_model.api.schemas import MapCluster, MapClusters
from scene_model.search.query_values import read_box
from scene_model.statistics.map_clusters import MAX_ZOOM


def add_map_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the route to the API."""

    @api.get("/map/clusters", responses=problems(400), tags=["library"])
    def clusters(
        within: Annotated[
            str,
            Query(
                max_length=200,
                description="South, west, north and east in degrees.",
                examples=["38.6,-9.3,38.8,-9.0"],
            ),
        ] = "-90,-180,90,180",
        zoom: Annotated[int, Query(ge=0, le=MAX_ZOOM)] = 0,
        q: Annotated[str, Query(max_length=1000, description="Query; empty for all photos.")] = "",
    ) -> MapClusters:
        """Return the photos of an area in clusters, the largest first."""
        box = read_box(within)
        return MapClusters(
            clusters=[
                MapCluster(
                    photos=cluster.photos,
                    latitude=cluster.latitude,
                    longitude=cluster.longitude,
                    within=[
                        cluster.box.south,
                        cluster.box.west,
                        cluster.box.north,
                        cluster.box.east,
                    ],
                    photo_id=cluster.photo_id,
                )
                for cluster in context.services().gallery().map_clusters(box, zoom, q)
            ]
        )
