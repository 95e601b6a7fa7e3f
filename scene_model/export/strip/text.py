"""Texts in metadata: which are harmless, and that dates are dates."""

import re

_MAX_CHARACTERS = 1000
_COORDINATES = re.compile(
    r"""
      \d\s?[°º˚′″]                              # degrees, minutes, seconds
    | \d\.\d{3,}+(?!\s?mm) | \d,\d{4,}          # a decimal that is exact to 100 m; not of a lens
    | \d\s?deg | \bgeo: | \b(?:lat|lon|lng)(?:itude)?\b | \bgps
    | \d\s?[NS]\b.{1,40}?\d\s?[EW]\b | \b[NS]\s?\d.{1,40}?\b[EW]\s?\d
    | \d{1,3}[\s:;,]{1,3}\d{1,2}[\s:;,]{1,3}\d{1,2}\s?[NSEW]\b
    | [23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}\b  # a plus code
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LINK = re.compile(r"://|///|\bmaps?\.", re.IGNORECASE)
_EXIF_DATE = re.compile(r"[\d ]{4}:[\d ]{2}:[\d ]{2} [\d ]{2}:[\d ]{2}:[\d ]{2}")
_ISO_DATE = re.compile(
    r"\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_OFFSET = re.compile(r"[+-]\d\d:\d\d")


def has_coordinates(text: str) -> bool:
    """Return whether a text has what reads as coordinates or as a code of a place."""
    return _COORDINATES.search(text) is not None


def is_harmless(text: str) -> bool:
    """Return whether a text is short, printable, and without coordinates and links."""
    return (
        0 < len(text) <= _MAX_CHARACTERS
        and text.isprintable()
        and not text.isspace()
        and not has_coordinates(text)
        and not _LINK.search(text)
    )


def is_exif_date(text: str) -> bool:
    """``2024:07:05 10:11:12``."""
    return _EXIF_DATE.fullmatch(text) is not None


def is_iso_date(text: str) -> bool:
    """``2024-07-05T10:11:12+01:00``, or its beginning."""
    return _ISO_DATE.fullmatch(text) is not None


def is_offset(text: str) -> bool:
    """``+01:00``."""
    return _OFFSET.fullmatch(text) is not None


def is_digits(text: str) -> bool:
    """Up to six digits: parts of a second."""
    return re.fullmatch(r"\d{1,6} *", text) is not None
