"""Embedding files: one file per network, one slot per photo, memory-mapped.

LIBRARY/embeddings/a3a1de3891611d38-1280.f16   network a3a1…, 1,280 values per photo

A slot is a 16-byte header (the first 8 bytes of the photo's id, the CRC-32 of the values as 8
bytes, little-endian), then the values as float16, little-endian. The header identifies the photo
and detects damage. The photo's row stores its slot; a slot that no row refers to is unused and
gets overwritten.
"""

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.errors import EmbeddingMissing
from scene_model.library.files.file_system import FileSystem

_VALUE = np.dtype("<f2")
_HEADER_BYTES = 16
_HEADER_VALUES = _HEADER_BYTES // _VALUE.itemsize
_NAME = re.compile(r"([0-9A-Za-z_]+)-([0-9]+)")


def file_name(backbone: str | None, size: int) -> str:
    """Return the file name, without suffix, for a network's embeddings of ``size`` values."""
    return f"{backbone or 'unknown'}-{size}"


def packed(photo_id: str, values: npt.NDArray[np.floating]) -> bytes:
    """Return a slot's bytes; a test checks that half precision changes no prediction."""
    value_bytes = values.astype(_VALUE).tobytes()
    checksum = zlib.crc32(value_bytes).to_bytes(8, "little")
    return bytes.fromhex(photo_id[:16]) + checksum + value_bytes


def remove_projections(library_folder: Path) -> None:
    """Remove all short vectors, which are of an earlier database; see `embedding_projection`."""
    for path in (library_folder / "embeddings").glob("*.near"):
        path.unlink()


class EmbeddingFiles:
    """The embedding files of one library; its database records which slots are in use."""

    def __init__(self, folder: Path, file_system: FileSystem) -> None:
        """folder: must exist."""
        self.folder, self._file_system = folder, file_system

    def path(self, name: str) -> Path:
        """Return a file's path, whether or not the file exists."""
        return self.folder / f"{name}.f16"

    def projections(self, name: str) -> list[Path]:
        """Return the files of short vectors of a file, see `embedding_projection`."""
        return sorted(self.folder.glob(f"{name}.*near"))

    def write(self, name: str, slot: int, slots: bytes) -> None:
        """Write one slot, or several consecutive ones, and flush to disk; raises OSError."""
        path = self.path(name)
        is_new = not path.exists()
        self._file_system.write_flushed(path, slots, offset=slot * slot_bytes(name))
        if is_new:
            self._file_system.flush_folder(self.folder)

    def read(self, name: str | None, slot: int | None, photo_id: str) -> FloatArray:
        """Return a photo's embedding, float32 (size,).

        name, slot: as stored in the photo's row. Raises EmbeddingMissing when the slot is
        missing, damaged or another photo's.
        """
        data = b""
        if name is not None and slot is not None:
            try:
                with self.path(name).open("rb") as file:
                    file.seek(slot * slot_bytes(name))
                    data = file.read(slot_bytes(name))
            except OSError:
                data = b""
        values = np.frombuffer(data[_HEADER_BYTES:], _VALUE) if len(data) % 2 == 0 else None
        if values is None or data != packed(photo_id, values) or not len(values):
            raise EmbeddingMissing(
                f"The embedding of {photo_id[:12]} is missing from the library folder or damaged. "
                "Tag the photo again to compute a new one."
            )
        result: FloatArray = values.astype(np.float32)
        return result

    def slot_count(self, name: str) -> int:
        """Count the slots of a file, unused ones included."""
        path = self.path(name)
        return path.stat().st_size // slot_bytes(name) if path.exists() else 0

    def rows(self, name: str, slots: Sequence[int] | slice) -> FloatArray:
        """Return the values of some slots, float32 (N, size), without checking their headers.

        The file is memory-mapped for this call only, so that scanning a large file in chunks
        needs the memory of one chunk. Raises IndexError for a slot beyond the end.
        """
        count, width = self.slot_count(name), slot_bytes(name) // _VALUE.itemsize
        if not count:  # an empty file cannot be mapped
            return np.empty((0, width - _HEADER_VALUES), np.float32)[slots]
        mapped = np.memmap(self.path(name), _VALUE, "r", shape=(count, width))
        result: FloatArray = mapped[slots, _HEADER_VALUES:].astype(np.float32)
        return result

    def headers(self, name: str) -> npt.NDArray[np.uint8]:
        """Return the headers of all slots, shape (slots, 16): whose each is, and its checksum."""
        count = self.slot_count(name)
        if not count:
            return np.empty((0, _HEADER_BYTES), np.uint8)
        mapped = np.memmap(self.path(name), np.uint8, "r", shape=(count, slot_bytes(name)))
        return np.array(mapped[:, :_HEADER_BYTES])


def slot_bytes(name: str) -> int:
    """Return the bytes that one photo takes in a file; raises EmbeddingMissing."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise EmbeddingMissing(f"{name!r} is not a valid embedding file name.")
    return _HEADER_BYTES + int(match[2]) * _VALUE.itemsize
