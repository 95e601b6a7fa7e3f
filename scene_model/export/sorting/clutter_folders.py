"""Photos of a folder on disk that are clutter, except for failed shots of a burst."""

import bisect
import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from scene_model.export.sorting.layout import Destination
from scene_model.export.sorting.plan import ScannedPhoto
from scene_model.library.clutter.conditions import ClutterKind

# A blurred or black shot is one of a burst if another one was taken at most so long before or
# after it: the pictures are not compared, and a photo among photos does less harm than one apart.
_BURST_S = 3.0
_FAILED_SHOTS = (ClutterKind.BLURRED, ClutterKind.BLACK)


def with_bursts(photos: Sequence[ScannedPhoto]) -> Iterator[ScannedPhoto]:
    """Yield photos in their order, failed shots of a burst with the destination of its others."""
    by_camera: dict[str | None, list[tuple[float, int]]] = defaultdict(list)
    for number, photo in enumerate(photos):
        seconds = _seconds(photo.destination)
        if seconds is not None and not photo.destination.clutter:
            by_camera[photo.destination.camera].append((seconds, number))
    for shots in by_camera.values():
        shots.sort()
    for photo in photos:
        seconds = _seconds(photo.destination)
        if seconds is not None and photo.destination.clutter in _FAILED_SHOTS:
            shots = by_camera[photo.destination.camera]
            index = bisect.bisect(shots, (seconds, 0))
            near = [
                (abs(other - seconds), number)
                for other, number in shots[max(0, index - 1) : index + 1]
                if abs(other - seconds) <= _BURST_S
            ]
            if near:
                photo = replace(photo, destination=photos[min(near)[1]].destination)
        yield photo


def _seconds(destination: Destination) -> float | None:
    """Return the local time of a photo; None without one, or without a time of day."""
    taken_at = destination.taken_at or ""
    try:
        moment = datetime.datetime.fromisoformat(taken_at)
    except ValueError:
        return None
    has_time = len(taken_at) > len("2024-07-14")
    local = moment.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)
    return local.total_seconds() if has_time else None
