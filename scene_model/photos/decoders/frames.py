"""What server and decoder send each other through pipes: JSON fields, then bytes.

Not pickle: a decoder that a hostile photo took over must not run code in the server.
"""

import json
import struct
from typing import IO, Any

Fields = dict[str, Any]

LENGTHS = struct.Struct("<IQ")


def write_frame(pipe: IO[bytes], fields: Fields, data: bytes | memoryview = b"") -> None:
    """Write one frame; raises OSError when the other side is gone."""
    text = json.dumps(fields).encode()
    pipe.write(LENGTHS.pack(len(text), len(data)) + text)
    if data:
        pipe.write(data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> tuple[Fields, bytes] | None:
    """Read one frame; None when the other side closed the pipe."""
    lengths = pipe.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    text_bytes, data_bytes = LENGTHS.unpack(lengths)
    text, data = pipe.read(text_bytes), pipe.read(data_bytes)
    if len(text) < text_bytes or len(data) < data_bytes:
        return None
    return frame_of(text, data)


def frame_of(text: bytes, data: bytes) -> tuple[Fields, bytes]:
    """Make a frame of its two parts; raises ValueError when the fields are no JSON."""
    return json.loads(text), data
