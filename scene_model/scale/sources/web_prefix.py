"""The pictures and videos below a folder of a web server, sorted by URL."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from scene_model.errors import FetchError, StoreUnavailable
from scene_model.photos.sniff import has_media_name
from scene_model.scale.items import ListingError, SourceItem
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.reading.web_listing import no_list
from scene_model.scale.sources.source import Source
from scene_model.scale.sources.tars import TAR_SUFFIX, Tars

# Deeper are only servers whose pages link to themselves.
_MAX_DEPTH = 64


class WebPrefixSource(Source):
    """Files below a URL that ends with a slash, in folders that the server lists.

    A listing says nothing that is sure to change with a file: a picture that is done stays done.
    """

    def __init__(self, url: str, remote: RemoteFiles, tars: Tars) -> None:
        """tars: lists those below the URL."""
        super().__init__()
        self._url, self._remote, self._tars = url, remote, tars

    def items(self) -> Iterator[SourceItem]:
        """As `Source.items`."""
        self.ignored = 0
        try:
            entries = self._remote.list_web_folder(self._url)
            if not entries:  # an empty folder, or a page about something else
                raise no_list(self._url)
        except FetchError as error:
            raise StoreUnavailable(f"{self._url} cannot be listed: {error.message}") from error
        pending = [iter(entries)]
        while pending:
            entry = next(pending[-1], None)
            if entry is None:
                pending.pop()
            elif not entry.url.endswith("/"):
                yield from self._file(entry.url, entry.size)
            elif len(pending) < _MAX_DEPTH:
                try:
                    pending.append(iter(self._remote.list_web_folder(entry.url)))
                except FetchError as error:
                    yield SourceItem(entry.url, error=ListingError(error.code, error.message))
            else:
                problem = f"Folders are listed down to {_MAX_DEPTH} levels."
                yield SourceItem(entry.url, error=ListingError("not_listed", problem))

    def _file(self, url: str, size: int | None) -> Iterator[SourceItem]:
        name = PurePosixPath(unquote(urlsplit(url).path))
        if has_media_name(name) and not name.name.startswith("._"):
            yield SourceItem(url, size=size)
        elif name.suffix.lower() == TAR_SUFFIX:
            yield from self._tars.items(url)
        else:
            self.ignored += 1
