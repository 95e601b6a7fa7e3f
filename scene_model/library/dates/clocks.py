"""Find cameras whose clock is wrong, by photos of phones that show the same scene.

Phones set their clocks by the network. A camera without such a clock is compared with them: for
each photo, the phone's photo of about the same time that looks most like it says how far the
clocks are apart. Where many agree on one difference on several occasions, and hardly any disagree,
the clock is off by that much. Without a phone, cameras are compared with the one that took most
photos; which of two is wrong is then open, unless a third one agrees with that.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from scene_model.classifier.bundle import FloatArray
from scene_model.library.dates.date_rows import DateRows, Flags, Indices, Times

# Photos of one camera with shorter pauses are one occasion.
_PAUSE = np.timedelta64(6, "h")
_MIN_PHOTOS = 8
_MAX_CAMERAS, _MAX_PROBES, _MAX_OCCASIONS = 6, 12, 160
_PHONE_SHARE = 0.5
_PHONE = re.compile(
    r"iphone|ipad|pixel|galaxy|\bsm-|huawei|honor|xiaomi|redmi|poco|oneplus|oppo|vivo|realme|moto\b"
    r"|motorola|nokia|hmd|nexus|xperia|fairphone|\bhtc|\blge?\b",
    re.IGNORECASE,
)
# How far a clock may be off, in hours: by hours, or by one or two years and hours. Years may have
# 366 days. With the most photos of phones that are compared.
_YEAR_H = 8766
_HOURS = (0, 26, 400)
_YEARS = tuple((sign * n * _YEAR_H, 50, 128) for n in (1, 2) for sign in (1, -1))
# Of the shipped network: of 10,000 pairs of photos of different scenes, 1 is more alike.
MIN_LIKENESS = 0.8
_PEAK_S, _SAME_CLOCK_S = 1200, 45 * 60
_MIN_PAIRS, _MIN_OCCASIONS, _MIN_AGREEING = 6, 2, 0.7
# One occasion is enough where so many photos over so long a time agree.
_MANY_PAIRS, _LONG_S, _MOST_AGREEING = 10, 3600, 0.9
_ALIKE_SHARE = 1 / 3
# Where it is open which of two clocks is wrong.
_UNDECIDED = 0.5
_ROUND_S, _ROUNDED_WITHIN_S = 900, 400
_MAX_GAP_DAYS = 5

Embed = Callable[[Indices], FloatArray]
"""Returns the embeddings of photos, float32 (N, size), zeros for those without one."""
Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WrongClock:
    """A camera whose clock is off on some occasions.

    photos: the indices of its photos on them. shift_s: seconds to add to their times. pairs: the
    number of photos that one of the same scene was found for. confidence: in [0, 1]. compared: the
    camera that it was compared with, whose clock may be the wrong one; None for phones.
    """

    camera: str
    photos: Indices
    shift_s: int
    pairs: int
    confidence: float
    compared: str | None = None


@dataclass(frozen=True)
class _Pairs:
    """Photos of a camera that another's looks like: occasion, time, and the difference."""

    occasions: npt.NDArray[np.int64]
    times: Seconds
    shifts: Seconds

    def where(self, flags: Flags) -> "_Pairs":
        """Return some of the pairs."""
        return _Pairs(self.occasions[flags], self.times[flags], self.shifts[flags])


@dataclass(frozen=True)
class _Comparison:
    """What the comparison of one camera says: its wrong clocks, and whether it was ever right."""

    clocks: list[WrongClock]
    agrees: bool


def find_wrong_clocks(
    rows: DateRows, times: Times, is_usable: Flags, has_moment_name: Flags, embed: Embed
) -> list[WrongClock]:
    """Return the cameras with a wrong clock.

    is_usable: photos with a time that a running clock may have written. has_moment_name: their
    name has a time, as phones write it.
    """
    cameras = _photos_by_camera(rows, is_usable)
    phones = sorted(_phones(cameras, rows.has_place | has_moment_name))
    others = [c for c in cameras if c not in phones and len(cameras[c]) >= _MIN_PHOTOS]
    others.sort(key=lambda camera: -len(cameras[camera]))
    compared = others.pop(0) if others and not phones else None
    if not others:
        return []
    seconds = times.astype(np.int64)
    references = np.concatenate([cameras[c] for c in ([compared] if compared else phones)])
    references = references[np.argsort(seconds[references], kind="stable")]
    others, comparisons = others[:_MAX_CAMERAS], []
    occasions = _MAX_OCCASIONS // len(others)
    with threadpool_limits(1, "blas"):  # for products this small, more threads only wait
        for camera in others:
            own = cameras[camera][np.argsort(seconds[cameras[camera]], kind="stable")]
            comparisons.append(_compare(camera, own, references, seconds, embed, occasions))
    clocks = [clock for comparison in comparisons for clock in comparison.clocks]
    if compared is None or any(comparison.agrees for comparison in comparisons):
        return clocks
    return [replace(clock, confidence=_UNDECIDED, compared=compared) for clock in clocks]


def _photos_by_camera(rows: DateRows, is_usable: Flags) -> dict[str, Indices]:
    """Return the photos with a time, by their camera; without those that a person dated."""
    by_camera: dict[str, list[int]] = defaultdict(list)
    has_time = np.array([len(text) > len("2024-07-15") for text in rows.taken_at], np.bool_)
    for index in np.flatnonzero(is_usable & has_time & ~rows.is_decided).tolist():
        by_camera[rows.cameras[index]].append(index)
    by_camera.pop("", None)
    return {camera: np.array(indices) for camera, indices in by_camera.items()}


def _phones(cameras: Mapping[str, Indices], by_phone: Flags) -> set[str]:
    """Return the cameras that are phones, by their name or by what most of their photos have."""
    return {
        camera
        for camera, indices in cameras.items()
        if _PHONE.search(camera) or by_phone[indices].mean() >= _PHONE_SHARE
    }


def _compare(
    camera: str,
    own: Indices,
    references: Indices,
    seconds: Seconds,
    embed: Embed,
    most_occasions: int,
) -> _Comparison:
    pauses = np.diff(seconds[own]) > _PAUSE / np.timedelta64(1, "s")
    occasion_of = np.concatenate([[0], np.cumsum(pauses)])
    compared = np.isin(occasion_of, _spread(np.unique(occasion_of), most_occasions))
    pairs = _pairs(own[compared], occasion_of[compared], references, seconds, embed)
    clocks = []
    agreed: dict[int, int] = {}
    for shift_s, named in _agreeing_shifts(pairs):
        agreed |= dict.fromkeys(named, shift_s)
    for shift_s in sorted({shift for shift in agreed.values() if shift}):
        occasions = _with_between(agreed, shift_s, seconds[own], occasion_of)
        count = int(
            (np.isin(pairs.occasions, list(occasions)) & _is_near(pairs.shifts, shift_s)).sum()
        )
        photos = own[np.isin(occasion_of, list(occasions))]
        confidence = 0.95 if count >= 2 * _MIN_PAIRS else 0.9
        clocks.append(WrongClock(camera, photos, shift_s, count, confidence))
    return _Comparison(clocks, agrees=0 in agreed.values())


def _pairs(
    own: Indices,
    occasion_of: npt.NDArray[np.int64],
    references: Indices,
    seconds: Seconds,
    embed: Embed,
) -> _Pairs:
    rows: list[tuple[int, int, int]] = []
    for occasion in np.unique(occasion_of).tolist():
        probes = _spread(own[occasion_of == occasion], _MAX_PROBES)
        probe_embeddings = embed(probes)
        # Clocks that are years off are rare: only where hardly anything else is alike.
        for windows in ((_HOURS,), _YEARS):
            nearby = _nearby(seconds[probes], references, seconds, windows)
            alike = _alike(probe_embeddings, probes, nearby, seconds, embed)
            rows += [(occasion, time, shift) for time, shift in alike]
            if len(alike) >= _ALIKE_SHARE * len(probes):
                break
    table = np.array(rows, np.int64).reshape(-1, 3)
    return _Pairs(table[:, 0], table[:, 1], table[:, 2])


def _nearby(
    probe_s: Seconds,
    references: Indices,
    seconds: Seconds,
    windows: Iterable[tuple[int, int, int]],
) -> Indices:
    """Return photos of phones from windows of time around an occasion."""
    reference_s = seconds[references]
    parts = []
    for middle, reach, most in windows:
        start, end = np.searchsorted(
            reference_s,
            [probe_s[0] + 3600 * (middle - reach), probe_s[-1] + 3600 * (middle + reach)],
        )
        parts.append(_spread(references[start:end], most))
    return np.concatenate(parts)


def _alike(
    probe_embeddings: FloatArray,
    probes: Indices,
    nearby: Indices,
    seconds: Seconds,
    embed: Embed,
) -> list[tuple[int, int]]:
    """Return the times of the photos with a similar one, and how much later that one is."""
    if not len(nearby):
        return []
    similarity = probe_embeddings @ embed(nearby).T
    best = similarity.argmax(axis=1)
    is_alike = similarity[np.arange(len(probes)), best] >= MIN_LIKENESS
    times = seconds[probes][is_alike]
    shifts = seconds[nearby[best]][is_alike] - times
    return list(zip(times.tolist(), shifts.tolist(), strict=True))


def _agreeing_shifts(pairs: _Pairs) -> list[tuple[int, list[int]]]:
    """Return the differences that enough pairs agree on, each with their occasions.

    A difference of 0: the clock was right on these occasions.
    """
    left = pairs
    agreed = []
    while len(left.shifts) >= _MIN_PAIRS:
        is_near = np.abs(left.shifts[:, None] - left.shifts[None, :]) <= _PEAK_S
        peak = is_near[int(is_near.sum(axis=1).argmax())]
        # An occasion belongs to the difference that most of its pairs have.
        named = [
            occasion
            for occasion in np.unique(left.occasions[peak]).tolist()
            if peak[left.occasions == occasion].mean() >= _MIN_AGREEING
        ]
        agreeing = left.where(peak & np.isin(left.occasions, named))
        if not _is_enough(agreeing, len(named), left):
            break
        agreed.append((_rounded(agreeing.shifts), named))
        left = left.where(~np.isin(left.occasions, named))
    return agreed


def _is_enough(agreeing: _Pairs, occasion_count: int, pairs: _Pairs) -> bool:
    count = len(agreeing.shifts)
    if count >= _MIN_PAIRS and occasion_count >= _MIN_OCCASIONS:
        return True
    if count < _MANY_PAIRS or np.ptp(agreeing.times) < _LONG_S:
        return False
    of_occasion = np.isin(pairs.occasions, agreeing.occasions).sum()
    return bool(count >= _MOST_AGREEING * of_occasion)


def _rounded(shifts: Seconds) -> int:
    """Return the difference of two clocks; clocks are set wrong by quarters of an hour."""
    middle = int(np.median(shifts))
    if abs(middle) < _SAME_CLOCK_S:
        return 0
    rounded = round(middle / _ROUND_S) * _ROUND_S
    hours = round(middle / 3600) * 3600
    if abs(middle - hours) <= _ROUNDED_WITHIN_S * 2:
        return hours
    return rounded if abs(middle - rounded) <= _ROUNDED_WITHIN_S else 0


def _with_between(
    agreed: dict[int, int], shift_s: int, own_s: Seconds, occasion_of: npt.NDArray[np.int64]
) -> set[int]:
    """Return the occasions of a shift, with those between two of them that say nothing else."""
    named = sorted(occasion for occasion, shift in agreed.items() if shift == shift_s)
    occasions = set(named)
    for first, last in zip(named, named[1:], strict=False):
        between = range(first + 1, last)
        start, end = own_s[occasion_of == first][-1], own_s[occasion_of == last][0]
        is_close = end - start <= _MAX_GAP_DAYS * 86_400
        if is_close and not any(occasion in agreed for occasion in between):
            occasions.update(between)
    return occasions


def _is_near(shifts: Seconds, shift_s: int) -> Flags:
    return np.abs(shifts - shift_s) <= _PEAK_S


def _spread(items: Indices, most: int) -> Indices:
    """Return at most so many items, evenly spread."""
    if len(items) <= most:
        return items
    return items[np.linspace(0, len(items) - 1, most).round().astype(np.intp)]
