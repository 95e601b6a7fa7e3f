"""What server and decoder send each other through pipes: JSON fields, then bytes.

Not pickle: a decoder that a hostile photo took over must not run code in the server.
"""

import json
import struct
from typing import IO, Any

Fields = dict[str, Any]
Data = bytes | memoryview

LENGTHS = struct.Struct("<IQ")
# Less than a pipe holds, see replies.py.
_JOINED_BYTES = 800_000


def write_frame(pipe: IO[bytes], fields: Fields, data: Data = b"") -> None:
    """Write one frame; raises OSError when the other side is gone."""
    text = json.dumps(fields).encode()
    head = LENGTHS.pack(len(text), len(data)) + text
    if len(data) <= _JOINED_BYTES:
        # At once, so that the other side wakes up once.
        pipe.write(b"".join((head, data)))
    else:
        pipe.write(head)
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
    return fields_of(text), data


def fields_of(text: bytes) -> Fields:
    """Read the fields of a frame; raises ValueError when they are no JSON."""
    fields: Fields = json.loads(text)
    return fields
