"""The pictures and videos below a prefix of an object store, sorted by key."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from scene_model.photos.sniff import has_media_name
from scene_model.scale.items import SourceItem
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.source import Source
from scene_model.scale.sources.tars import TAR_SUFFIX, Tars


class PrefixSource(Source):
    """Objects below a prefix; the prefix is a whole name, as of a folder."""

    def __init__(
        self, url: str, remote: RemoteFiles, tars: Tars, left_out: str | None = None
    ) -> None:
        """url: `s3://BUCKET/PREFIX`, or gs or az. tars: lists those below the prefix.

        left_out: a prefix below that is not read.
        """
        super().__init__()
        self._url, self._remote, self._tars = url, remote, tars
        self._left_out = None if left_out is None else left_out.rstrip("/") + "/"

    def items(self) -> Iterator[SourceItem]:
        """As `Source.items`."""
        self.ignored = 0
        scheme, _, rest = self._url.partition("://")
        root = f"{scheme}://{rest.partition('/')[0]}/"
        for entry in self._remote.list(self._url.rstrip("/")):
            name = PurePosixPath(entry.key)
            if self._left_out is not None and (root + entry.key).startswith(self._left_out):
                continue
            if has_media_name(name) and not name.name.startswith("._"):
                yield SourceItem(root + entry.key, entry.version, size=entry.size)
            elif name.suffix.lower() == TAR_SUFFIX:
                yield from self._tars.items(root + entry.key)
            else:
                self.ignored += 1
