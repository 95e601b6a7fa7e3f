"""The header of a JPEG XL: sizes, orientation, channels, and whether it is animated."""

from dataclasses import dataclass

from scene_model.photos.jpeg_xl.bits import Bits

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_ALPHA, _SPOT, _CFA = 0, 2, 5
_GREY, _XYB, _CUSTOM = 1, 2, 2


@dataclass(frozen=True)
class Header:
    """What the header says. width, height: in pixels, not turned.

    orientation: as EXIF counts. has_timecodes: of an animation's frames.
    """

    width: int
    height: int
    orientation: int = 1
    extra_channels: int = 0
    is_animated: bool = False
    has_timecodes: bool = False
    has_preview: bool = False


def read_header(bits: Bits) -> Header:
    """Read the header up to the number of extra channels; raises EOFError."""
    width, height = _read_size(bits)
    if bits.flag():
        return Header(width, height)
    orientation, is_animated, has_timecodes, has_preview = 1, False, False, False
    if bits.flag():
        orientation = 1 + bits.read(3)
        if bits.flag():
            _read_size(bits)  # as it is meant to be shown
        has_preview = bits.flag()
        if has_preview:
            _skip_preview(bits)
        is_animated = bits.flag()
        if is_animated:
            has_timecodes = _read_animation(bits)
    _skip_depth(bits)
    bits.read(1)
    extra_channels = bits.choose((0, 0), (1, 0), (2, 4), (1, 12))
    return Header(
        width, height, orientation, extra_channels, is_animated, has_timecodes, has_preview
    )


def skip_rest(bits: Bits, header: Header) -> bool:
    """Pass over what follows `read_header` of an animated picture, up to its first frame.

    Returns whether the picture has the colours of the format, XYB. Raises EOFError, and ValueError
    where a part is compressed or of a later version.
    """
    for _ in range(header.extra_channels):
        _skip_extra_channel(bits)
    has_xyb = bits.flag()
    _skip_colours(bits)
    if not bits.flag():  # tone mapping
        bits.skip_floats(2)
        bits.read(1)
        bits.skip_floats(1)
    bits.skip_extensions()
    if header.has_preview or not bits.flag():
        raise ValueError("a preview, or a colour transform of its own")
    bits.align()
    return has_xyb


def _read_size(bits: Bits) -> tuple[int, int]:
    is_small = bits.flag()

    def side() -> int:
        if is_small:
            return 8 * (1 + bits.read(5))
        return bits.choose(*((1, count) for count in _SIDE_BITS))

    height = side()
    ratio = bits.read(3)
    if ratio == 0:
        return side(), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height


def _skip_preview(bits: Bits) -> None:
    in_eights = ((16, 0), (32, 0), (1, 5), (33, 9))
    choices = in_eights if bits.flag() else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.choose(*choices)
    if bits.read(3) == 0:
        bits.choose(*choices)


def _read_animation(bits: Bits) -> bool:
    bits.choose((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.choose((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.choose((0, 0), (0, 3), (0, 16), (0, 32))
    return bits.flag()


def _skip_depth(bits: Bits) -> None:
    if bits.flag():  # numbers with a point
        bits.choose((32, 0), (16, 0), (24, 0), (1, 6))
        bits.read(4)
    else:
        bits.choose((8, 0), (10, 0), (12, 0), (1, 6))


def _skip_extra_channel(bits: Bits) -> None:
    if bits.flag():
        return
    kind = bits.enumerated()
    _skip_depth(bits)
    bits.choose((0, 0), (3, 0), (4, 0), (1, 3))
    bits.skip_name()
    if kind == _ALPHA:
        bits.read(1)
    elif kind == _SPOT:
        bits.skip_floats(4)
    elif kind == _CFA:
        bits.choose((1, 0), (0, 2), (3, 4), (19, 8))


def _skip_colours(bits: Bits) -> None:
    if bits.flag():
        return
    if bits.flag():
        raise ValueError("a compressed colour profile")
    space = bits.enumerated()
    if space != _XYB:
        if bits.enumerated() == _CUSTOM:
            _skip_points(bits, 1)
        if space != _GREY and bits.enumerated() == _CUSTOM:
            _skip_points(bits, 3)
        if bits.flag():
            bits.read(24)  # gamma
        else:
            bits.enumerated()
    bits.enumerated()


def _skip_points(bits: Bits, count: int) -> None:
    for _ in range(2 * count):
        bits.choose((0, 19), (524_288, 19), (1_048_576, 20), (2_097_152, 21))
