"""What file names say of bursts: their own number, and whether two names follow each other.

Phones name the photos of a burst ``00000IMG_00000_BURST20240715123456789_COVER.jpg``,
``IMG_20240715_123456_BURST001_COVER.jpg`` or ``20240715_123456_001.jpg``. Cameras only count on:
``DSC_0041.JPG``, ``DSC_0042.JPG``.
"""

import re
from dataclasses import dataclass
from enum import Enum

from scene_model.duplicates.stack_names import stack_name

_BURSTS = (
    re.compile(r".*burst[_-]?(?P<burst>\d{12,20})(?P<cover>_cover)?"),
    re.compile(r"(?P<burst>.*\d{8}[_-]\d{6}.*)[_-]burst[_-]?\d{1,4}(?P<cover>_cover)?"),
    re.compile(r"(?P<burst>\d{8}_\d{6})_\d{3}(?P<cover>)"),
)
_MOMENT = re.compile(
    r"(?P<prefix>[a-z_-]{0,12})(?P<moment>\d{8}[_-]\d{6})\d{0,3}(?:\(\d{1,3}\)|[_~-]\d{1,3})?"
)
_COUNTED = re.compile(r"(?P<prefix>[a-z_-]{0,12}|\d{3}_?[a-z_-]{1,8})(?P<count>\d{3,7})")
# Cameras begin again after 9999. In between, photos may have been deleted.
_COUNTS, _MOST_BETWEEN, _NEXT_TO = 10_000, 60, 4


class Order(Enum):
    """What two names say of the order of their photos."""

    FOLLOWS = "follows"
    FAR = "far"
    SILENT = "silent"


@dataclass(frozen=True)
class SequenceName:
    """A name. burst: what all photos of one burst have in their names. is_cover: the phone's pick.

    prefix, count, moment: the parts of a name that counts, or states a time.
    """

    burst: str | None = None
    is_cover: bool = False
    prefix: str | None = None
    count: int | None = None
    moment: str | None = None


def sequence_name(name: str) -> SequenceName:
    """Return the parts of a file name by which the photos of a sequence are joined."""
    stem = stack_name(name).base
    for pattern in _BURSTS:
        match = pattern.fullmatch(stem)
        if match is not None:
            return SequenceName(match["burst"], bool(match["cover"]))
    match = _MOMENT.fullmatch(stem)
    if match is not None:
        return SequenceName(prefix=match["prefix"], moment=match["moment"])
    match = _COUNTED.fullmatch(stem)
    if match is not None:
        return SequenceName(prefix=match["prefix"], count=int(match["count"]))
    return SequenceName()


def order_of(first: SequenceName, second: SequenceName) -> Order:
    """Return whether two names follow each other, are far apart, or say nothing."""
    if first.burst and second.burst:
        return Order.FOLLOWS if first.burst == second.burst else Order.FAR
    if first.prefix is None or second.prefix is None:
        return Order.SILENT
    if first.moment and second.moment:
        return Order.FOLLOWS if first.prefix == second.prefix else Order.FAR
    if first.count is None or second.count is None or first.prefix != second.prefix:
        return Order.FAR
    steps = abs(first.count - second.count)
    steps = min(steps, abs(_COUNTS - steps))
    if not steps or steps > _MOST_BETWEEN:
        return Order.FAR
    return Order.FOLLOWS if steps <= _NEXT_TO else Order.SILENT
