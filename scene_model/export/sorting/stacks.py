"""Photos of a folder on disk that belong together: an edited version and its original."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from scene_model.duplicates.stack_pairs import Candidate, joins
from scene_model.export.sorting.plan import ScannedPhoto
from scene_model.photos.raw.kinds import RAW_SUFFIXES


def together(photos: Sequence[ScannedPhoto]) -> Iterator[ScannedPhoto]:
    """Yield photos in their order, those that belong together with the destination of their pick.

    RAW files and films of Live Photos are companions already.
    """
    destinations = {number: photo.destination for number, photo in enumerate(photos)}
    for join in joins(_candidate(number, photo) for number, photo in enumerate(photos)):
        for number in join.numbers:
            destinations[number] = photos[join.numbers[0]].destination
    for number, photo in enumerate(photos):
        yield replace(photo, destination=destinations[number])


def _candidate(number: int, photo: ScannedPhoto) -> Candidate:
    file = photo.group.photo
    suffix = os.path.splitext(file.name)[1].lower()
    return Candidate(
        number,
        file.name,
        suffix[1:].upper() if suffix in RAW_SUFFIXES else "JPEG",
        os.path.dirname(file.path),
        photo.destination.taken_at,
        None,
        photo.destination.camera,
    )
