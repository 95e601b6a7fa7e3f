"""Dates of photos from those that a camera took just before and after, by its counter."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scene_model.library.dates.date_rows import DateRows, Flags, Indices, Times
from scene_model.photos.dates import NEIGHBOURS, PhotoDate

# More photos between two make it less sure that none was copied from elsewhere.
_MAX_STEPS = 40
_NEAR_STEPS = 10
# A time is estimated between photos that are this close; otherwise only the day is proposed.
_ESTIMATED = np.timedelta64(1, "h")
_MAX_APART = np.timedelta64(2, "h")
_CHECKED_STEPS = 4
_MIN_OF_ONE_DAY = 4
_OTHER_SIZE = 0.7
_COPY = re.compile(r"(?:[ _-]*(?:\(\d+\)|copy|kopie|edited|bearbeitet|bearb))+$", re.IGNORECASE)
_COUNTER = re.compile(r"(.*?)(\d{3,6})\D{0,8}$")


@dataclass
class _Series:
    """The photos of one counter with a trusted date: counters, in order, and their indices."""

    counters: list[int] = field(default_factory=list)
    photos: list[int] = field(default_factory=list)

    def sort(self) -> None:
        """Put them in the order of the counters."""
        order = sorted(range(len(self.photos)), key=self.counters.__getitem__)
        self.counters = [self.counters[i] for i in order]
        self.photos = [self.photos[i] for i in order]


def dates_by_neighbours(
    rows: DateRows, times: Times, is_trusted: Flags, missing: Indices
) -> dict[int, PhotoDate]:
    """Return dates for photos, by their index.

    times: the best known ones. is_trusted: whose time may date others. missing: the photos to date.
    A date needs trusted photos of one camera on both sides of the counter, in the order of time.
    """
    missing_indices = missing.tolist()
    counters = {index: counter_of(rows.names[index]) for index in missing_indices}
    folders = {rows.folders[index] for index in missing_indices}
    by_folder: dict[str, list[int]] = {folder: [] for folder in folders}
    series: dict[tuple[str, str], _Series] = {
        (rows.folders[index], counter[0]): _Series()
        for index, counter in counters.items()
        if counter is not None
    }
    for index, trusted in enumerate(is_trusted.tolist()):
        folder = rows.folders[index]
        if not trusted or folder not in folders:
            continue
        by_folder[folder].append(index)
        counter = counter_of(rows.names[index])
        if counter is not None and (members := series.get((folder, counter[0]))) is not None:
            members.counters.append(counter[1])
            members.photos.append(index)
    for members in series.values():
        members.sort()
    one_day = {folder: _only_day(times, indices) for folder, indices in by_folder.items()}
    dates: dict[int, PhotoDate] = {}
    for index, counter in counters.items():
        folder = rows.folders[index]
        if counter is not None:
            members = series[folder, counter[0]]
            date = _in_series(rows, times, members, counter[1], index)
        else:
            day = one_day[folder]
            date = None if day is None else _by_neighbours(day, 0.8)
        if date is not None:
            dates[index] = date
    return dates


def counter_of(name: str) -> tuple[str, int] | None:
    """Return the counter in a name with what is before it: ``("img_", 412)``; else None."""
    stem = name.rpartition(".")[0] or name
    if not stem[-1].isdecimal():  # most names end in their counter
        stem = _COPY.sub("", stem)
    match = _COUNTER.fullmatch(stem)
    return None if match is None else (match[1].lower(), int(match[2]))


def _in_series(
    rows: DateRows, times: Times, series: _Series, number: int, index: int
) -> PhotoDate | None:
    camera = rows.cameras[index]
    position = bisect_left(series.counters, number)
    after = position
    while after < len(series.counters) and series.counters[after] == number:
        after += 1
    if after > position:  # another file of the same photo
        return _same_photo(rows, times, series.photos[position:after], camera)
    if position == 0 or position == len(series.counters):
        return None
    first, last = series.photos[position - 1], series.photos[position]
    steps = series.counters[position] - series.counters[position - 1]
    cameras = {rows.cameras[first], rows.cameras[last], camera or rows.cameras[first]}
    if steps > _MAX_STEPS or len(cameras) > 1:
        return None
    around = series.photos[max(0, position - _CHECKED_STEPS) : position + _CHECKED_STEPS]
    if not _is_in_order(times, around):
        return None
    share = (number - series.counters[position - 1]) / steps
    taken_at = _between(rows, times, first, last, share)
    if taken_at is None:
        return None
    # Where all others have one size, a photo of another is probably not of this camera.
    sizes = {rows.sizes[other] for other in around}
    if len(around) >= _CHECKED_STEPS and len(sizes) == 1 and rows.sizes[index] not in sizes:
        return _by_neighbours(taken_at, _OTHER_SIZE)
    return _by_neighbours(taken_at, 0.95 if steps <= _NEAR_STEPS else 0.9)


def _same_photo(
    rows: DateRows, times: Times, indices: Sequence[int], camera: str
) -> PhotoDate | None:
    cameras = {rows.cameras[index] for index in indices} | ({camera} if camera else set())
    if len(cameras) > 1 or len({str(times[index]) for index in indices}) > 1:
        return None
    return _by_neighbours(_text(rows, times, indices[0]), 0.9)


def _between(rows: DateRows, times: Times, first: int, last: int, share: float) -> str | None:
    apart = times[last] - times[first]
    is_one_day = str(times[first])[:10] == str(times[last])[:10]
    if not is_one_day and apart > _MAX_APART:
        return None
    is_day = len(rows.taken_at[first]) == 10 or len(rows.taken_at[last]) == 10
    if is_one_day and (is_day or apart > _ESTIMATED):
        return str(times[first])[:10]
    seconds = int(apart / np.timedelta64(1, "s") * share)
    return str(times[first] + np.timedelta64(seconds, "s"))


def _is_in_order(times: Times, indices: Sequence[int]) -> bool:
    return bool((np.diff(times[list(indices)]) >= np.timedelta64(0, "s")).all())


def _by_neighbours(taken_at: str, confidence: float) -> PhotoDate:
    return PhotoDate(taken_at, NEIGHBOURS, confidence)


def _only_day(times: Times, indices: Sequence[int]) -> str | None:
    """Return the one day on which all dated photos of a folder were taken."""
    days = times[indices].astype("datetime64[D]")
    is_one = len(indices) >= _MIN_OF_ONE_DAY and bool((days == days[0]).all())
    return str(days[0]) if is_one else None


def _text(rows: DateRows, times: Times, index: int) -> str:
    text = str(times[index])
    return text[:10] if len(rows.taken_at[index]) == 10 else text
