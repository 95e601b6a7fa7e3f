"""A file of a batch that counts towards its visitor's quota while it is received."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from scene_model.ingest.quota import Reception

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class CountedFile(io.BufferedWriter):
    """A file whose bytes count towards the quota before they are written."""

    def __init__(self, path: Path, reception: Reception) -> None:
        """Create or overwrite a file. reception: of the request."""
        super().__init__(io.FileIO(path, "wb"))
        self._reception = reception

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write bytes; raises QuotaExceeded."""
        self._reception.received(len(memoryview(data)))
        return super().write(data)
