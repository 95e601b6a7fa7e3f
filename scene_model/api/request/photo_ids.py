"""A photo's id as it comes in an address."""

import re

from scene_model.errors import PhotoNotFound

_PHOTO_ID = re.compile(r"[0-9a-f]{64}")


def checked_photo_id(photo_id: str) -> str:
    """Return an id that can be one; raises PhotoNotFound."""
    if not _PHOTO_ID.fullmatch(photo_id):
        raise PhotoNotFound("A photo's id has 64 hexadecimal digits.")
    return photo_id
