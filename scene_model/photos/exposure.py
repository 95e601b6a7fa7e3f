"""Read how a photo was exposed, and the fraction of a second of its time, from EXIF."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_EXPOSURE_TIME, _F_NUMBER, _ISO = 0x829A, 0x829D, 0x8827
_EXPOSURE_BIAS, _EXPOSURE_MODE = 0x9204, 0xA402
_SUBSECOND_ORIGINAL = 0x9291
_DIGITS = re.compile(r"\d{1,9}")
_MODES = (0, 1, 2)


@dataclass(frozen=True)
class Exposure:
    """How a photo was exposed; each None where EXIF says nothing that can be.

    seconds: the time. bias: the correction in stops. mode: 0 automatic, 1 manual, 2 one of a
    bracket.
    """

    seconds: float | None
    bias: float | None
    f_number: float | None
    iso: int | None
    mode: int | None


def exposure_of(details: Mapping[int, Any]) -> Exposure:
    """Return the exposure in a photo's Exif IFD."""
    iso, mode = _number(details.get(_ISO), 1.0, 10e6), details.get(_EXPOSURE_MODE)
    return Exposure(
        seconds=_number(details.get(_EXPOSURE_TIME), 1e-6, 36_000.0),
        bias=_number(details.get(_EXPOSURE_BIAS), -12.0, 12.0),
        f_number=_number(details.get(_F_NUMBER), 0.1, 200.0),
        iso=None if iso is None else round(iso),
        mode=mode if isinstance(mode, int) and mode in _MODES else None,
    )


def subsecond_of(details: Mapping[int, Any]) -> float | None:
    """Return the fraction of the second in which a photo was taken, in seconds; None for none."""
    text = details.get(_SUBSECOND_ORIGINAL)
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    digits = text.strip(" \0") if isinstance(text, str) else ""
    return float(f"0.{digits}") if _DIGITS.fullmatch(digits) else None


def _number(value: Any, low: float, high: float) -> float | None:
    # Some cameras write a list of one.
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None
