"""What is in the archives and folders of one export, all parts together."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from scene_model.errors import ArchiveError, UnreadableFile
from scene_model.ingest.archives.folder_source import FolderSource
from scene_model.ingest.archives.members import (
    ARCHIVE_SUFFIXES,
    OTHER_ARCHIVES,
    Member,
    Source,
    is_tar_name,
)
from scene_model.ingest.archives.tar_source import TarSource
from scene_model.ingest.archives.zip_source import ZipSource, encrypted
from scene_model.ingest.takeout.icloud import (
    ICloudItem,
    is_album_list,
    is_details,
    read_album,
    read_details,
)
from scene_model.ingest.takeout.item_json import TakeoutAlbum, TakeoutItem, read_json
from scene_model.jobs.job import Skipped, skipped
from scene_model.library.awaited_facts import FileKey
from scene_model.library.imported_facts import ImportedFacts
from scene_model.photos.names import is_video_name
from scene_model.photos.sniff import has_picture_name
from scene_model.photos.xmp import date_of, fields_of, rating_of

_ICLOUD_PART = re.compile(r"^(iCloud [^/]*?) (?:Part|Teil|Partie|Parte) \d+ \S+ \d+(?=/|$)", re.I)
_READ = (".json", ".csv", ".xmp", ".html")
_MAX_SMALL_BYTES = 4 << 20
_LISTED_AT_ONCE = 200


@dataclass(frozen=True)
class MediaFile:
    """A photo or video. source: index of its archive. folder: without what differs by part."""

    source: int
    member: Member
    folder: str
    is_takeout: bool

    @property
    def name(self) -> str:
        """Its file name."""
        return self.member.name


@dataclass
class Contents:
    """The files of all parts. Keys are a folder and a name.

    album_titles: by folder. sidecars: by the name of the XMP file. album_lists: of iCloud, titles
    with names. mentioned: text that may name other parts. refusals: what is not read, and why.
    edit_files: number of ``.AAE`` files. ignored: number of other files that are no photos.
    """

    paths: list[Path] = field(default_factory=list)
    media: list[MediaFile] = field(default_factory=list)
    items: dict[FileKey, TakeoutItem] = field(default_factory=dict)
    album_titles: dict[str, str] = field(default_factory=dict)
    details: dict[FileKey, ICloudItem] = field(default_factory=dict)
    album_lists: dict[str, list[str]] = field(default_factory=dict)
    sidecars: dict[FileKey, ImportedFacts] = field(default_factory=dict)
    mentioned: str = ""
    refusals: list[Skipped] = field(default_factory=list)
    edit_files: int = 0
    ignored: int = 0


def open_source(path: Path) -> Source:
    """Open an archive or a folder; raises ArchiveError."""
    if path.is_dir():
        return FolderSource(path)
    return TarSource(path) if is_tar_name(path.name) else ZipSource(path)


def read_contents(
    paths: Iterable[Path], on_listed: Callable[[int], None] = lambda _: None
) -> Contents:
    """List archives and folders; one that cannot be read is named, and the others are listed.

    on_listed: called with the number of files listed so far, now and then.
    """
    contents, listed = Contents(), 0
    for path in paths:
        contents.paths.append(path)
        try:
            source = open_source(path)
        except ArchiveError as error:
            contents.refusals.append(skipped(path.name, error))
            continue
        try:
            for member, data in source.listing(_is_small, _MAX_SMALL_BYTES):
                _take(contents, path, member, data)
                listed += 1
                if listed % _LISTED_AT_ONCE == 0:
                    on_listed(listed)
            if isinstance(source, FolderSource):
                contents.refusals += map(_unreadable, source.unreadable)
        except ArchiveError as error:
            contents.refusals.append(skipped(path.name, error))
        finally:
            source.close()
    return contents


def folder_in_export(path: str) -> tuple[str, bool]:
    """Return a member's folder without what differs by part, and whether it is of a Takeout."""
    parts = path.split("/")[:-1]
    places = [i for i, part in enumerate(parts) if part.casefold() == "takeout"]
    if places:
        return "/".join(parts[places[-1] + 1 :]), True
    return _ICLOUD_PART.sub(r"\1", "/".join(parts)), False


def _is_small(member: Member) -> bool:
    return member.name.lower().endswith(_READ) and not _is_hidden(member)


def _is_hidden(member: Member) -> bool:
    # macOS writes "._name" beside each file on foreign disks, and a folder of them into ZIPs.
    return member.name.startswith("._") or member.path.startswith("__MACOSX/")


def _take(contents: Contents, path: Path, member: Member, data: bytes | None) -> None:
    if _is_hidden(member):
        return
    folder, is_takeout = folder_in_export(member.path)
    name, lower = member.name, member.name.lower()
    shown = f"{path.name}/{member.path}"
    if data is not None:
        _take_small(contents, folder, name, data)
    elif lower.endswith((*ARCHIVE_SUFFIXES, *OTHER_ARCHIVES)):
        if not path.is_dir() or not lower.endswith(ARCHIVE_SUFFIXES):
            message = "An archive in another one is not opened. Unpack it, and add it by itself."
            nested = ArchiveError(message, code="archive_nested")
            contents.refusals.append(skipped(shown, nested))
    elif has_picture_name(PurePosixPath(name)) or is_video_name(name):
        if member.is_encrypted:
            error = encrypted()
            contents.refusals.append(skipped(shown, error))
            return
        source = len(contents.paths) - 1
        contents.media.append(MediaFile(source, member, folder, is_takeout))
    elif _is_small(member) and member.file_bytes <= _MAX_SMALL_BYTES and not member.is_encrypted:
        message = "It is damaged in its archive, and what it says of photos does not come in."
        damaged = ArchiveError(f"{message} Download the archive again.", code="archive_damaged")
        contents.refusals.append(skipped(shown, damaged))
    elif lower.endswith(".aae"):
        contents.edit_files += 1
    elif not lower.endswith(_READ):
        contents.ignored += 1


def _unreadable(error: OSError) -> Skipped:
    reason = error.strerror or type(error).__name__
    message = f"It cannot be read: {reason}. Check its permissions and add the folder again."
    return skipped(Path(str(error.filename)).name, UnreadableFile(message))


def _take_small(contents: Contents, folder: str, name: str, data: bytes) -> None:
    """Read a file that describes photos, an album or the export."""
    lower = name.lower()
    if lower.endswith(".json"):
        item = read_json(data)
        if isinstance(item, TakeoutItem):
            contents.items[folder, name] = item
        elif isinstance(item, TakeoutAlbum):
            contents.album_titles[folder] = item.title
    elif lower.endswith(".xmp"):
        contents.sidecars[folder, lower] = _sidecar_facts(data)
    elif lower.endswith(".html"):
        contents.mentioned += data.decode("utf-8", "replace")
    elif is_details(name):
        contents.details |= {(folder, entry.name): entry for entry in read_details(data)}
    elif is_album_list(folder):
        contents.album_lists.setdefault(name[: -len(".csv")], []).extend(read_album(data))


def _sidecar_facts(packet: bytes) -> ImportedFacts:
    texts = fields_of(packet).get("dc:description", [])
    return ImportedFacts(
        description=texts[0] if texts else "",
        rating=rating_of(packet) or None,
        sidecar_date=date_of(packet),
    )
