"""A received photo in memory: its chunks are joined once, when it is read."""

import io
from typing import Any

_SMALL_BYTES = 1024


class MemoryFile(io.BytesIO):
    """A file that is written in chunks and then read completely; supports nothing else."""

    def __init__(self) -> None:
        """Create an empty file."""
        super().__init__()
        self._chunks: list[Any] = []

    def write(self, chunk: Any) -> int:
        """Store bytes or a view of them, which must not be modified afterwards."""
        if len(chunk) < _SMALL_BYTES:
            # Copy small chunks: a memoryview takes more memory than a few bytes.
            if self._chunks and isinstance(self._chunks[-1], bytearray):
                self._chunks[-1] += chunk
            else:
                self._chunks.append(bytearray(chunk))
        else:
            self._chunks.append(chunk)
        return len(chunk)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the complete content; ignores the position and the size."""
        content = b"".join(self._chunks)
        self._chunks = [content]
        return content

    def close(self) -> None:
        """Release the content."""
        self._chunks = []
        super().close()
