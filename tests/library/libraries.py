"""Libraries of many rows, made without classifying a photo."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import insert

from scene_model.library.database.schema import automatic_tags, photos
from scene_model.library.store import Library


def add_rows(
    library: Library, count: int, tags: Sequence[str] = ("forest",), bundle: str = "made@0"
) -> list[str]:
    """Add rows of photos without files to a library; returns their ids."""
    ids = [hashlib.sha256(f"row {number}".encode()).hexdigest() for number in range(count)]
    rows = [
        {
            "id": photo_id,
            "name": f"{number:06d}.jpg",
            "folded_name": f"{number:06d}.jpg",
            "format": "JPEG",
            "file_bytes": 1000,
            "width": 40,
            "height": 30,
            "added_at": f"2026-01-01T00:00:00.{number:06d}+00:00",
            "bundle": bundle,
            "class_head": "scenes",
            "tag_head": "camera",
            "class_head_label": "forest",
            "confidence": 0.9,
            "class_head_unsure": False,
            "auto_class": "forest",
            "auto_class_source": "scenes",
            "auto_class_score": 0.9,
        }
        for number, photo_id in enumerate(ids)
    ]
    tag_rows = [
        {"photo_id": photo_id, "head": "scenes", "label": label, "score": 0.9, "bundle": bundle}
        for photo_id in ids
        for label in tags
    ]
    with library.database.writer.begin() as connection:
        connection.execute(insert(photos), rows)
        connection.execute(insert(automatic_tags), tag_rows)
    return ids
