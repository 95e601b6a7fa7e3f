"""Differences between clocks as people write them: ``+7h``, ``-365d``, ``+1h30m``."""

import re

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_SHIFT = re.compile(r"([+-]?)((?:\d{1,7}[dhms] ?)+)", re.IGNORECASE)
_PART = re.compile(r"(\d+)([dhms])", re.IGNORECASE)


def read_shift(text: str) -> int | None:
    """Return the seconds of a shift of days, hours, minutes and seconds; None for other text."""
    match = _SHIFT.fullmatch(text.strip())
    if match is None:
        return None
    seconds = sum(int(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(match[2]))
    return -seconds if match[1] == "-" else seconds


def shift_text(seconds: int) -> str:
    """Return a shift as `read_shift` reads it, with spaces: ``+1h 30m``."""
    parts, left = [], abs(seconds)
    for unit, unit_s in _UNITS.items():
        number, left = divmod(left, unit_s)
        if number:
            parts.append(f"{number}{unit}")
    return ("-" if seconds < 0 else "+") + (" ".join(parts) or "0s")
