"""Members of WebDataset tars: listed by their headers, read from their places, never unpacked.

The files of one sample follow each other and have the same name up to the first dot: `7.jpg`,
`7.cls`. What is in a `.cls` is the sample's label.
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from scene_model.errors import ArchiveError, SceneError, UnreadableFile
from scene_model.photos.sniff import has_media_name
from scene_model.scale.items import ListingError, SourceItem, TarPlace
from scene_model.scale.reading.blocks import RemoteBlocks
from scene_model.scale.reading.body import ByteRange, attempted
from scene_model.scale.reading.fetcher import file_version
from scene_model.scale.reading.ranged_file import RangedFile
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.source import Source

TAR_SUFFIX = ".tar"
_LABEL_SUFFIX = ".cls"
_MAX_LABEL_BYTES = 1_000


class TarSource(Source):
    """One tar."""

    def __init__(self, tar: str, tars: "Tars") -> None:
        """tar: path or URL."""
        super().__init__()
        self._tar, self._tars = tar, tars

    def items(self) -> Iterator[SourceItem]:
        """As `Source.items`."""
        return self._tars.items(self._tar)


class Tars:
    """Lists the pictures of tars."""

    def __init__(self, remote: RemoteFiles) -> None:
        """remote: reads those that are named by URL."""
        self._remote = remote

    def items(self, tar: str) -> Iterator[SourceItem]:
        """Yield the pictures and videos in a tar, in its order; a damaged tar is one item more."""
        try:
            is_url = "://" in tar
            file, version = _opened_url(tar, self._remote) if is_url else _opened_path(Path(tar))
            with file:
                yield from _members(file, tar, version)
        except tarfile.TarError as error:
            yield _failed(tar, ArchiveError(f"The tar is damaged: {error}.", "archive_damaged"))
        except SceneError as error:
            yield _failed(tar, error)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            yield _failed(tar, UnreadableFile(f"The tar cannot be read: {reason}."))


def _failed(tar: str, error: SceneError) -> SourceItem:
    return SourceItem(tar, error=ListingError(error.code, error.message))


def _members(file: io.BufferedIOBase, tar: str, version: str) -> Iterator[SourceItem]:
    """Yield the items of an open tar, with the labels of their samples; raises TarError."""
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for key, members in groupby(_headers(archive), key=lambda member: _key(member.name)):
            label, pictures = None, []
            for member in members:
                name = PurePosixPath(member.name)
                if has_media_name(name) and not name.name.startswith("._"):
                    place = TarPlace(tar, version, member.offset_data)
                    pictures.append(
                        SourceItem(
                            f"{tar}#{member.name}",
                            f"{version}@{member.offset_data}",
                            key,
                            size=member.size,
                            place=place,
                        )
                    )
                elif name.suffix.lower() == _LABEL_SUFFIX:
                    label = _label(archive, member)
            yield from (replace(picture, source_label=label) for picture in pictures)
        # tarfile takes a damaged header for the end; a whole tar ends with zeros.
        file.seek(archive.offset)
        if any(file.read(tarfile.BLOCKSIZE)) or file.tell() <= archive.offset:
            raise tarfile.ReadError("it has no end; it may be cut off")


def _headers(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # it would keep all of a million
        if member.isreg() and not member.issparse():
            yield member


def _key(name: str) -> str:
    """Return the key of a sample: the path up to the first dot of its last name."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _label(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str | None:
    file = archive.extractfile(member)
    if file is None:
        return None
    return file.read(_MAX_LABEL_BYTES).decode("utf-8", "replace").strip() or None


def _opened_url(url: str, remote: RemoteFiles) -> tuple[io.BufferedIOBase, str]:
    """Open a tar behind a URL, and return its version; blocks are read in order, each once."""
    blocks = RemoteBlocks(remote)
    body = attempted(lambda: remote.open(url, ByteRange(0, 1, "")))
    body.close()

    def read_range(start: int, end: int) -> bytes:
        return attempted(lambda: b"".join(blocks.pieces(url, body.version, start, end)))

    return io.BufferedReader(RangedFile(body.file_bytes or 0, read_range)), body.version


def _opened_path(path: Path) -> tuple[io.BufferedIOBase, str]:
    version = file_version(path)
    return path.open("rb"), version
