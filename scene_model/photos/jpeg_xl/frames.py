"""The first frame of an animated JPEG XL; the decoder returns the last of those it is given."""

from dataclasses import dataclass

from scene_model.photos.jpeg_xl.bits import Bits
from scene_model.photos.jpeg_xl.header import Header, read_header, skip_rest

_REGULAR, _DC_FRAME, _REFERENCE_ONLY = 0, 1, 2
_USES_DC_FRAME = 32
_REPLACE, _BLEND, _WEIGHTED_ADD, _MULTIPLY = 0, 2, 3, 4
_POSITIONS = ((0, 8), (256, 11), (2304, 14), (18688, 30))
_SECTION_BYTES = ((0, 10), (1024, 14), (17408, 22), (4211712, 30))
_SIGNATURE_BITS, _MAX_FRAMES = 16, 100


@dataclass
class _Frame:
    """What the header of a frame says, as far as it is needed to find the frame's end.

    last_at: position of the bit that says whether it is the last frame. references: bits after it
    that the last frame does not have.
    """

    kind: int = _REGULAR
    is_modular: bool = False
    group_side: int = 256
    upsampling: int = 1
    passes: int = 1
    width: int = 0
    height: int = 0
    is_partial: bool = False
    duration: int = 0
    is_last: bool = True
    last_at: int = 0
    references: int = 0


def first_frame(codestream: bytes) -> bytes | None:
    """Return a codestream that ends with the first frame that is shown.

    None where the codestream has one frame, or where its frames cannot be told apart.
    """
    bits = Bits(codestream, _SIGNATURE_BITS)
    try:
        header = read_header(bits)
        if not header.is_animated:
            return None
        has_xyb = skip_rest(bits, header)
        for _ in range(_MAX_FRAMES):
            start = bits.position
            frame = _read_frame(bits, header, has_xyb)
            header_end = bits.position
            end = _end(bits, frame)
            if frame.kind == _REGULAR and (frame.duration or frame.is_last):
                break
            bits.position = 8 * end
    except (EOFError, ValueError):
        return None
    if frame.is_last or end > len(codestream):
        return None
    return _as_last(codestream, frame, start, header_end, end)


def _as_last(codestream: bytes, frame: _Frame, start: int, header_end: int, end: int) -> bytes:
    """Return the codestream up to a frame, with a header that says that it is the last.

    start, header_end: positions of bits. end: of a byte.
    """
    bits = Bits(codestream, start)
    value, count = bits.read(0), 0
    kept = [(start, frame.last_at), (frame.last_at + 1 + frame.references, header_end)]
    for number, (first, last) in enumerate(kept):
        value |= _number(codestream, first, last) << count
        count += last - first
        if number == 0:
            value |= 1 << count
            count += 1
    body = codestream[(header_end + 7) // 8 : end]
    return codestream[: start // 8] + value.to_bytes((count + 7) // 8, "little") + body


def _number(data: bytes, first: int, last: int) -> int:
    window = int.from_bytes(data[first // 8 : (last + 7) // 8], "little")
    return window >> first % 8 & ((1 << last - first) - 1)


def _end(bits: Bits, frame: _Frame) -> int:
    """Pass over the table of sections; returns where the frame ends, in bytes."""
    bits.align()
    sections = sum(bits.choose(*_SECTION_BYTES) for _ in range(_section_count(frame)))
    bits.align()
    return bits.position // 8 + sections


def _section_count(frame: _Frame) -> int:
    width, height = (-(-side // frame.upsampling) for side in (frame.width, frame.height))

    def tiles(side: int) -> int:
        return -(-width // side) * -(-height // side)

    groups = tiles(frame.group_side)
    if groups == 1 and frame.passes == 1:
        return 1
    return 2 + tiles(8 * frame.group_side) + groups * frame.passes


def _read_frame(bits: Bits, header: Header, has_xyb: bool) -> _Frame:
    """Read a frame's header and the flag of its table; raises ValueError where it is reordered."""
    frame = _Frame(width=header.width, height=header.height)
    if not bits.flag():
        _read_encoding(bits, frame, header, has_xyb)
        _read_place(bits, frame, header)
        _read_order(bits, frame, header)
        bits.skip_name()
        _skip_filters(bits, frame.is_modular)
        bits.skip_extensions()
    if bits.flag():
        raise ValueError("reordered sections")
    return frame


def _read_encoding(bits: Bits, frame: _Frame, header: Header, has_xyb: bool) -> None:
    frame.kind, frame.is_modular = bits.read(2), bits.flag()
    uses_dc_frame = bits.long() & _USES_DC_FRAME
    has_ycbcr = not has_xyb and bits.flag()
    if not uses_dc_frame:
        if has_ycbcr:
            bits.read(6)
        frame.upsampling = 1 << bits.read(2)
        bits.position += 2 * header.extra_channels
    if frame.is_modular:
        frame.group_side = 128 << bits.read(2)
    elif has_xyb:
        bits.read(6)
    if frame.kind != _REFERENCE_ONLY:
        frame.passes = bits.choose((1, 0), (2, 0), (3, 0), (4, 3))
        if frame.passes > 1:
            scales = bits.choose((0, 0), (1, 0), (2, 0), (3, 1))
            bits.read(2 * (frame.passes - 1))
            bits.read(2 * scales)
            for _ in range(scales):
                bits.choose((0, 0), (1, 0), (2, 0), (0, 3))


def _read_place(bits: Bits, frame: _Frame, header: Header) -> None:
    if frame.kind == _DC_FRAME:
        raise ValueError("a frame of averages")
    if not bits.flag():
        return
    x = y = 0
    if frame.kind != _REFERENCE_ONLY:
        x, y = (_signed(bits.choose(*_POSITIONS)) for _ in range(2))
    frame.width, frame.height = (bits.choose(*_POSITIONS) for _ in range(2))
    covers_width = x <= 0 and x + frame.width >= header.width
    frame.is_partial = not (covers_width and y <= 0 and y + frame.height >= header.height)


def _signed(value: int) -> int:
    return -(value + 1) // 2 if value % 2 else value // 2


def _read_order(bits: Bits, frame: _Frame, header: Header) -> None:
    frame.is_last = False
    replaces = frame.kind == _REFERENCE_ONLY
    if frame.kind != _REFERENCE_ONLY:
        modes = [_read_blending(bits, frame, header) for _ in range(1 + header.extra_channels)]
        frame.duration = bits.choose((0, 0), (1, 0), (0, 8), (0, 32))
        if header.has_timecodes:
            bits.read(32)
        frame.last_at = bits.position
        frame.is_last = bits.flag()
        replaces = modes[0] == _REPLACE and not frame.is_partial
    if frame.is_last:
        return
    is_stored = bits.read(2) != 0 or frame.duration == 0
    if frame.kind == _REFERENCE_ONLY or (replaces and is_stored):
        bits.read(1)
    frame.references = bits.position - frame.last_at - 1


def _read_blending(bits: Bits, frame: _Frame, header: Header) -> int:
    mode = bits.choose((0, 0), (1, 0), (2, 0), (3, 2))
    if header.extra_channels and mode in (_BLEND, _WEIGHTED_ADD):
        bits.choose((0, 0), (1, 0), (2, 0), (3, 3))
    if header.extra_channels and mode in (_BLEND, _WEIGHTED_ADD, _MULTIPLY):
        bits.read(1)
    if mode != _REPLACE or frame.is_partial:
        bits.read(2)
    return mode


def _skip_filters(bits: Bits, is_modular: bool) -> None:
    if bits.flag():
        return
    if bits.flag() and bits.flag():  # smoothing, with weights of its own
        bits.skip_floats(6)
    if bits.read(2):
        if not is_modular and bits.flag():
            bits.skip_floats(8)
        if bits.flag():
            bits.skip_floats(5)
        if bits.flag():
            bits.skip_floats(3 if is_modular else 4)
        if is_modular:
            bits.skip_floats(1)
    bits.skip_extensions()
