"""What Pillow and its codecs raise on damaged pictures, as errors of this program."""

import struct
import zlib

from scene_model.errors import DamagedPhoto, PhotoError, TooManyPixels, TruncatedPhoto

# Exceptions that Pillow and its codecs raise on inconsistent data.
CODEC_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
)


def codec_fault(error: BaseException, format_name: str) -> PhotoError:
    """Return the error of this program for what a codec raised; format_name: of the picture."""
    if isinstance(error, MemoryError):
        return TooManyPixels(
            f"Decoding the {format_name} picture takes more memory than there is. Make it smaller, "
            "or save it as JPEG.",
            code="too_much_memory",
        )
    text = str(error).lower()
    if any(word in text for word in ("truncat", "premature", "end of file", "broken data stream")):
        return TruncatedPhoto(
            f"The {format_name} picture is cut short: its data ends before the picture does. "
            "Copy it again from where it came."
        )
    return DamagedPhoto(
        f"The {format_name} picture is damaged and cannot be decoded. "
        "Copy it again from where it came."
    )
