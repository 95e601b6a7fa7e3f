"""Layout templates for sorted photos, such as ``{taken:%Y}/{class}/{name}``."""

import datetime
import os
import string
from collections.abc import Mapping
from dataclasses import dataclass

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.errors import InvalidLayout
from scene_model.export.archive import safe_name
from scene_model.library.trips.trip_rows import NO_TRIP

DEFAULT_LAYOUT = "{class}/{name}"
ALBUM_LAYOUT = "{album}/{name}"
TRIP_LAYOUT = "{trip}/{name}"
TRIP_DAYS_LAYOUT = "{dated_trip}/{day}/{name}"
# What `organise` sorts by: clutter apart, trips with their days, other photos by month.
ORGANISED_LAYOUT = (
    "Clutter/{clutter}/{name} | {dated_trip}/{day}/{name} | {taken:%Y}/{taken:%m}/{name} | "
    "undated/{name}"
)
FIELDS = (
    *("class", "group", "album", "trip", "dated_trip", "day", "taken", "camera"),
    *("place", "city", "country", "clutter", "name"),
)
_PLACE_FIELDS, _TRIP_FIELDS = ("place", "city", "country"), ("trip", "dated_trip", "day")
UNDATED, NO_CAMERA, NO_PLACE = "undated", "no camera", "no place"
NO_CLUTTER = "no clutter"
_BETWEEN_ALTERNATIVES = "|"
MAX_NAME_BYTES = 255
_Part = tuple[str, str | None, str]  # literal text, field, its format


@dataclass(frozen=True, slots=True)
class Destination:
    """A photo's values for the fields of a layout.

    label: its class, group, label, album or trip; source: the head that predicted it, HUMAN, NONE,
    "all heads" of a group, "album rules", or "the trips". album: empty when the layout does not use
    it. taken_at: ISO 8601. group: UNSURE_CLASS without one. city: the settlement, or "At sea".
    country: its English name. Both empty where the place is not known. trip: its title, NO_TRIP
    without one. dated_trip: see `titles.dated_titles`. day: the number and the place of the day in
    the trip; None without a trip. position: latitude and longitude of a photo that is not in the
    library, for proposing its trip. clutter: the kind, also of a proposal; empty for other photos.
    """

    label: str
    source: str
    album: str
    taken_at: str | None
    camera: str | None
    group: str = UNSURE_CLASS
    city: str = ""
    country: str = ""
    trip: str = NO_TRIP
    day: str | None = None
    position: tuple[float, float] | None = None
    dated_trip: str = NO_TRIP
    clutter: str = ""


class Layout:
    """A parsed template, or several, of which the first counts that has a value for each field."""

    def __init__(self, template: str) -> None:
        """Parse a template; raises InvalidLayout with the reason and the fields."""
        self.template = template
        parts = template.split(_BETWEEN_ALTERNATIVES)
        self._alternatives = [_Alternative(part.strip()) for part in parts]
        self._fields = {field for choice in self._alternatives for field in choice.fields}

    @property
    def uses_album(self) -> bool:
        """Whether the target path depends on a photo's album."""
        return "album" in self._fields

    @property
    def uses_place(self) -> bool:
        """Whether the target path depends on where a photo was taken."""
        return not self._fields.isdisjoint(_PLACE_FIELDS)

    @property
    def uses_trip(self) -> bool:
        """Whether the target path depends on a photo's trip."""
        return not self._fields.isdisjoint(_TRIP_FIELDS)

    @property
    def uses_clutter(self) -> bool:
        """Whether the target path depends on whether a photo is clutter."""
        return "clutter" in self._fields

    def target(self, destination: Destination, name: str) -> tuple[str, str]:
        """Return the folder below DEST, with slashes, and the file name."""
        *earlier, last = self._alternatives
        fitting = (choice for choice in earlier if choice.fits(destination))
        return next(fitting, last).target(destination, name)


class _Alternative:
    """One template of a layout."""

    def __init__(self, template: str) -> None:
        self._folders, self._name = _parse(template)
        parts = [*(part for folder in self._folders for part in folder), *self._name]
        self.fields = {field for _, field, _ in parts if field is not None}
        # A photo of no trip has its date as day.
        dated = ("taken", "day")
        self._uses_taken = any(f in dated for parts in self._folders for _, f, _ in parts)
        self._folder_cache: dict[tuple[str | None, ...], str] = {}

    def fits(self, destination: Destination) -> bool:
        """Whether a photo has a value for each field."""
        return all(_has_value(field, destination) for field in self.fields)

    def target(self, destination: Destination, name: str) -> tuple[str, str]:
        """See `Layout.target`."""
        taken_at = destination.taken_at if self._uses_taken else None
        key = (
            *(destination.label, destination.group, destination.album, destination.clutter),
            *(destination.city, destination.country, destination.trip, destination.dated_trip),
            *(destination.day, destination.camera, taken_at),
        )
        folder = self._folder_cache.get(key)
        if folder is None:
            values = _values(destination)
            folder = "/".join(safe_name(_fill(parts, values)) for parts in self._folders)
            self._folder_cache[key] = folder
        if len(self._name) == 1 and self._name[0] == ("", "name", ""):
            return folder, name
        return folder, _fill(self._name, _values(destination) | {"name": name}).replace("\0", "_")


def _has_value(field: str, destination: Destination) -> bool:
    if field in _TRIP_FIELDS:
        return destination.trip != NO_TRIP
    if field == "taken":
        return _value("taken", "", destination.taken_at or "") != UNDATED
    if field in _PLACE_FIELDS:
        return bool(destination.country or destination.city)
    values = {"class": destination.label, "group": destination.group, "album": destination.album}
    if field in values:
        return values[field] not in ("", UNSURE_CLASS, NO_TRIP)
    return bool({"camera": destination.camera, "clutter": destination.clutter}.get(field, True))


def numbered(name: str, number: int) -> str:
    """Add a number: ``a.jpg`` → ``a (2).jpg``; 1 adds none. Truncates to 255 bytes."""
    if number == 1 and len(name) * 4 <= MAX_NAME_BYTES:
        return name
    stem, suffix = os.path.splitext(name)
    mark = "" if number == 1 else f" ({number})"
    raw_stem, end = os.fsencode(stem), os.fsencode(mark + suffix)
    if len(end) >= MAX_NAME_BYTES:  # not a suffix, but a long name with a dot in it
        raw_stem, end = os.fsencode(name), os.fsencode(mark)
    length = MAX_NAME_BYTES - len(end)
    if len(raw_stem) > length:
        while length and raw_stem[length] & 0xC0 == 0x80:  # do not split a UTF-8 character
            length -= 1
        raw_stem = raw_stem[:length]
    return os.fsdecode(raw_stem + end)


def _parse(template: str) -> tuple[list[list[_Part]], list[_Part]]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise _invalid(template, f"its braces do not match ({error})") from error
    components: list[list[_Part]] = [[]]
    for literal, field, form, conversion in parsed:
        head, *tail = literal.split("/")
        components[-1].append((head, None, ""))
        components += [[(text, None, "")] for text in tail]
        if field is None:
            continue
        if field not in FIELDS or conversion:
            raise _invalid(template, f"there is no field {field!r}")
        if form and (field != "taken" or "/" in form):
            raise _invalid(template, "only taken can have a format, and without slashes")
        components[-1].append(("", field, form or ""))
    folders = [[part for part in parts if part != ("", None, "")] for parts in components]
    *folders, name = folders
    if any(not parts for parts in folders) or any(
        [text for text, *_ in parts] in (["."], [".."]) for parts in folders
    ):
        raise _invalid(template, "one of its folders has no name")
    if not any(field == "name" for _, field, _ in name):
        raise _invalid(template, "its last part must contain {name}")
    if any(field == "name" for parts in folders for _, field, _ in parts):
        raise _invalid(template, "only its last part can contain {name}")
    return folders, name


def _values(destination: Destination) -> dict[str, str]:
    # Each once: Monaco is a city and a country.
    place = dict.fromkeys((destination.city, destination.country))
    return {
        "class": destination.label,
        "group": destination.group,
        "album": destination.album,
        "trip": destination.trip,
        "dated_trip": destination.dated_trip,
        "day": destination.day or _value("taken", "", destination.taken_at or ""),
        "taken": destination.taken_at or "",
        "camera": destination.camera or NO_CAMERA,
        "place": ", ".join(filter(None, place)) or NO_PLACE,
        "city": destination.city or NO_PLACE,
        "country": destination.country or destination.city or NO_PLACE,
        "clutter": destination.clutter or NO_CLUTTER,
    }


def _fill(parts: list[_Part], values: Mapping[str, str]) -> str:
    return "".join(
        text if field is None else _value(field, form, values[field]) for text, field, form in parts
    )


def _value(field: str, form: str, value: str) -> str:
    if field == "name":
        return value
    if field != "taken":
        return safe_name(value)
    try:
        return datetime.datetime.fromisoformat(value).strftime(form or "%Y-%m-%d") or UNDATED
    except ValueError:
        return UNDATED


def _invalid(template: str, reason: str) -> InvalidLayout:
    fields = ", ".join(f"{{{field}}}" for field in FIELDS)
    return InvalidLayout(
        f"The layout {template!r} cannot be used: {reason}. The fields are {fields}; taken can "
        "have a format, as in {taken:%Y}/{taken:%m}/{class}/{name}. Several layouts with | between "
        "them are tried in turn: the first counts that has a value for each of its fields."
    )
