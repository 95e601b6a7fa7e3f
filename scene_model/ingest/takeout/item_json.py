"""The ``.json`` files of Google Takeout: one beside each photo, and one in each album."""

import datetime
import html
import json
import math
from dataclasses import dataclass
from typing import Any

from scene_model.library.imported_facts import ImportedFacts
from scene_model.photos.dates import TAKEOUT

MAX_JSON_BYTES = 1_000_000
_MAX_TEXT = 10_000


@dataclass(frozen=True)
class TakeoutItem:
    """What one ``.json`` says of a photo or video. title: its original file name."""

    title: str
    facts: ImportedFacts
    is_trashed: bool = False


@dataclass(frozen=True)
class TakeoutAlbum:
    """What the ``.json`` of a folder says. title: empty for an album without a name."""

    title: str


def read_json(data: bytes) -> TakeoutItem | TakeoutAlbum | None:
    """Read a ``.json``; None for one that describes neither a photo nor an album."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    if "photoTakenTime" in fields:
        return _item(fields)
    # The file is named in the language of the account, so that only its content tells.
    album = fields.get("albumData", fields)
    is_album = "albumData" in fields or {"date", "access"} & fields.keys()
    if isinstance(album, dict) and is_album and isinstance(album.get("title"), str):
        return TakeoutAlbum(_text(album["title"]))
    return None


def _item(fields: dict[str, Any]) -> TakeoutItem:
    place = _place(fields.get("geoData")) or _place(fields.get("geoDataExif"))
    facts = ImportedFacts(
        source=TAKEOUT,
        taken_utc=_moment(fields["photoTakenTime"]),
        latitude=place and place[0],
        longitude=place and place[1],
        description=_text(fields.get("description")),
        is_favourite=fields.get("favorited") is True,
    )
    return TakeoutItem(_text(fields.get("title")), facts, fields.get("trashed") is True)


def _moment(field: Any) -> str:
    """Return a time stamp as ISO 8601 in UTC; empty without one."""
    try:
        seconds = int(field["timestamp"])
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        # `fromtimestamp` refuses times before 1970 on Windows.
        return (moment + datetime.timedelta(seconds=seconds)).isoformat() if seconds else ""
    except (TypeError, KeyError, ValueError, OverflowError):
        return ""


def _place(field: Any) -> tuple[float, float] | None:
    """Return a place; 0,0 means that none is known."""
    try:
        latitude, longitude = float(field["latitude"]), float(field["longitude"])
    except (TypeError, KeyError, ValueError):
        return None
    is_finite = math.isfinite(latitude) and math.isfinite(longitude)
    if not is_finite or abs(latitude) > 90 or abs(longitude) > 180 or latitude == longitude == 0:
        return None
    return round(latitude, 7), round(longitude, 7)


def _text(field: Any) -> str:
    """Return a text; Takeout writes some characters as in HTML."""
    if not isinstance(field, str):
        return ""
    return html.unescape(field).encode("utf-8", "replace").decode("utf-8").strip()[:_MAX_TEXT]
