"""Open files by URL, whatever kind of server they are on."""

import threading
from collections.abc import Iterator, Sequence

from scene_model.errors import FetchError
from scene_model.scale.reading.body import Body, ByteRange
from scene_model.scale.reading.object_stores import OBJECT_SCHEMES, ListedObject, ObjectStores
from scene_model.scale.reading.web import WEB_SCHEMES, WebServers
from scene_model.scale.reading.web_listing import WebEntry, list_web_folder


class RemoteFiles:
    """Clients of object stores and web servers, made when first needed; thread-safe."""

    def __init__(self, timeout_s: float) -> None:
        """timeout_s: the longest wait for the next bytes."""
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._objects: ObjectStores | None = None
        self._web: WebServers | None = None

    def open(self, url: str, byte_range: ByteRange | None = None) -> Body:
        """Ask for a file; raises FetchError, and BatchError where a package is missing."""
        scheme = url.partition("://")[0].lower()
        if scheme in OBJECT_SCHEMES:
            return self.objects.open(url, byte_range)
        if scheme in WEB_SCHEMES:
            return self._web_servers().open(url, byte_range)
        raise FetchError(
            f"Addresses of the kind {scheme}:// cannot be read. Use s3://, gs://, az://, https:// "
            "or a path.",
            code="invalid_url",
        )

    def list(self, url: str) -> Iterator[ListedObject]:
        """Yield the objects below a prefix of an object store; raises StoreUnavailable."""
        return self.objects.list(url)

    def list_web_folder(self, url: str) -> Sequence[WebEntry]:
        """Return what a folder of a web server holds, see `web_listing`; raises FetchError."""
        return list_web_folder(self._web_servers(), url)

    @property
    def objects(self) -> ObjectStores:
        """The client of object stores; raises BatchError without the package."""
        with self._lock:
            if self._objects is None:
                self._objects = ObjectStores(self._timeout_s)
            return self._objects

    def _web_servers(self) -> WebServers:
        with self._lock:
            if self._web is None:
                self._web = WebServers(self._timeout_s)
            return self._web
