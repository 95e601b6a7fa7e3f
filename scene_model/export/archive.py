"""Photos as a streamed ZIP, one folder per class, with their original bytes and names."""

import datetime
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scene_model.errors import SceneError
from scene_model.export.strip_gps import strip_gps
from scene_model.export.table import utf8_chunks
from scene_model.export.zip_stream import ZipStream
from scene_model.photos.sniff import FileKind, sniff

MANIFEST_NAME = "manifest.csv"
MISSING_NAME = "missing.txt"
LEFT_OUT_NAME = "left-out.txt"
_RESERVED_NAMES = (MANIFEST_NAME, MISSING_NAME, LEFT_OUT_NAME)
_MAX_NAME_BYTES = 200
_MAX_SUFFIX_BYTES = 20
_HEAD_BYTES = 4096
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
# Names that Windows reserves for devices, with any suffix.
_DEVICE_NAMES = re.compile(r"(?i)^(con|conin\$|conout\$|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)")
_ZERO_WIDTH_JOINER = "\u200d"  # joins the parts of one emoji


@dataclass(frozen=True)
class ArchiveEntry:
    """One photo to pack: its folder in the ZIP, its name, and the path of its bytes.

    added_at, taken_at: ISO 8601; the second, or else the first, is the member's time in the ZIP.
    with_place: False packs a copy without the place where the photo was taken. subfolder: within
    the folder; empty for none. fetch: brings an original at a URL to the path; raises SceneError.
    """

    folder: str
    name: str
    path: Path
    added_at: str
    with_place: bool = True
    taken_at: str | None = None
    subfolder: str = ""
    fetch: Callable[[], None] | None = None

    @property
    def dates(self) -> tuple[str, ...]:
        """The times of the member in the ZIP; the first that can be read counts."""
        return (self.taken_at, self.added_at) if self.taken_at else (self.added_at,)


def safe_name(name: str, fallback: str = "photo") -> str:
    """Turn any name into one safe path component: no folder, device name or control character.

    At most 200 bytes in UTF-8; the suffix stays.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    text = _FORBIDDEN.sub("_", text.replace("\\", "/").rsplit("/", 1)[-1])
    # Drop invisible characters: controls, direction marks, line separators.
    text = "".join(
        c
        for c in text
        if c == _ZERO_WIDTH_JOINER or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp")
    ).strip(". ")
    if not text:
        text = fallback
    if _DEVICE_NAMES.match(text):
        text = f"_{text}"
    suffix = PurePosixPath(text).suffix
    if len(suffix.encode("utf-8")) > _MAX_SUFFIX_BYTES:
        suffix = ""
    stem = text.removesuffix(suffix)
    while len((stem + suffix).encode("utf-8")) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(". ") or fallback) + suffix


def archive_names(entries: Iterable[ArchiveEntry]) -> Iterator[tuple[ArchiveEntry, str]]:
    """Give each entry its path ``folder/name``; a clash becomes ``name (2).jpg``.

    Names that differ only in case clash too: on Windows and macOS they are one file.
    """
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    for entry in entries:
        folder, name = safe_name(entry.folder, "unsure"), safe_name(entry.name)
        if folder.casefold() in _RESERVED_NAMES:
            folder = f"_{folder}"
        if entry.subfolder:
            folder = f"{folder}/{safe_name(entry.subfolder, 'unsure')}"
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        candidate, key = f"{folder}/{name}", f"{folder}/{name}".casefold()
        number = next_number.get(key, 1)
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{folder}/{stem} ({number}){suffix}"
        next_number[key] = number
        taken.add(candidate.casefold())
        yield entry, candidate


def stream_zip(entries: Iterable[ArchiveEntry], manifest: Iterable[str] = ()) -> Iterator[bytes]:
    """Yield a ZIP in chunks and in constant memory; photos are stored without compression.

    The same photos and manifest give the same bytes.

    manifest: lines of a CSV, written first, as ``manifest.csv``.
    An original that vanished in the meantime, or cannot be fetched, is listed in ``missing.txt``
    and does not stop the ZIP; a photo whose place should be removed and cannot be is listed in
    ``left-out.txt``.
    """
    archive = ZipStream()
    lines = iter(manifest)
    header = next(lines, None)
    if header is not None:
        text = utf8_chunks(itertools.chain([header], lines))
        yield from archive.add_member(text, MANIFEST_NAME)
    missing, left_out = [], []
    for entry, name in archive_names(entries):
        try:
            if entry.fetch is not None:
                entry.fetch()
            if entry.with_place:
                yield from archive.add_file(entry.path, name, entry.dates)
            elif (data := _without_place(entry.path)) is not None:
                yield from archive.add_member([data], name, entry.dates, len(data))
            else:
                left_out.append(name)
        except FileNotFoundError:
            missing.append(name)
        except SceneError as error:
            missing.append(f"{name}: {error.message}")
    for list_name, names, heading in (
        (MISSING_NAME, missing, "The original files of these photos are missing:"),
        (LEFT_OUT_NAME, left_out, "Left out, because the place cannot be removed from them:"),
    ):
        if names:
            content = "\n".join([heading, *names, ""])
            yield from archive.add_member([content.encode("utf-8")], list_name)
    yield from archive.finish()


def _without_place(path: Path) -> bytes | None:
    """Return a copy without the place; None where it cannot be made. Videos are not read whole."""
    with path.open("rb") as file:
        if sniff(file.read(_HEAD_BYTES)).kind is FileKind.VIDEO:
            return None
    return strip_gps(path.read_bytes())


def archive_file_name(now: datetime.datetime) -> str:
    """Return the download's file name, with the date."""
    return f"scene-gallery-{now:%Y-%m-%d}.zip"
