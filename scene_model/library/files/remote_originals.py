"""Originals at URLs, fetched when a person opens or exports their photo.

LIBRARY/fetched/ab/abcd…   fetched originals, named by their SHA-256

Nothing is fetched unless `FetchedOriginals.fetch` is called. What arrives is shown only if its
SHA-256 is the photo's id. The files may be removed at any time; the least recently opened ones are,
where they take more room than MAX_FETCHED_BYTES.
"""

import contextlib
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Protocol

from scene_model.errors import (
    FileTooLarge,
    OriginalChanged,
    OriginalMissing,
    OriginalUnreachable,
    SceneError,
)
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE, FileSystem
from scene_model.photos.hashes import file_content_hash

MAX_FETCHED_BYTES = 2_000_000_000
# Files opened since are not removed: a browser may still be reading them.
_IN_USE_S = 60.0
# Fetches at the same time; the original of a photo is fetched once.
_PARALLEL = 8
# Callers that fetch or wait. A server has threads for more requests than that, and goes on to serve
# thumbnails while a store hangs.
_MAX_CALLERS = 16
# A fetch ends by itself before that; whoever waits for another one does not wait for ever.
_MAX_WAIT_S = 600.0


class FetchOriginal(Protocol):
    """Fetches what is at a URL."""

    def __call__(self, url: str, target: Path, max_bytes: int) -> None:
        """Write the bytes at a URL to a new file; more than ``max_bytes`` are not written.

        Raises SceneError, and OSError for the file.
        """


class RemotePhoto(Protocol):
    """What says where a photo's remote original is, and which bytes it has."""

    @property
    def id(self) -> str:
        """The content hash."""

    @property
    def name(self) -> str:
        """The name, for messages."""

    @property
    def file_bytes(self) -> int:
        """The size."""

    @property
    def remote_url(self) -> str | None:
        """Where the original is."""


class FetchedOriginals:
    """The fetched originals of one library; thread-safe."""

    def __init__(
        self,
        library_folder: Path,
        file_system: FileSystem,
        fetch: FetchOriginal | None,
        max_bytes: int = MAX_FETCHED_BYTES,
        max_callers: int = _MAX_CALLERS,
    ) -> None:
        """fetch: None where nothing may be fetched, as for visitors of a shared server."""
        self._folder, self._new_dir = library_folder / "fetched", library_folder / "new"
        self._file_system, self._fetch, self._max_bytes = file_system, fetch, max_bytes
        self._locks = [threading.Lock() for _ in range(_PARALLEL)]
        self._callers = threading.BoundedSemaphore(max_callers)

    def location(self, photo_id: str) -> Path:
        """Return the path of a fetched original, whether or not it is there."""
        return self._folder / photo_id[:2] / photo_id

    def fetch(self, photo: RemotePhoto, may_wait: bool = True) -> None:
        """Fetch the original of a photo unless it is here.

        may_wait: wait for others where many are fetching; False for a request to the server. Raises
        OriginalUnreachable; OriginalChanged where other bytes arrived; OSError, and LibraryFull.
        """
        if photo.remote_url is None or self._is_here(photo):
            return
        if not self._callers.acquire(timeout=_MAX_WAIT_S if may_wait else 0):
            raise _unreachable(photo, "Many others are being fetched. Open it again in a while.")
        try:
            self._fetch_once(photo, photo.remote_url)
        finally:
            self._callers.release()
        self._make_room()

    def _is_here(self, photo: RemotePhoto) -> bool:
        path = self.location(photo.id)
        if not path.is_file():
            return False
        with contextlib.suppress(OSError):
            os.utime(path)  # the last use, by which files are removed
        return True

    def _fetch_once(self, photo: RemotePhoto, url: str) -> None:
        lock = self._locks[int(photo.id[:2], 16) % _PARALLEL]
        if not lock.acquire(timeout=_MAX_WAIT_S):
            raise _unreachable(photo, "Another original is still being fetched.")
        try:
            if not self._is_here(photo):
                self._keep(photo, self._verified(photo, url))
        finally:
            lock.release()

    def _keep(self, photo: RemotePhoto, fetched: Path) -> None:
        path = self.location(photo.id)
        try:
            self._file_system.make_folder(path.parent, PRIVATE_FOLDER_MODE)
            fetched.replace(path)
        except OSError:
            fetched.unlink(missing_ok=True)
            if not path.is_file():  # else another process brought it, and Windows keeps that
                raise

    def check(self, photo: RemotePhoto) -> None:
        """Fetch the original of a photo, and keep nothing; raises as `fetch` does."""
        if photo.remote_url is not None:
            self._verified(photo, photo.remote_url).unlink(missing_ok=True)

    def forget(self, photo_id: str) -> None:
        """Remove a fetched original whose file is damaged."""
        with contextlib.suppress(OSError):
            self.location(photo_id).unlink()

    def _verified(self, photo: RemotePhoto, url: str) -> Path:
        """Fetch an original into a temporary file, and check that it is the photo."""
        if self._fetch is None:
            raise _unreachable(photo, "This server fetches no originals from other servers.")
        self._file_system.require_space(self._new_dir, photo.file_bytes)
        temporary = self._new_dir / secrets.token_hex(16)
        try:
            self._fetch(url, temporary, photo.file_bytes)
            if file_content_hash(temporary) != photo.id:
                raise _changed(photo)
        except (SceneError, OSError) as error:
            temporary.unlink(missing_ok=True)
            if isinstance(error, OriginalChanged | OSError):
                raise
            if error.code == FileTooLarge.code:
                raise _changed(photo) from error
            raise _unreachable(photo, error.message) from error
        return temporary

    def _make_room(self) -> None:
        """Remove the files opened least recently, until the others fit."""
        files, total_bytes = [], 0
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
                total_bytes += status.st_size
        for used_at, size, path in sorted(files):
            if total_bytes <= self._max_bytes or time.time() - used_at < _IN_USE_S:
                return
            with contextlib.suppress(OSError):  # Windows keeps a file that is being read
                path.unlink()
                total_bytes -= size


def require_here(photo: RemotePhoto) -> None:
    """Raise OriginalMissing for a photo whose original is at a URL.

    For work that no person asked for photo by photo, as that of rules.
    """
    if photo.remote_url is not None:
        raise OriginalMissing(
            f"The original of {photo.name} is at {shown_url(photo.remote_url)}; it is fetched only "
            "when the photo is opened or exported.",
            code="original_not_fetched",
        )


def shown_url(url: str) -> str:
    """Return a URL for messages, without what may sign or open it; any text will do."""
    scheme, colon, rest = url.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{colon}{host.rpartition('@')[2]}{slash}{path}"


def _unreachable(photo: RemotePhoto, reason: str) -> OriginalUnreachable:
    return OriginalUnreachable(
        f"The original of {photo.name} could not be fetched from "
        f"{shown_url(photo.remote_url or '')}: {reason}"
    )


def _changed(photo: RemotePhoto) -> OriginalChanged:
    return OriginalChanged(
        f"At {shown_url(photo.remote_url or '')}, there is now another file than the original of "
        f"{photo.name}. Put the original back there, or add the new file as a photo of its own."
    )
