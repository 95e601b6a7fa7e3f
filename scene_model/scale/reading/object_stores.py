"""Object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.

The package obstore reads endpoint, region and credentials as the stores' own programs do, from
variables such as `AWS_ENDPOINT_URL` or from the machine's role (docs/batch.md lists them).
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from scene_model import __version__
from scene_model.errors import BatchError, FetchError, StoreUnavailable
from scene_model.scale.reading.body import Body, ByteRange, host_of, truncated

if TYPE_CHECKING:
    from obstore.store import ObjectStore

OBJECT_SCHEMES = ("s3", "gs", "az")
_CONNECT_S = 10.0
# A slow but steady transfer may take this much longer than the longest wait for its next bytes.
_TOTAL_FACTOR = 20
_PIECE_BYTES = 1 << 20
# In messages of obstore: the status of an answer, and what S3 and its like say about it.
_STATUS = re.compile(r"status code: (\d+ [A-Za-z ]+)")
_CODE = re.compile(r"<Code>(\w+)</Code>")
# Of obstore, for lists and writes. Reads are tried again by `attempted`, which counts alike for
# all kinds of servers.
_RETRIES, _FIRST_PAUSE_S = 4, 0.3
_LIST_PAGE = 1_000
# S3 removes objects by a list, whose answer has the errors.
_DENIED_REMOVAL = "(code: AccessDenied)"
# In the metadata of an object. Azure allows no hyphens in such names.
_MARK = "scenesort"


@dataclass(frozen=True)
class ListedObject:
    """An object of a listing. key: within its bucket. version: its ETag."""

    key: str
    size: int
    version: str


@dataclass(frozen=True)
class MarkedObject:
    """An object with the mark that `ObjectStores.put_marked` gave it; empty without one.

    version: its ETag. pieces: its content, if that was asked for; raises FetchError.
    """

    size: int
    version: str
    mark: str
    pieces: Iterator[bytes]


class ObjectStores:
    """Clients of buckets, each opened when first used; safe to share between threads."""

    def __init__(self, timeout_s: float) -> None:
        """timeout_s: the longest wait for the next bytes. Raises BatchError without obstore."""
        try:
            import obstore
        except ImportError as error:
            raise BatchError(
                "Object stores need another package. Run "
                'pip install "scene-gallery[cloud]" and try again.',
                code="package_missing",
            ) from error
        self._obstore: Any = obstore
        self._timeout_s = timeout_s
        self._stores: dict[tuple[str, int], ObjectStore] = {}
        self._lock = threading.Lock()

    def list(self, url: str) -> Iterator[ListedObject]:
        """Yield the objects below a prefix, sorted as the store sorts; raises StoreUnavailable."""
        try:
            store, prefix = self._store(url, _RETRIES)
            # Prefixes of obstore are whole folders: `s3://b/2024` does not list `s3://b/2024-old`.
            for page in self._obstore.list(store, prefix or None, chunk_size=_LIST_PAGE):
                for entry in page:
                    yield ListedObject(entry["path"], entry["size"], entry["e_tag"] or "")
        except (FetchError, *self._errors) as error:
            raise StoreUnavailable(f"{url} cannot be listed: {_reason(error)}") from error

    def open(self, url: str, byte_range: ByteRange | None = None) -> Body:
        """Ask for an object, or a range of a version of it; raises FetchError."""
        options: dict[str, Any] = {}
        if byte_range is not None:
            options["range"] = (byte_range.start, byte_range.end)
            if byte_range.version:
                options["if_match"] = byte_range.version
        try:
            store, key = self._store(url)
            answer = self._obstore.get(store, key, options=options)
            meta = answer.meta
        except self._errors as error:
            raise self._fetch_error(error, url) from error
        start, end = answer.range
        pieces = self._pieces(url, answer, end - start)
        return Body(meta["size"], meta["e_tag"] or "", pieces)

    def read(self, url: str) -> bytes | None:
        """Return an object whole; None where there is none. Raises FetchError."""
        try:
            body = self.open(url)
        except FetchError as error:
            if error.code == "not_found":
                return None
            raise
        return b"".join(body.pieces)

    def put(self, url: str, data: bytes, is_new: bool = False) -> bool:
        """Write an object by one PUT; raises FetchError.

        is_new: write it only if there is none; returns whether it was written.
        """
        try:
            store, key = self._store(url, _RETRIES)
            mode = "create" if is_new else "overwrite"
            self._obstore.put(store, key, data, mode=mode, use_multipart=False)
        except self._obstore.exceptions.AlreadyExistsError:
            return False
        except self._errors as error:
            raise self._fetch_error(error, url) from error
        return True

    def put_marked(self, url: str, data: bytes, mark: str) -> str | None:
        """Write an object that is not there, with a mark; returns its ETag.

        None where there is an object, which may be this one: an answer can be lost on its way, and
        the request sent again. Raises FetchError.
        """
        try:
            store, key = self._store(url, _RETRIES)
            options = {"mode": "create", "use_multipart": False, "attributes": {_MARK: mark}}
            written = self._obstore.put(store, key, data, **options)
        except self._obstore.exceptions.AlreadyExistsError:
            return None
        except self._errors as error:
            raise self._fetch_error(error, url) from error
        return written["e_tag"] or ""

    def marked(self, url: str, with_content: bool = False) -> MarkedObject | None:
        """Return an object with its mark; None where there is none. Raises FetchError."""
        try:
            store, key = self._store(url)
            answer = self._obstore.get(store, key, options={"head": not with_content})
            meta, attributes = answer.meta, answer.attributes
        except FileNotFoundError:
            return None
        except self._errors as error:
            raise self._fetch_error(error, url) from error
        pieces = self._pieces(url, answer, meta["size"]) if with_content else iter(())
        mark = attributes.get(_MARK, "")
        return MarkedObject(meta["size"], meta["e_tag"] or "", mark, pieces)

    def delete(self, url: str) -> None:
        """Remove an object; one that is missing is no error. Raises FetchError."""
        try:
            store, key = self._store(url, _RETRIES)
            self._obstore.delete(store, key)
        except FileNotFoundError:
            return
        except self._errors as error:
            raise self._fetch_error(error, url) from error

    @property
    def _errors(self) -> Any:
        """The classes of obstore's errors."""
        return (self._obstore.exceptions.BaseError, FileNotFoundError, ValueError, OSError)

    def _store(self, url: str, retries: int = 0) -> "tuple[ObjectStore, str]":
        """Return the client of a URL's bucket and the key in it; raises FetchError."""
        scheme, _, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        root = f"{scheme}://{bucket}"
        with self._lock:
            if (root, retries) not in self._stores:
                self._stores[root, retries] = self._opened(root, retries)
            return self._stores[root, retries], key

    def _opened(self, root: str, retries: int) -> "ObjectStore":
        from obstore.store import from_url

        total_s = self._timeout_s * _TOTAL_FACTOR
        try:
            return from_url(
                root,
                client_options={
                    # Only an endpoint that somebody names as `http://` is reached so.
                    "allow_http": True,
                    "connect_timeout": timedelta(seconds=min(_CONNECT_S, self._timeout_s)),
                    "read_timeout": timedelta(seconds=self._timeout_s),
                    "timeout": timedelta(seconds=total_s),
                    "user_agent": f"scene-gallery/{__version__}",
                },
                retry_config={
                    "max_retries": retries,
                    "retry_timeout": timedelta(seconds=total_s),
                    "backoff": {"init_backoff": timedelta(seconds=_FIRST_PAUSE_S)},
                },
            )
        except self._errors as error:
            raise FetchError(
                f"{root} cannot be opened: {_reason(error)} docs/batch.md says how stores are "
                "configured.",
                code="access_denied",
            ) from error

    def _pieces(self, url: str, answer: Any, announced: int) -> Iterator[bytes]:
        received = 0
        try:
            if announced <= _PIECE_BYTES:
                piece = answer.bytes().to_bytes()
                received = len(piece)
                yield piece
            else:
                for piece in answer.stream(min_chunk_size=_PIECE_BYTES):
                    received += len(piece)
                    yield bytes(piece)
        except self._errors as error:
            fetch_error = self._fetch_error(error, url)
            if fetch_error.code == "store_unavailable":
                raise truncated(url, received, announced) from error
            raise fetch_error from error
        if received != announced:
            raise truncated(url, received, announced)

    def _fetch_error(self, error: Exception, url: str) -> FetchError:
        kinds = self._obstore.exceptions
        if isinstance(error, FileNotFoundError):
            return FetchError(f"{host_of(url)} has no such object.", code="not_found")
        is_denied = isinstance(error, (kinds.PermissionDeniedError, kinds.UnauthenticatedError))
        if is_denied or _DENIED_REMOVAL in str(error):
            return FetchError(
                f"{host_of(url)} does not allow it: {_reason(error)} Check the credentials "
                "(docs/batch.md).",
                code="access_denied",
            )
        if isinstance(error, kinds.PreconditionError):
            return FetchError(
                "The object changed while it was read. Run the batch again.", code="changed"
            )
        if isinstance(error, (ValueError, kinds.InvalidPathError)):
            return FetchError(f"The address cannot be read: {_reason(error)}", code="invalid_url")
        if "TimedOut" in str(error):
            return FetchError(
                f"{host_of(url)} sent nothing for {self._timeout_s:,.0f} s "
                "(SCENE_FETCH_TIMEOUT_S). Try it again later.",
                code="timed_out",
            )
        return FetchError(f"{host_of(url)} does not answer as it should: {_reason(error)}")


def _reason(error: Exception) -> str:
    """Say what obstore's error is about, without the address, its key and how long it took."""
    if isinstance(error, FetchError):
        return error.message
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        code = _CODE.search(text)
        return f"status {status[1]}" + (f", {code[1]}." if code else ".")
    lines = text.splitlines() or [type(error).__name__]
    return lines[0].rpartition(" - ")[2].rstrip(". ")[:300] + "."
