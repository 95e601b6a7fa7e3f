"""What the networks saw of the photos: one file a network, one slot a photo, read by mapping.

LIBRARY/embeddings/a3a1de3891611d38-1280.f16   of the network a3a1…, 1,280 numbers a photo

A slot is 16 bytes that say whose it is and whether it is whole (the first 8 bytes of the photo's
id, the CRC-32 of the numbers, 4 noughts), then the numbers as float16, little-endian. Which slot
is a photo's stands in its row; a slot that no row names means nothing and is written over.
"""

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.errors import EmbeddingMissing
from scene_model.library.file_system import FileSystem

_VALUE = np.dtype("<f2")
_HEADER_BYTES = 16
_HEADER_VALUES = _HEADER_BYTES // _VALUE.itemsize
_NAME = re.compile(r"([0-9A-Za-z_]+)-([0-9]+)")


def file_name(backbone: str | None, size: int) -> str:
    """Name the file for a network's embeddings of ``size`` numbers, without its suffix."""
    return f"{backbone or 'unknown'}-{size}"


def packed(photo_id: str, values: npt.NDArray[np.floating]) -> bytes:
    """A slot's bytes, at half precision: a test holds that it changes no answer."""
    numbers = values.astype(_VALUE).tobytes()
    return bytes.fromhex(photo_id[:16]) + zlib.crc32(numbers).to_bytes(8, "little") + numbers


class EmbeddingFiles:
    """The files of one library; which slots are taken, its database knows."""

    def __init__(self, folder: Path, file_system: FileSystem) -> None:
        """Take a folder, which must be there."""
        self.folder, self._file_system = folder, file_system

    def path(self, name: str) -> Path:
        """Where a file lies, whether or not it is there."""
        return self.folder / f"{name}.f16"

    def write(self, name: str, slot: int, slots: bytes) -> None:
        """Put the bytes of a slot, or of several on end, in their place on the disk itself.

        Raises OSError.
        """
        path = self.path(name)
        is_new = not path.exists()
        self._file_system.write_flushed(path, slots, offset=slot * _slot_bytes(name))
        if is_new:
            self._file_system.flush_folder(self.folder)

    def read(self, name: str | None, slot: int | None, photo_id: str) -> FloatArray:
        """What lies in a slot, float32 (size,); raises EmbeddingMissing unless it is the photo's.

        name, slot: as they stand in the photo's row.
        """
        found = b""
        if name is not None and slot is not None:
            try:
                with self.path(name).open("rb") as file:
                    file.seek(slot * _slot_bytes(name))
                    found = file.read(_slot_bytes(name))
            except OSError:
                found = b""
        values = np.frombuffer(found[_HEADER_BYTES:], _VALUE) if len(found) % 2 == 0 else None
        if values is None or found != packed(photo_id, values) or not len(values):
            raise EmbeddingMissing(
                f"What the network saw of {photo_id[:12]} is not in the library folder any more, "
                "or damaged. Tagging the photo again looks at it anew."
            )
        result: FloatArray = values.astype(np.float32)
        return result

    def slot_count(self, name: str) -> int:
        """Count the slots of a file, those that mean nothing any more among them."""
        path = self.path(name)
        return path.stat().st_size // _slot_bytes(name) if path.exists() else 0

    def rows(self, name: str, slots: Sequence[int] | slice) -> FloatArray:
        """What lies in some slots of a file, float32 (N, size), copied out of a mapping.

        The mapping goes with the call, so that going through a large file in pieces takes the
        memory of one piece. Which slots count, and whose they are, the database says. Raises
        IndexError for a slot beyond the end.
        """
        count, width = self.slot_count(name), _slot_bytes(name) // _VALUE.itemsize
        if not count:  # nothing cannot be mapped
            return np.empty((0, width - _HEADER_VALUES), np.float32)[slots]
        mapped = np.memmap(self.path(name), _VALUE, "r", shape=(count, width))
        result: FloatArray = mapped[slots, _HEADER_VALUES:].astype(np.float32)
        return result


def _slot_bytes(name: str) -> int:
    match = _NAME.fullmatch(name)
    if match is None:
        raise EmbeddingMissing(f"{name!r} is no name of a file of embeddings.")
    return _HEADER_BYTES + int(match[2]) * _VALUE.itemsize
