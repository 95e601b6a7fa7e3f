"""The objects of a sort: written only where there is none, read back, removed only unchanged.

Every object gets a mark, the token of the sort and the number of the step: so a sort that was
killed recognises its own objects, and removes no others.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from scene_model.errors import BatchError, FetchError, FileSkipped
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.scan import SourceFile
from scene_model.scale.reading.body import attempted
from scene_model.scale.reading.object_stores import OBJECT_SCHEMES, MarkedObject, ObjectStores

_TIMEOUT_S = 60.0
_Answer = TypeVar("_Answer")


def is_store_url(text: str) -> bool:
    """Return whether a DEST is meant as a prefix of an object store."""
    return text.partition("://")[0].lower() in OBJECT_SCHEMES and "://" in text


def checked_dest(text: str) -> str:
    """Return the URL of a DEST without a slash at its end; raises BatchError."""
    scheme, _, rest = text.partition("://")
    parts = rest.rstrip("/").split("/")
    if not all(parts) or {".", ".."} & set(parts):
        raise BatchError(
            f"{text!r} is no prefix of an object store. Name a bucket and folders in it, such as "
            "s3://bucket/photos."
        )
    return f"{scheme.lower()}://{'/'.join(parts)}"


class SortObjects:
    """Objects below a prefix; safe to share between threads. Methods raise FileSkipped.

    `before_step` of the file system is called before every request, so that a test can stop the
    program at each.
    """

    def __init__(self, file_system: SortFileSystem, timeout_s: float = _TIMEOUT_S) -> None:
        """timeout_s: the longest wait for the next bytes. Raises BatchError without obstore."""
        self._stores, self._file_system = ObjectStores(timeout_s), file_system

    def status(self, url: str) -> MarkedObject | None:
        """Return an object without its content; None where there is none."""
        return self._attempted("status", url, lambda: self._stores.marked(url))

    def put_new(self, url: str, data: bytes, mark: str) -> str | None:
        """Write an object with a mark, never in the place of another one; returns its ETag.

        None where there is one. Some stores ignore that a request must not replace anything, so
        the caller asks for the status before.
        """
        return self._attempted("put", url, lambda: self._stores.put_marked(url, data, mark))

    def read_back(self, url: str) -> tuple[MarkedObject, str] | None:
        """Return an object and the SHA-256 of its content; None where there is none."""

        def read() -> tuple[MarkedObject, str] | None:
            stored = self._stores.marked(url, with_content=True)
            if stored is None:
                return None
            digest = hashlib.sha256()
            for piece in stored.pieces:
                digest.update(piece)
            return stored, digest.hexdigest()

        return self._attempted("read", url, read)

    def download(self, url: str, file: BinaryIO) -> tuple[MarkedObject, str] | None:
        """Write an object's content to a new file; returns what `read_back` does.

        Raises OSError when the file cannot be written.
        """

        def fetch() -> tuple[MarkedObject, str] | None:
            file.seek(0)
            file.truncate()
            stored = self._stores.marked(url, with_content=True)
            if stored is None:
                return None
            digest = hashlib.sha256()
            for piece in stored.pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            return stored, digest.hexdigest()

        return self._attempted("download", url, fetch)

    def remove(self, url: str) -> None:
        """Remove an object; the caller has made sure which it is."""
        self._attempted("delete", url, lambda: self._stores.delete(url))

    def _attempted(self, step: str, url: str, act: Callable[[], _Answer]) -> _Answer:
        self._file_system.before_step(step, url)
        try:
            return attempted(act)
        except FetchError as error:
            raise _skipped(url, error) from error


def _skipped(url: str, error: FetchError) -> FileSkipped:
    message = f"{url}: {error.message}"
    if error.code == "access_denied":
        return FileSkipped(message, code="target_read_only")
    if error.code == "invalid_url":
        return FileSkipped(message, code="name_unusable")
    return FileSkipped(message, code="target_unavailable")


class StoreTargets:
    """What a prefix has already, listed once; see `ExistingTargets`."""

    separator = "/"

    def __init__(self, dest: str, stores: ObjectStores, objects: SortObjects) -> None:
        """List the objects below DEST; raises StoreUnavailable."""
        self._objects = objects
        self._sizes: dict[str, int] = {}
        self._names: dict[str, dict[str, None]] = defaultdict(dict)
        bucket = "/".join(dest.split("/")[:3])
        for entry in stores.list(dest):
            path = f"{bucket}/{entry.key}"
            self._sizes[path] = entry.size
            folder, _, name = path.rpartition("/")
            while name not in self._names[folder]:
                self._names[folder][name] = None
                if folder == dest:
                    break
                folder, _, name = folder.rpartition("/")

    def names(self, folder: str, is_dest: bool) -> list[str]:
        """As `ExistingTargets.names`."""
        return list(self._names.get(folder, ()))

    def is_source(self, path: str, photo: SourceFile) -> bool:
        """As `ExistingTargets.is_source`; a photo of this computer is in no store."""
        return False

    def content_hash(self, path: str, size: int) -> str | None:
        """As `ExistingTargets.content_hash`: the object is read, for nothing else tells."""
        if self._sizes.get(path) != size:
            return None
        answer = self._objects.read_back(path)
        return None if answer is None else answer[1]
