"""What iCloud's "request a copy of your data" writes beside photos: CSV files.

``Photo Details.csv`` in the folder of the photos has a line for each, and each CSV file in the
folder ``Albums`` lists the names of an album's photos.
"""

import csv
import datetime
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scene_model.library.imported_facts import ImportedFacts
from scene_model.photos.dates import ICLOUD

_DETAILS = re.compile(r"photo details(?:[ -]\d+)?\.csv", re.IGNORECASE)
_ALBUMS = re.compile(r"(?:^|/)albums$", re.IGNORECASE)
_YES = ("yes", "true", "1")
# "Saturday January 15,2022 7:31 PM GMT", also with a blank after the comma.
_DATE = re.compile(
    r"\w+ (?P<month>\w+) (?P<day>\d{1,2}), ?(?P<year>\d{4}) (?P<hour>\d{1,2}):(?P<minute>\d\d) "
    r"(?P<half>[AP])M (?:GMT|UTC)"
)
_MONTHS = (
    "january february march april may june july august september october november december"
).split()


@dataclass(frozen=True)
class ICloudItem:
    """One line of ``Photo Details.csv``. is_trashed: the photo was deleted and not yet removed."""

    name: str
    facts: ImportedFacts
    is_trashed: bool


def is_details(name: str) -> bool:
    """Whether a file is a ``Photo Details.csv``, by its name."""
    return _DETAILS.fullmatch(name) is not None


def is_album_list(folder: str) -> bool:
    """Whether the CSV files of a folder are albums."""
    return _ALBUMS.search(folder) is not None


def read_details(data: bytes) -> list[ICloudItem]:
    """Read a ``Photo Details.csv``; lines that cannot be read are left out."""
    return [
        ICloudItem(
            name,
            ImportedFacts(
                source=ICLOUD,
                taken_utc=_moment(row.get("originalCreationDate") or ""),
                is_favourite=(row.get("favorite") or "").lower() in _YES,
            ),
            (row.get("deleted") or "").lower() in _YES,
        )
        for row in _rows(data)
        if (name := (row.get("imgName") or "").strip())
    ]


def read_album(data: bytes) -> list[str]:
    """Return the names of an album's photos: the first column."""
    return [name for row in _rows(data) if (name := (next(iter(row.values()), "") or "").strip())]


def _rows(data: bytes) -> Iterator[Mapping[str, str | None]]:
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    try:
        yield from csv.DictReader(io.StringIO(text))
    except csv.Error:
        return


def _moment(text: str) -> str:
    """Return a date as ISO 8601 in UTC; empty for one that cannot be read."""
    match = _DATE.fullmatch(" ".join(text.split()))
    if match is None or match["month"].lower() not in _MONTHS:
        return ""
    month = _MONTHS.index(match["month"].lower()) + 1
    hour = int(match["hour"]) % 12 + (12 if match["half"] == "P" else 0)
    try:
        moment = datetime.datetime(
            int(match["year"]),
            month,
            int(match["day"]),
            hour,
            int(match["minute"]),
            tzinfo=datetime.UTC,
        )
    except ValueError:
        return ""
    return moment.isoformat()
