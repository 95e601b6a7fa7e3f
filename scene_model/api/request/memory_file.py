"""A photo on its way in, kept in memory: its bytes are put together once, when they are read."""

import io
from typing import Any

_SMALL_BYTES = 1024


class MemoryFile(io.BytesIO):
    """Keeps pieces as they come; is written to, then read whole, and nothing else."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._pieces: list[Any] = []

    def write(self, piece: Any) -> int:
        """Keep bytes or a view of them, which must not change any more."""
        if len(piece) < _SMALL_BYTES:
            # By themselves: a view of some bytes weighs more than they do.
            if self._pieces and isinstance(self._pieces[-1], bytearray):
                self._pieces[-1] += piece
            else:
                self._pieces.append(bytearray(piece))
        else:
            self._pieces.append(piece)
        return len(piece)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return all of it, wherever one was and whatever the size."""
        whole = b"".join(self._pieces)
        self._pieces = [whole]
        return whole

    def close(self) -> None:
        """Let go of the bytes."""
        self._pieces = []
        super().close()
