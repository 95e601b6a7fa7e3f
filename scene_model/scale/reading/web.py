"""Pictures of web servers, by ``http://`` and ``https://`` URLs that a person listed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scene_model import __version__
from scene_model.errors import BatchError, FetchError
from scene_model.scale.reading.body import Body, ByteRange, host_of, truncated

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

WEB_SCHEMES = ("http", "https")
_CONNECT_S = 10.0
_MAX_REDIRECTS = 5
_PIECE_BYTES = 1 << 18
# Connections kept open: to so many hosts, and so many to each.
_HOSTS, _CONNECTIONS = 64, 32
_GONE = {404, 410}
_LATER = {408, 425, 429}
# A list of some hundred thousand files.
_MAX_PAGE_BYTES = 64_000_000


@dataclass(frozen=True)
class WebAnswer:
    """A short answer, read whole. content_type: in lower case; empty where it is not said."""

    status: int
    content_type: str
    content: bytes


class WebServers:
    """A pool of connections; safe to share between threads."""

    def __init__(self, timeout_s: float) -> None:
        """timeout_s: the longest wait for the next bytes. Raises BatchError without urllib3."""
        try:
            import urllib3
        except ImportError as error:
            raise BatchError(
                "URLs of web servers need another package. Run "
                'pip install "scene-gallery[cloud]" and try again.',
                code="package_missing",
            ) from error
        self._urllib3: Any = urllib3
        self._timeout_s = timeout_s
        self._pool = urllib3.PoolManager(
            num_pools=_HOSTS,
            maxsize=_CONNECTIONS,
            timeout=urllib3.Timeout(connect=min(_CONNECT_S, timeout_s), read=timeout_s),
            # Attempts are counted by `Fetcher`, for all kinds of servers alike.
            retries=urllib3.Retry(
                total=_MAX_REDIRECTS, connect=0, read=0, status=0, other=0, redirect=_MAX_REDIRECTS
            ),
            headers={
                "User-Agent": f"scene-gallery/{__version__}",
                # A picture gains nothing by compression, and a bomb could hide in it.
                "Accept-Encoding": "identity",
            },
        )

    def open(self, url: str, byte_range: ByteRange | None = None) -> Body:
        """Ask for a file, or a range of a version of it; raises FetchError."""
        headers = dict(self._pool.headers)
        if byte_range is not None:
            headers["Range"] = f"bytes={byte_range.start}-{byte_range.end - 1}"
        try:
            answer = self._pool.request("GET", url, headers=headers, preload_content=False)
        except (self._urllib3.exceptions.HTTPError, ValueError) as error:
            raise self._fetch_error(error, url) from error
        try:
            return self._body(url, answer, byte_range)
        except FetchError:
            answer.close()
            raise

    def page(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        accept_any: bool = False,
    ) -> WebAnswer:
        """Ask for something short, such as a list; raises FetchError.

        accept_any: return the answer whatever its status, unless it says to come back later.
        """
        all_headers = {**self._pool.headers, **(headers or {})}
        try:
            answer = self._pool.request(
                method, url, body=body, headers=all_headers, preload_content=False
            )
        except (self._urllib3.exceptions.HTTPError, ValueError) as error:
            raise self._fetch_error(error, url) from error
        try:
            if not accept_any or answer.status in _LATER:
                _check_status(url, answer.status)
            content = answer.read(_MAX_PAGE_BYTES + 1)
        except self._urllib3.exceptions.HTTPError as error:
            raise self._fetch_error(error, url) from error
        finally:
            answer.release_conn()
        if len(content) > _MAX_PAGE_BYTES:
            answer.close()
            raise FetchError(
                f"{host_of(url)} sends a list of more than {_MAX_PAGE_BYTES // 1_000_000} MB. Give "
                "a list of URLs (.txt, .csv, .jsonl or .parquet).",
                code="not_listed",
            )
        return WebAnswer(answer.status, answer.headers.get("Content-Type", "").lower(), content)

    def _body(self, url: str, answer: "BaseHTTPResponse", byte_range: ByteRange | None) -> Body:
        _check_status(url, answer.status)
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        announced = int(length) if (length := _length(answer)) is not None else None
        file_bytes = announced
        if byte_range is not None:
            if answer.status != 206:
                raise FetchError(
                    f"{host_of(url)} sends no parts of files, which tars need. Download the tar "
                    "and name the file.",
                    code="access_denied",
                )
            if byte_range.version and version != byte_range.version:
                raise FetchError(
                    "The file changed while it was read. Run the batch again.", code="changed"
                )
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            file_bytes = int(total) if total.isdecimal() else None
        return Body(file_bytes, version, self._pieces(url, answer, announced), answer.close)

    def _pieces(
        self, url: str, answer: "BaseHTTPResponse", announced: int | None
    ) -> Iterator[bytes]:
        received = 0
        try:
            # What has arrived, not what fills a piece: a server may send a byte a second.
            while piece := answer.read1(_PIECE_BYTES, decode_content=False):
                received += len(piece)
                yield piece
        except self._urllib3.exceptions.HTTPError as error:
            fetch_error = self._fetch_error(error, url)
            if fetch_error.code == "store_unavailable" and announced is not None:
                raise truncated(url, received, announced) from error
            raise fetch_error from error
        if announced is not None and received != announced:
            raise truncated(url, received, announced)
        answer.release_conn()

    def _fetch_error(self, error: Exception, url: str) -> FetchError:
        kinds = self._urllib3.exceptions
        if isinstance(error, kinds.MaxRetryError) and isinstance(error.reason, Exception):
            error = error.reason
        if isinstance(error, (ValueError, kinds.LocationParseError, kinds.URLSchemeUnknown)):
            return FetchError(f"The address cannot be read: {error}.", code="invalid_url")
        if isinstance(error, kinds.TimeoutError):
            return FetchError(
                f"{host_of(url)} sent nothing for {self._timeout_s:,.0f} s "
                "(SCENE_FETCH_TIMEOUT_S). Try it again later.",
                code="timed_out",
            )
        reason = type(error).__name__
        return FetchError(f"{host_of(url)} does not answer as it should: {reason}.")


def _length(answer: "BaseHTTPResponse") -> str | None:
    length = answer.headers.get("Content-Length")
    return length if length is not None and length.isdecimal() else None


def _check_status(url: str, status: int) -> None:
    if status in (200, 206):
        return
    host = host_of(url)
    if status in _GONE:
        raise FetchError(f"{host} has no such file (status {status}).", code="not_found")
    if 400 <= status < 500 and status not in _LATER:
        raise FetchError(f"{host} refuses the file (status {status}).", code="access_denied")
    raise FetchError(f"{host} cannot send the file now (status {status}). Try it again later.")
