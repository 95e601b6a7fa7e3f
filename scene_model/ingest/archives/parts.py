"""Exports in several parts: which parts there should be, and which have not come."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# takeout-20240101T000000Z-001.zip, and since 2024 takeout-20240101T000000Z-1-001.zip.
_TAKEOUT = re.compile(
    r"(?P<start>takeout-\d{8}T\d{6}Z(?:-\d+)?-)(?P<number>\d{3})(?P<end>\.(?:zip|tgz|tar\.gz))",
    re.I,
)
_ICLOUD = re.compile(
    r"(?P<start>iCloud (?:Photos|Fotos)[^/]*? (?:Part|Teil|Partie|Parte) )(?P<number>\d+)"
    r"(?P<of> (?:of|von|sur|de|di) (?P<total>\d+))(?P<end>\.zip)",
    re.I,
)
_COPY = re.compile(r" ?\(\d+\)(?=\.\w+$)")
_MOST_PARTS = 2_000


@dataclass(frozen=True)
class _Part:
    series: tuple[str, str]
    number: int
    total: int
    digits: int

    def name(self, number: int) -> str:
        start, end = self.series
        return f"{start}{number:0{self.digits}d}{end}"


def missing_parts(names: Iterable[str], mentioned: str = "") -> list[str]:
    """Return the names of the parts that have not come.

    names: of the archives that are there. mentioned: text that may name parts of the same export,
    as ``archive_browser.html`` does.
    """
    parts = [part for name in names if (part := _part(_COPY.sub("", name))) is not None]
    present = {(part.series, part.number) for part in parts}
    others = [_part(match[0]) for match in _TAKEOUT.finditer(mentioned)]
    missing = []
    for series in dict.fromkeys(part.series for part in parts):
        own = [part for part in parts if part.series == series]
        named = [part.number for part in others if part is not None and part.series == series]
        last = max([part.number for part in own] + [part.total for part in own] + named)
        missing += [
            own[0].name(number)
            for number in range(1, min(last, _MOST_PARTS) + 1)
            if (series, number) not in present
        ]
    return missing


def last_part(names: Iterable[str]) -> str | None:
    """Return the name of the part with the highest number; None without parts."""
    parts = [(part.number, name) for name in names if (part := _part(name)) is not None]
    return max(parts)[1] if parts else None


def _part(name: str) -> _Part | None:
    match = _TAKEOUT.fullmatch(name)
    if match is not None:
        series = (match["start"], match["end"])
        return _Part(series, int(match["number"]), 0, 3)
    match = _ICLOUD.fullmatch(name)
    if match is None:
        return None
    series = (match["start"], f"{match['of']}{match['end']}")
    return _Part(series, int(match["number"]), int(match["total"]), 1)
