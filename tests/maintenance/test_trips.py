"""Trips and what people decided about them are in backups."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.library import edits
from scene_model.library.dates.date_edits import set_date
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import all_trips
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import Services
from scene_model.trips.trip_details import shown_trips
from scene_model.trips.trip_edits import rename_trip, take_out_of_trip
from scene_model.trips.trip_run import update_trips
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_a_backup_restores_trips(services: Services, add_photos: Add, tmp_path: Path) -> None:
    files = [(f"{n}.jpg", encode(textured(48, 32, seed=n))) for n in range(12)]
    for n, photo_id in enumerate(add_photos(files)):
        set_date(services.library, [photo_id], f"2024-07-{12 + n // 6} 1{n % 6}:00")
    services.trips.wait()
    update_trips(services.library)
    (trip,) = all_trips(services.library)
    rename_trip(services.library, trip.id, "Our summer")
    (details,) = shown_trips(services.library)
    take_out_of_trip(services.library, details.photo_ids[:2])
    before = shown_trips(services.library)
    assert len(before[0].photo_ids) == 10
    write_backup(services.library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored")
    with Library(tmp_path / "restored") as restored:
        assert shown_trips(restored) == before
        update_trips(restored)
        assert shown_trips(restored) == before, "what was taken out stays out"
        assert verify(restored).problems == ()
        edits.undo(restored)
        assert len(shown_trips(restored)[0].photo_ids) == 12
