"""Photos as a ZIP with one folder a class: streamed, stored, original bytes and names."""

import datetime
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scene_model.export.strip_gps import strip_gps
from scene_model.export.table import utf8_pieces
from scene_model.export.zip_stream import ZipPieces

MANIFEST_NAME = "manifest.csv"
MISSING_NAME = "missing.txt"
LEFT_OUT_NAME = "left-out.txt"
_OURS = (MANIFEST_NAME, MISSING_NAME, LEFT_OUT_NAME)
_MAX_NAME_BYTES = 200
_MAX_SUFFIX_BYTES = 20
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
# Names Windows keeps for devices, with any suffix.
_RESERVED = re.compile(r"(?i)^(con|conin\$|conout\$|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)")
_JOINER = "\u200d"  # holds the parts of one emoji together


@dataclass(frozen=True)
class ArchiveEntry:
    """One photo to pack: the folder it goes to, the name it was given, where its bytes lie.

    keep_place: False packs a copy that does not tell where the photo was taken. has_place: it is
    known to tell.
    """

    folder: str
    name: str
    path: Path
    added_at: str
    keep_place: bool = True
    has_place: bool = False


def safe_name(name: str, fallback: str = "photo") -> str:
    """Make one safe path component of a name somebody gave: no folder, device or control.

    At most 200 bytes in UTF-8; the suffix is kept.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    text = _FORBIDDEN.sub("_", text.replace("\\", "/").rsplit("/", 1)[-1])
    # Controls, direction marks and line separators: what is not seen is not kept.
    text = "".join(
        c for c in text if c == _JOINER or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp")
    ).strip(". ")
    if not text:
        text = fallback
    if _RESERVED.match(text):
        text = f"_{text}"
    suffix = PurePosixPath(text).suffix
    if len(suffix.encode("utf-8")) > _MAX_SUFFIX_BYTES:
        suffix = ""
    stem = text.removesuffix(suffix)
    while len((stem + suffix).encode("utf-8")) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(". ") or fallback) + suffix


def archive_names(entries: Iterable[ArchiveEntry]) -> Iterator[tuple[ArchiveEntry, str]]:
    """Give each entry its place ``folder/name``; a clash becomes ``name (2).jpg``.

    Names that differ by case alone clash too: on Windows and macOS they are one file.
    """
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    for entry in entries:
        folder, name = safe_name(entry.folder, "unsure"), safe_name(entry.name)
        if folder.casefold() in _OURS:
            folder = f"_{folder}"
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        candidate, first = f"{folder}/{name}", f"{folder}/{name}".casefold()
        number = next_number.get(first, 1)
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{folder}/{stem} ({number}){suffix}"
        next_number[first] = number
        taken.add(candidate.casefold())
        yield entry, candidate


def stream_zip(entries: Iterable[ArchiveEntry], manifest: Iterable[str] = ()) -> Iterator[bytes]:
    """Yield a ZIP piece by piece in constant memory; the photos are stored, not re-packed.

    The same photos and manifest give the same bytes.

    manifest: lines of a CSV that goes in as ``manifest.csv``, first.
    An original that vanished meanwhile is named in ``missing.txt`` instead of breaking the rest;
    one whose place is not to be told and cannot be taken out, in ``left-out.txt``.
    """
    archive = ZipPieces()
    lines = iter(manifest)
    first = next(lines, None)
    if first is not None:
        text = utf8_pieces(itertools.chain([first], lines))
        yield from archive.pieces(text, MANIFEST_NAME)
    missing, left_out = [], []
    for entry, name in archive_names(entries):
        try:
            if entry.keep_place:
                yield from archive.file(entry.path, name, entry.added_at)
            elif (data := _without_place(entry)) is not None:
                yield from archive.pieces([data], name, entry.added_at, len(data))
            else:
                left_out.append(name)
        except FileNotFoundError:
            missing.append(name)
    for text_name, names, why in (
        (MISSING_NAME, missing, "The originals of these photos are not in the library any more:"),
        (LEFT_OUT_NAME, left_out, "The place cannot be taken out of these photos; they stay out:"),
    ):
        if names:
            told = "\n".join([why, *names, ""])
            yield from archive.pieces([told.encode("utf-8")], text_name)
    yield from archive.end()


def _without_place(entry: ArchiveEntry) -> bytes | None:
    """The bytes of a copy without the place; None where it cannot be made."""
    data = entry.path.read_bytes()
    made = strip_gps(data)
    return data if made is None and not entry.has_place else made


def archive_file_name(now: datetime.datetime) -> str:
    """Name the download, by the day it was made."""
    return f"scene-gallery-{now:%Y-%m-%d}.zip"
