"""``library trips``: list the trips, each with its days and photos."""

import argparse
import json

from scene_model.cli.terminal import counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.trip_details import TripDetails, shown_trips, trip_record
from scene_model.trips.trip_run import update_trips


def trips(options: argparse.Namespace, settings: Settings) -> int:
    """List the trips that nobody hid, the oldest first, after an update."""
    with Library(settings.library) as library:
        update_trips(library)
        shown = shown_trips(library)
    if options.json:
        print(json.dumps([trip_record(details) for details in shown]))
        return EXIT_DONE
    for details in shown:
        print(json.dumps(trip_record(details)) if options.jsonl else _line(details))
    return EXIT_DONE


def _line(details: TripDetails) -> str:
    trip = details.trip
    days = f"{(trip.first_at or '-')[:10]} to {(trip.last_at or '-')[:10]}"
    parts = (days, printable(trip.title), counted(len(details.photo_ids), "photo"))
    note = ("proposed",) if trip.state is TripState.PROPOSED else ()
    return "\t".join((*parts, *note))
