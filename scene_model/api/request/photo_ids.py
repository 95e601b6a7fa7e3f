"""Validation of photo ids in URLs."""

import re

from scene_model.errors import PhotoNotFound

_PHOTO_ID = re.compile(r"[0-9a-f]{64}")


def checked_photo_id(photo_id: str) -> str:
    """Return a well-formed id; raises PhotoNotFound."""
    if not _PHOTO_ID.fullmatch(photo_id):
        raise PhotoNotFound("A photo id has 64 lower-case hexadecimal digits.")
    return photo_id
