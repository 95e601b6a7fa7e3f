"""Fetch one file by its URL into a file here, with limits on time and size."""

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import BinaryIO

from scene_model.errors import FetchError, FileTooLarge
from scene_model.library.files.file_system import PRIVATE_MODE
from scene_model.library.files.held_folder import BINARY
from scene_model.scale.reading.body import RETRIED_CODES, host_of
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.reading.urls import read_url

# Before the second and the third attempt; a person waits.
_PAUSES_S = (0.2, 1.0)
# Who opens a photo is not kept waiting three times for a server that hangs.
_RETRIED = RETRIED_CODES - {"timed_out"}
# A line slower than that ends the fetch.
_LEAST_BYTES_PER_S = 100_000


class UrlFetcher:
    """Fetches originals for people who open them; safe to share between threads.

    It connects to nothing before the first call.
    """

    def __init__(self, timeout_s: float) -> None:
        """timeout_s: the longest wait for the next bytes."""
        self._timeout_s, self._lock = timeout_s, threading.Lock()
        self._remote: RemoteFiles | None = None

    def __call__(self, url: str, target: Path, max_bytes: int) -> None:
        """Write the bytes at a URL to a new file.

        Raises FetchError; BatchError where a package is missing; FileTooLarge above ``max_bytes``;
        OSError for the file.
        """
        read_url(url)
        flags = BINARY | os.O_CREAT | os.O_RDWR | os.O_EXCL
        with os.fdopen(os.open(target, flags, PRIVATE_MODE), "r+b") as file:
            for pause_s in _PAUSES_S:
                try:
                    self._write(url, file, max_bytes)
                    return
                except FetchError as error:
                    if error.code not in _RETRIED:
                        raise
                time.sleep(pause_s)
                file.seek(0)
                file.truncate()
            self._write(url, file, max_bytes)

    def _write(self, url: str, file: BinaryIO, max_bytes: int) -> None:
        deadline = time.monotonic() + self._timeout_s + max_bytes / _LEAST_BYTES_PER_S
        with contextlib.closing(self._files().open(url)) as body:
            if (body.file_bytes or 0) > max_bytes:
                raise _too_large(url, max_bytes)
            for piece in body.pieces:
                if file.tell() + len(piece) > max_bytes:
                    raise _too_large(url, max_bytes)
                file.write(piece)
                if time.monotonic() > deadline:
                    raise FetchError(f"{host_of(url)} sends too slowly.", code="timed_out")

    def _files(self) -> RemoteFiles:
        with self._lock:
            if self._remote is None:
                self._remote = RemoteFiles(self._timeout_s)
            return self._remote


def _too_large(url: str, max_bytes: int) -> FileTooLarge:
    return FileTooLarge(f"{host_of(url)} has more than {max_bytes:,} bytes there.")
