"""Group the photos of a stack by shot: a RAW file, its JPEG and edited versions are one."""

from collections.abc import Iterable
from typing import Any

from scene_model.duplicates.stack_names import stack_name
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.video.kinds import VIDEO_FORMATS


def shots_of(members: Iterable[Any]) -> list[list[Any]]:
    """Return the photos of one stack by shot, both in the given order.

    members: rows with name, folder and format. A shot has one name in one folder. Some phones send
    all photos as "image.jpg": each further picture that is not an edited version is another shot.
    """
    shots: dict[tuple[str, str | None, int], list[Any]] = {}
    pictures: dict[tuple[str, str | None], int] = {}
    for row in members:
        name = stack_name(row.name)
        shot, count = (name.base, row.folder), 0
        if row.format not in (*RAW_FORMATS, *VIDEO_FORMATS) and not name.is_edit:
            count = pictures.get(shot, 0)
            pictures[shot] = count + 1
        shots.setdefault((*shot, count), []).append(row)
    return list(shots.values())
