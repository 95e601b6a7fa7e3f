"""An output in an object store: each file one complete PUT."""

import io
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from scene_model.errors import BatchError, FetchError, StoreUnavailable
from scene_model.scale.part_store import OutputLock, PartStore
from scene_model.scale.reading.body import ByteRange, attempted
from scene_model.scale.reading.object_stores import OBJECT_SCHEMES, ObjectStores
from scene_model.scale.reading.ranged_file import RangedFile

_OWNER_FILE = "_owner.json"
# The owner says so often that it is alive; after a multiple of that its lock counts no more.
HEARTBEAT_S = 15.0
STALE_S = 60.0
_TIMEOUT_S = 60.0
# The end of a Parquet file, with the places of its columns.
_READER_BYTES = 1 << 16
_Answer = TypeVar("_Answer")


class ObjectParts(PartStore):
    """A prefix of a bucket."""

    def __init__(self, url: str) -> None:
        """url: `s3://BUCKET/PREFIX`, or gs or az. Raises BatchError for another kind."""
        scheme = url.partition("://")[0]
        if scheme not in OBJECT_SCHEMES:
            raise BatchError(
                f"{url} cannot be written to. Name a folder, or a URL that begins with s3://, "
                "gs:// or az://."
            )
        self.location = url.rstrip("/")
        self._stores = ObjectStores(_TIMEOUT_S)

    def names(self) -> list[str]:
        """As `PartStore.names`."""
        below = self.location.partition("://")[2].partition("/")[2]
        skipped = len(below) + 1 if below else 0
        names = (entry.key[skipped:] for entry in self._stores.list(self.location))
        return sorted(name for name in names if "/" not in name)

    def read(self, name: str) -> bytes | None:
        """As `PartStore.read`."""
        return self._attempted("read", lambda: self._stores.read(self._url(name)))

    def open(self, name: str) -> BinaryIO:
        """As `PartStore.open`; ranges are requested when they are read."""
        url = self._url(name)

        def read_range(start: int, end: int) -> bytes:
            byte_range = ByteRange(start, end, "")
            return self._attempted(
                "read", lambda: b"".join(self._stores.open(url, byte_range).pieces)
            )

        head = self._attempted("read", lambda: self._stores.open(url, ByteRange(0, 1, "")))
        return io.BufferedReader(RangedFile(head.file_bytes or 0, read_range), _READER_BYTES)

    def write(self, name: str, data: bytes) -> None:
        """As `PartStore.write`, by one PUT."""
        self._attempted("written", lambda: self._stores.put(self._url(name), data))

    def remove(self, name: str) -> None:
        """As `PartStore.remove`."""
        self._attempted("written", lambda: self._stores.delete(self._url(name)))

    def lock(self) -> "ObjectLock":
        """As `PartStore.lock`."""
        return ObjectLock(self)

    def write_new(self, name: str, data: bytes) -> bool:
        """Write a file that is not there; returns whether it was written."""
        return self._attempted(
            "written", lambda: self._stores.put(self._url(name), data, is_new=True)
        )

    def _url(self, name: str) -> str:
        return f"{self.location}/{name}"

    def _attempted(self, verb: str, act: Callable[[], _Answer]) -> _Answer:
        try:
            return attempted(act)
        except FetchError as error:
            raise StoreUnavailable(f"{self.location} cannot be {verb}: {error.message}") from error


class ObjectLock(OutputLock):
    """An object that names the owner, and says every few seconds that it is alive.

    Stores have no locks. A run that was killed leaves the object: another takes it over when the
    process is gone from this computer, or has been silent for `STALE_S`.
    """

    def __init__(self, parts: ObjectParts, work: str = "a batch into") -> None:
        """Take the lock; raises BatchError while another run has it. work: for that message."""
        self._parts, self._work, self._token = parts, work, secrets.token_hex(8)
        self._is_over = threading.Event()
        if not parts.write_new(_OWNER_FILE, self._owner()):
            self._take_over()
        self._thread = threading.Thread(target=self._beat, name="batch lock", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """As `OutputLock.release`."""
        if not self._is_over.is_set():
            self._is_over.set()
            self._thread.join()
            if self.is_held():
                self._parts.remove(_OWNER_FILE)

    def is_held(self) -> bool:
        """Ask the store whether the lock is still ours: a sleeping computer may lose it.

        Raises StoreUnavailable.
        """
        try:
            owner = json.loads(self._parts.read(_OWNER_FILE) or b"{}")
            return bool(owner["token"] == self._token)
        except (ValueError, KeyError, TypeError):
            return False

    def _owner(self) -> bytes:
        owner = {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "token": self._token,
            "time": time.time(),
        }
        return json.dumps(owner).encode()

    def _take_over(self) -> None:
        data = self._parts.read(_OWNER_FILE)
        try:
            owner = json.loads(data or b"{}")
            host, process, beat = owner.get("host"), owner.get("process"), float(owner["time"])
        except (ValueError, KeyError, AttributeError):
            host, process, beat = None, None, 0.0
        silent_s = time.time() - beat
        is_gone = host == socket.gethostname() and not _is_running(process)
        if not is_gone and silent_s < STALE_S:
            raise BatchError(
                f"Another process ({process} on {host}) runs {self._work} {self._parts.location}. "
                f"Wait until it is done; if it was killed, {STALE_S - silent_s:.0f} s.",
                code="batch_running",
            )
        self._parts.remove(_OWNER_FILE)
        if not self._parts.write_new(_OWNER_FILE, self._owner()):
            raise BatchError(
                f"Another process has just begun {self._work} {self._parts.location}.",
                code="batch_running",
            )

    def _beat(self) -> None:
        while not self._is_over.wait(HEARTBEAT_S):
            try:
                if not self.is_held():
                    return  # taken over while this computer slept
                self._parts.write(_OWNER_FILE, self._owner())
            except StoreUnavailable:
                continue  # what the run writes next says so


def _is_running(process: object) -> bool:
    """Return whether another process of this computer is running, or may be."""
    if not isinstance(process, int) or process == os.getpid():
        return False
    if sys.platform == "win32":
        return True  # signal 0 is Ctrl-C there; the time of its last word decides
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
