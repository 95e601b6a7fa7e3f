"""Routes of trips."""

from typing import Annotated

from fastapi import FastAPI, Path

from scene_model.api.context import ApiContext
from scene_model.api.responses import problems
from scene_model.api.schemas import Trip, TripList
from scene_model.trips.trip_details import find_trip, shown_trips, trip_record

_MAX_ID = 2**63 - 1


def add_trip_routes(api: FastAPI, context: ApiContext) -> None:
    """Add the routes to the API."""

    @api.get("/trips", tags=["library"])
    def trips() -> TripList:
        """List the trips that nobody hid, the oldest first; `trip:"TITLE"` finds their photos."""
        shown = shown_trips(context.services().library)
        return TripList(trips=[Trip.model_validate(trip_record(details)) for details in shown])

    @api.get("/trips/{trip_id}", responses=problems(404), tags=["library"])
    def trip(trip_id: Annotated[int, Path(ge=1, le=_MAX_ID)]) -> Trip:
        """Return one trip, also a hidden one."""
        details = find_trip(context.services().library, trip_id)
        return Trip.model_validate(trip_record(details))
