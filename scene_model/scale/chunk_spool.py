"""Chunks between the listing and the driver, in a temporary file: a list may have millions."""

import pickle
import tempfile
import threading
from collections.abc import Iterator

from scene_model.errors import StoreUnavailable
from scene_model.library.files.file_system import FULL
from scene_model.scale.items import Chunk


class ChunkSpool:
    """A queue of chunks without limit that takes no memory; for one writer and one reader.

    items: put so far. is_full: nothing more will be put.
    """

    def __init__(self) -> None:
        """Open the temporary file, which is gone when the process ends."""
        self._file = tempfile.TemporaryFile(prefix="scene-gallery-")  # noqa: SIM115 - `close`
        self._changed = threading.Condition()
        self._written = self._read = 0
        self._error: BaseException | None = None
        self.items, self.is_full = 0, False

    def fill(self, chunks: Iterator[Chunk], stop: threading.Event) -> None:
        """Put chunks until there are no more, or the event is set; keeps what they raise."""
        try:
            for chunk in chunks:
                self._put(chunk)
                if stop.is_set():
                    break
        except BaseException as error:  # raised again where the chunks are taken
            self._error = error
        finally:
            with self._changed:
                self.is_full = True
                self._changed.notify_all()

    def wait_until_full(self) -> None:
        """Wait for the end of the listing; raises what it raised."""
        with self._changed:
            while not self.is_full:
                self._changed.wait(0.5)  # so that Ctrl-C is heard on Windows
        if self._error is not None:
            raise self._error

    def chunks(self) -> Iterator[Chunk]:
        """Yield each chunk once, waiting for the listing; raises what it raised, in the end."""
        while (data := self._next()) is not None:
            yield pickle.loads(data)  # noqa: S301 - written by `_put` into a nameless file
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Free the disk."""
        self._file.close()

    def _put(self, chunk: Chunk) -> None:
        data = pickle.dumps(chunk)
        with self._changed:
            try:
                self._file.seek(self._written)
                self._file.write(len(data).to_bytes(8, "little") + data)
                self._file.flush()
            except OSError as error:
                raise _unwritable(error) from error
            self._written += 8 + len(data)
            self.items += len(chunk.items)
            self._changed.notify_all()

    def _next(self) -> bytes | None:
        with self._changed:
            while self._read == self._written and not self.is_full:
                self._changed.wait(0.5)
            if self._read == self._written:
                return None
            self._file.seek(self._read)
            size = int.from_bytes(self._file.read(8), "little")
            data = self._file.read(size)
            self._read += 8 + size
            return data


def _unwritable(error: OSError) -> StoreUnavailable:
    folder = tempfile.gettempdir()
    if error.errno in FULL:
        return StoreUnavailable(
            f"The disk of {folder}, where the list of pictures is kept, is full. Free some space "
            "and run the batch again.",
            code="output_full",
        )
    return StoreUnavailable(f"The list of pictures cannot be kept in {folder}: {error.strerror}.")
