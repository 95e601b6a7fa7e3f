"""Cameras whose clock is off: found by photos of the same scenes, and left open where unclear."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.dates import MadePhoto, put
from scene_model.library.dates.clocks import WrongClock
from scene_model.library.dates.doubtful import APPLIED, Doubt, find_doubtful_dates
from scene_model.library.store import Library

TODAY = datetime.date(2026, 11, 28)
PHONE, CANON, NIKON, FUJI = "Apple iPhone 13", "Canon EOS 40D", "NIKON D70", "FUJIFILM X100"
HOUR = datetime.timedelta(hours=1)
FIRST = datetime.datetime(2024, 7, 15, 10)  # noqa: DTZ001 - local time
DAYS = (0, 1, 2)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def trip(
    camera: str,
    off: datetime.timedelta = datetime.timedelta(0),
    days: Sequence[int] = DAYS,
    minutes: int = 0,
    scenes: int = 6,
) -> list[MadePhoto]:
    """Photos of the same scenes on each day. off: how much later the camera's clock says it is."""
    photos = []
    for day in days:
        for step in range(scenes):
            truth = FIRST + datetime.timedelta(days=day, minutes=20 * step + minutes)
            name = f"{camera[:3]}_{1000 * day + step:04d}.JPG"
            written = (truth + off).isoformat()
            photos.append(MadePhoto(name, f"/{camera}", truth, camera, 50 * day + step, written))
    return photos


def clocks_in(library: Library, *photos: list[MadePhoto]) -> list[WrongClock]:
    put(library, [photo for part in photos for photo in part], seed=3)
    return list(find_doubtful_dates(library, TODAY).clocks)


@pytest.mark.parametrize(
    "off",
    [HOUR, -HOUR, 7 * HOUR, -9 * HOUR, datetime.timedelta(days=-365), datetime.timedelta(days=366)],
)
def test_a_clock_is_off(library: Library, off: datetime.timedelta) -> None:
    made = trip(CANON, off, minutes=4)
    (clock,) = clocks_in(library, trip(PHONE), made)
    assert (clock.camera, clock.shift_s) == (CANON, -int(off.total_seconds()))
    assert (clock.compared, clock.confidence >= APPLIED) == (None, True)
    proposals = {i.name: i.proposal for i in find_doubtful_dates(library, TODAY).doubtful}
    assert len(proposals) == len(made)
    for photo in made:
        proposal = proposals[photo.name]
        assert proposal is not None
        assert (proposal.taken_at, proposal.source) == (photo.truth.isoformat(), "camera clock")


def test_a_clock_that_is_a_year_ahead_of_today(library: Library) -> None:
    recent = datetime.datetime(2026, 10, 10) - FIRST  # noqa: DTZ001
    phone, canon = (
        [replace(photo, truth=photo.truth + recent) for photo in trip(camera)]
        for camera in (PHONE, CANON)
    )
    phone = [replace(photo, taken_at=photo.truth.isoformat()) for photo in phone]
    year = datetime.timedelta(days=365)
    canon = [replace(photo, taken_at=(photo.truth + year).isoformat()) for photo in canon]
    (clock,) = clocks_in(library, phone, canon)
    assert clock.shift_s == -year.total_seconds()
    doubts = {item.doubt for item in find_doubtful_dates(library, TODAY).doubtful}
    assert doubts == {Doubt.CLOCK}


def test_a_right_clock_is_left_alone(library: Library) -> None:
    assert clocks_in(library, trip(PHONE), trip(CANON, minutes=7)) == []


def test_differences_that_vary_say_nothing(library: Library) -> None:
    made = [
        photo
        for day, off in enumerate((3, 7, 11))
        for photo in trip(CANON, off * HOUR, days=[day], scenes=6)
    ]
    assert clocks_in(library, trip(PHONE), made) == []


def test_one_short_occasion_says_nothing(library: Library) -> None:
    assert clocks_in(library, trip(PHONE, days=[0]), trip(CANON, 7 * HOUR, days=[0])) == []


def test_one_long_occasion_is_enough(library: Library) -> None:
    phone, camera = (trip(c, o, [0], scenes=12) for c, o in ((PHONE, 0 * HOUR), (CANON, 7 * HOUR)))
    (clock,) = clocks_in(library, phone, camera)
    assert clock.shift_s == -7 * 3600


def test_only_the_occasions_between_those_that_agree_are_shifted(library: Library) -> None:
    before, after = trip(CANON, days=[-200]), trip(CANON, days=[200])
    abroad = trip(CANON, 7 * HOUR, days=[0, 2, 4])
    without_phone = [
        MadePhoto(f"lone {number}.jpg", "/c", FIRST, CANON, 900 + number, written)
        for number, written in enumerate(["2024-07-18T20:00:00", "2024-11-01T20:00:00"])
    ]
    phone = trip(PHONE, days=[-200, 0, 2, 4, 200])
    (clock,) = clocks_in(library, phone, before, after, abroad, without_phone)
    rows = find_doubtful_dates(library, TODAY).rows
    shifted = {rows.names[index] for index in clock.photos.tolist()}
    assert shifted == {photo.name for photo in abroad} | {"lone 0.jpg"}


def test_of_two_cameras_either_may_be_wrong(library: Library) -> None:
    (clock,) = clocks_in(library, trip(CANON), trip(NIKON, 7 * HOUR, scenes=5))
    assert (clock.camera, clock.compared, clock.shift_s) == (NIKON, CANON, -7 * 3600)
    assert clock.confidence < APPLIED


def test_a_third_camera_decides(library: Library) -> None:
    clocks = clocks_in(library, trip(CANON), trip(FUJI, scenes=5), trip(NIKON, HOUR, scenes=4))
    (clock,) = clocks
    assert (clock.camera, clock.compared, clock.confidence >= APPLIED) == (NIKON, None, True)


def test_photos_without_embeddings_say_nothing(library: Library) -> None:
    put(library, [*trip(PHONE), *trip(CANON, 7 * HOUR)], seed=3)
    library.embeddings.path("made-256").unlink()
    assert list(find_doubtful_dates(library, TODAY).clocks) == []


def test_embeddings_of_different_networks_are_not_compared(library: Library) -> None:
    put(library, trip(PHONE), seed=3)
    put(library, trip(CANON, 7 * HOUR), seed=3, size=128)
    assert list(find_doubtful_dates(library, TODAY).clocks) == []
