"""Open what a command names as SOURCE."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from scene_model.errors import BatchError, PathNotFound
from scene_model.photos.sniff import has_media_name
from scene_model.scale.items import SourceItem
from scene_model.scale.reading.object_stores import OBJECT_SCHEMES
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.reading.web import WEB_SCHEMES
from scene_model.scale.sources.folder import FolderSource, file_item
from scene_model.scale.sources.object_prefix import PrefixSource
from scene_model.scale.sources.source import Source
from scene_model.scale.sources.tars import TAR_SUFFIX, Tars, TarSource
from scene_model.scale.sources.url_list import ListSource, is_list, list_suffix
from scene_model.scale.sources.web_prefix import WebPrefixSource

_PACKED_SUFFIXES = frozenset({".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar"})


class SingleSource(Source):
    """One picture or video."""

    def __init__(self, location: str) -> None:
        """location: path or URL."""
        super().__init__()
        self._location = location

    def items(self) -> Iterator[SourceItem]:
        """As `Source.items`."""
        is_url = "://" in self._location
        yield SourceItem(self._location) if is_url else file_item(self._location)


def open_source(text: str, remote: RemoteFiles, output: str | None = None) -> Source:
    """Return the source; nothing is listed yet.

    text: a folder, a prefix, a list, a tar or one picture, by path or URL. remote: reads what is
    named by URL. output: if it is inside the source, its files are not listed.
    Raises PathNotFound, and BatchError for what is none of these.
    """
    if Path(text).suffix.lower() in _PACKED_SUFFIXES and not Path(text).is_dir():
        raise BatchError(
            f"{text} is packed, and batches read no archives but .tar. Unpack it, or pack it as a "
            "tar without compression."
        )
    tars = Tars(remote)
    if "://" in text:
        return _remote_source(text, remote, tars, output)
    path = Path(text)
    if path.is_dir():
        left_out = None if output is None or "://" in output else Path(output)
        return FolderSource(path, tars, left_out)
    if not path.exists():
        raise PathNotFound(f"No such file or folder: {path}.")
    return _named_source(str(path), remote, tars) or SingleSource(str(path))


def _remote_source(url: str, remote: RemoteFiles, tars: Tars, output: str | None) -> Source:
    scheme = url.partition("://")[0]
    if scheme not in (*OBJECT_SCHEMES, *WEB_SCHEMES):
        raise BatchError(
            f"Addresses of the kind {scheme}:// cannot be read. Use s3://, gs://, az://, https:// "
            "or a path."
        )
    source = _named_source(url, remote, tars)
    if source is not None:
        return source
    if scheme in OBJECT_SCHEMES:
        is_media = has_media_name(PurePosixPath(url)) and not url.endswith("/")
        return SingleSource(url) if is_media else PrefixSource(url, remote, tars, output)
    if url.endswith("/"):
        return WebPrefixSource(url, remote, tars)
    return SingleSource(url)


def _named_source(location: str, remote: RemoteFiles, tars: Tars) -> Source | None:
    """Return the source of a list or a tar, by its name; None for anything else."""
    if location.endswith("/"):
        return None
    if is_list(location):
        return ListSource(location, remote, tars)
    if list_suffix(location) == TAR_SUFFIX:
        return TarSource(location, tars)
    return None
