"""A file behind a URL that is read from any position."""

import io
from collections.abc import Callable


class RangedFile(io.RawIOBase):
    """A file of which ranges are requested; wrap it in `io.BufferedReader`."""

    def __init__(self, size: int, read_range: Callable[[int, int], bytes]) -> None:
        """size: in bytes. read_range: returns the bytes [start, end)."""
        self._size, self._read_range, self._position = size, read_range, 0

    def readable(self) -> bool:
        """Tell io that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell io that it has positions."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, as `io.IOBase.seek`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Request what fits the buffer."""
        start, end = self._position, min(self._position + len(buffer), self._size)
        if start >= end:
            return 0
        data = self._read_range(start, end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
