"""Fetch one file from an object store or a web server, with limits on time and size."""

import contextlib
import datetime
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_model.errors import FetchError, FileTooLarge
from scene_model.ingest.stores.urls import PhotoUrl, read_url
from scene_model.library.file_system import PRIVATE_MODE
from scene_model.library.held_folder import BINARY
from scene_model.library.remote_originals import shown_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_CONNECT_S, _ANSWER_S, _LONGEST_S = 10.0, 30.0, 3_600.0
# A line slower than that ends the fetch.
_LEAST_BYTES_PER_S = 100_000
_CHUNK_BYTES = 1 << 20
_RETRIES, _RETRY_S = 2, 20.0


class UrlFetcher:
    """Fetches files; safe to share between threads. It holds no connection open."""

    def __init__(self, answer_s: float = _ANSWER_S) -> None:
        """answer_s: how long a server may take for its answer, without the time for the bytes."""
        self._answer_s = answer_s

    def __call__(self, url: str, target: Path, max_bytes: int) -> None:
        """Write the bytes at a URL to a new file.

        Raises FetchError; FileTooLarge above ``max_bytes``; OSError for the file.
        """
        place = read_url(url)
        timeout_s = min(self._answer_s + max_bytes / _LEAST_BYTES_PER_S, _LONGEST_S)
        flags = BINARY | os.O_CREAT | os.O_WRONLY | os.O_EXCL
        written = 0
        with os.fdopen(os.open(target, flags, PRIVATE_MODE), "wb") as file:
            for chunk in _chunks(place, timeout_s, max_bytes):
                written += len(chunk)
                if written > max_bytes:
                    raise _too_large(url, max_bytes)
                file.write(chunk)


def _chunks(place: PhotoUrl, timeout_s: float, max_bytes: int) -> Iterator[bytes]:
    with _translated(place):
        store, path = _opened(place, timeout_s)
        answer = store.get(path)
        if answer.meta["size"] > max_bytes:
            raise _too_large(place.text, max_bytes)
        stream = iter(answer.stream(min_chunk_size=_CHUNK_BYTES))
    while True:
        with _translated(place):
            chunk = next(stream, None)
        if chunk is None:
            return
        yield bytes(chunk)


def _opened(place: PhotoUrl, timeout_s: float) -> tuple["ObjectStore", str]:
    """Return the store that has a file, and its path there."""
    try:
        from obstore.store import HTTPStore, from_url
    except ImportError as error:
        raise FetchError(
            "Photos at URLs need the package obstore: pip install 'scene-gallery[cloud]'.",
            code="store_package_missing",
        ) from error
    client: ClientConfig = {
        "connect_timeout": datetime.timedelta(seconds=min(_CONNECT_S, timeout_s)),
        "timeout": datetime.timedelta(seconds=timeout_s),
    }
    retry: RetryConfig = {
        "max_retries": _RETRIES,
        "retry_timeout": datetime.timedelta(seconds=min(_RETRY_S, timeout_s)),
    }
    if place.is_web:
        if place.scheme == "http":
            client["allow_http"] = True
        # The whole URL is the root: its query, and how it is escaped, stay as they are.
        return HTTPStore.from_url(place.text, client_options=client, retry_config=retry), ""
    store: Any = from_url(place.root, client_options=client, retry_config=retry)
    return store, place.key


@contextlib.contextmanager
def _translated(place: PhotoUrl) -> Iterator[None]:
    """Turn the errors of the library into ours, with the first line of their text."""
    try:
        yield
    except (FetchError, FileTooLarge):
        raise
    except FileNotFoundError as error:
        raise FetchError(f"{shown_url(place.text)} does not exist.", code="not_found") from error
    except Exception as error:
        # obstore raises errors of its own, which tell little apart, and ValueError for addresses.
        raise FetchError(f"{_first_line(error, place)}", code=_code(error)) from error


def _code(error: Exception) -> str | None:
    text = str(error)
    if type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError", "PermissionError"):
        return "access_denied"
    if "kind: Timeout" in text or "TimedOut" in text:
        return "timed_out"
    return "truncated" if "kind: Interrupted" in text or "kind: Body" in text else None


def _first_line(error: Exception, place: PhotoUrl) -> str:
    """Return what the server or the line did, without queries of URLs, which may hold a key."""
    first = str(error).partition("\n")[0].replace(place.text, shown_url(place.text))
    return first.rstrip(": ") or type(error).__name__


def _too_large(url: str, max_bytes: int) -> FileTooLarge:
    return FileTooLarge(
        f"{shown_url(url)} has more than the {max_bytes:,} bytes that are read of it."
    )
