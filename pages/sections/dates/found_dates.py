"""The doubtful dates of the library, kept for the session until the library changes."""

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from scene_model.library.dates.clocks import WrongClock
from scene_model.library.dates.date_edits import NO_CLOCK
from scene_model.library.dates.doubtful import Doubt, DoubtfulDate, find_doubtful_dates

_KEY = "found_dates"
_ORDER = (Doubt.CLOCK, Doubt.DEFAULT, Doubt.FUTURE, Doubt.NAME, Doubt.MISSING)


@dataclass(frozen=True)
class DoubtGroup:
    """Photos whose date is doubtful for one reason.

    clock: of the reason CLOCK, the camera whose clock is off; each has a group of its own.
    """

    key: str
    doubt: Doubt
    photos: tuple[DoubtfulDate, ...]
    clock: WrongClock | None = None


@dataclass(frozen=True)
class FoundDates:
    """The groups of doubtful dates, and the number of dated photos of each camera."""

    groups: tuple[DoubtGroup, ...]
    cameras: dict[str, int]


def found_dates() -> FoundDates:
    """Return the doubtful dates of the library."""
    stamp = cache_key()
    previous_stamp, cached = st.session_state.get(_KEY, (None, None))
    if previous_stamp == stamp and isinstance(cached, FoundDates):
        return cached
    with st.spinner("Looking for missing and doubtful dates …"):
        dates = _find()
    st.session_state[_KEY] = (stamp, dates)
    return dates


def _find() -> FoundDates:
    gallery = get_gallery()
    report = find_doubtful_dates(gallery.library, gallery.today())
    rows = report.rows
    groups = []
    for number, clock in enumerate(report.clocks):
        ids = {rows.ids[index] for index in clock.photos.tolist()}
        photos = tuple(item for item in report.doubtful if item.photo_id in ids)
        groups.append(DoubtGroup(f"clock_{number}", Doubt.CLOCK, photos, clock))
    for doubt in _ORDER[1:]:
        photos = tuple(item for item in report.doubtful if item.doubt is doubt)
        if photos:
            # What the button sets comes first.
            photos = tuple(sorted(photos, key=lambda item: item.proposal is None))
            groups.append(DoubtGroup(str(doubt), doubt, photos))
    cameras = Counter(
        camera
        for camera, taken_at, source in zip(rows.cameras, rows.taken_at, rows.sources, strict=True)
        if camera and len(taken_at) > len("2024-07-15") and source not in NO_CLOCK
    )
    return FoundDates(tuple(groups), dict(cameras.most_common()))
