"""Where a sorted photo goes: a template such as ``{taken:%Y}/{class}/{name}``."""

import datetime
import os
import string
from collections.abc import Mapping
from dataclasses import dataclass

from scene_model.errors import InvalidLayout
from scene_model.export.archive import safe_name

DEFAULT_LAYOUT = "{class}/{name}"
ALBUM_LAYOUT = "{album}/{name}"
FIELDS = ("class", "album", "taken", "camera", "name")
UNDATED, NO_CAMERA = "undated", "no camera"
MAX_NAME_BYTES = 255
_Part = tuple[str, str | None, str]  # literal text, field, its format


@dataclass(frozen=True, slots=True)
class Destination:
    """What a layout may ask of a photo.

    label: the class or label it is filed under; source: who said so. album: may be empty where
    nobody asks for it. taken_at: ISO 8601.
    """

    label: str
    source: str
    album: str
    taken_at: str | None
    camera: str | None


class Layout:
    """A template that can be used."""

    def __init__(self, template: str) -> None:
        """Read a template; raises InvalidLayout, which says what is wrong and what may stand."""
        self.template = template
        self._folders, self._name = _read(template)
        self._asks_taken = any(f == "taken" for parts in self._folders for _, f, _ in parts)
        self._known: dict[tuple[str | None, ...], str] = {}

    @property
    def asks_album(self) -> bool:
        """Tell whether a place depends on a photo's album."""
        parts = [*(part for folder in self._folders for part in folder), *self._name]
        return any(field == "album" for _, field, _ in parts)

    def place(self, filing: Destination, name: str) -> tuple[str, str]:
        """The folder below DEST, with slashes, and the file's name."""
        asked = filing.taken_at if self._asks_taken else None
        key = (filing.label, filing.album, filing.camera, asked)
        folder = self._known.get(key)
        if folder is None:
            values = _values(filing)
            folder = "/".join(safe_name(_filled(parts, values)) for parts in self._folders)
            self._known[key] = folder
        if len(self._name) == 1 and self._name[0] == ("", "name", ""):
            return folder, name
        return folder, _filled(self._name, _values(filing) | {"name": name}).replace("\0", "_")


def numbered(name: str, number: int) -> str:
    """``a.jpg`` → ``a (2).jpg``; 1 leaves it as it is, as far as 255 bytes hold it."""
    if number == 1 and len(name) * 4 <= MAX_NAME_BYTES:
        return name
    stem, suffix = os.path.splitext(name)
    mark = "" if number == 1 else f" ({number})"
    raw_stem, end = os.fsencode(stem), os.fsencode(mark + suffix)
    if len(end) >= MAX_NAME_BYTES:  # no suffix but a name with a dot in it
        raw_stem, end = os.fsencode(name), os.fsencode(mark)
    keep = MAX_NAME_BYTES - len(end)
    if len(raw_stem) > keep:
        while keep and raw_stem[keep] & 0xC0 == 0x80:  # never through a character
            keep -= 1
        raw_stem = raw_stem[:keep]
    return os.fsdecode(raw_stem + end)


def _read(template: str) -> tuple[list[list[_Part]], list[_Part]]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise _wrong(template, f"its braces do not match ({error})") from error
    components: list[list[_Part]] = [[]]
    for literal, field, form, conversion in parsed:
        first, *rest = literal.split("/")
        components[-1].append((first, None, ""))
        components += [[(text, None, "")] for text in rest]
        if field is None:
            continue
        if field not in FIELDS or conversion:
            raise _wrong(template, f"it knows no field {field!r}")
        if form and (field != "taken" or "/" in form):
            raise _wrong(template, "a format belongs to taken alone, without slashes")
        components[-1].append(("", field, form or ""))
    folders = [[part for part in parts if part != ("", None, "")] for parts in components]
    *folders, name = folders
    if any(not parts for parts in folders) or any(
        [text for text, *_ in parts] in (["."], [".."]) for parts in folders
    ):
        raise _wrong(template, "a folder in it has no name")
    if not any(field == "name" for _, field, _ in name):
        raise _wrong(template, "its last part must hold {name}")
    if any(field == "name" for parts in folders for _, field, _ in parts):
        raise _wrong(template, "{name} belongs to its last part alone")
    return folders, name


def _values(filing: Destination) -> dict[str, str]:
    return {
        "class": filing.label,
        "album": filing.album,
        "taken": filing.taken_at or "",
        "camera": filing.camera or NO_CAMERA,
    }


def _filled(parts: list[_Part], values: Mapping[str, str]) -> str:
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


def _wrong(template: str, why: str) -> InvalidLayout:
    fields = ", ".join(f"{{{field}}}" for field in FIELDS)
    return InvalidLayout(
        f"The layout {template!r} cannot be used: {why}. Fields are {fields}; taken takes a "
        "format, as in {taken:%Y}/{taken:%m}/{class}/{name}."
    )
