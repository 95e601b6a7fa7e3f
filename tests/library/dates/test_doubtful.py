"""Missing and doubtful dates: each is found with its reason, and a date is proposed where known."""

import datetime
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.dates import MadePhoto, compare, make_photos, put
from scene_model.library.dates.date_edits import set_date
from scene_model.library.dates.doubtful import APPLIED, Doubt, DoubtfulDate, find_doubtful_dates
from scene_model.library.store import Library

TODAY = datetime.date(2026, 11, 28)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def photo(
    name: str,
    taken_at: str | None = None,
    camera: str | None = "Canon EOS 40D",
    folder: str = "/photos/a",
    source: str = "DateTimeOriginal",
) -> MadePhoto:
    return MadePhoto(name, folder, datetime.datetime(2024, 1, 1), camera, 0, taken_at, source)


def doubtful_in(library: Library, made: list[MadePhoto]) -> dict[str, DoubtfulDate]:
    put(library, made, seed=1)
    return {item.name: item for item in find_doubtful_dates(library, TODAY).doubtful}


def series(
    *times: str | None, first: int = 411, camera: str | None = "Canon EOS 40D"
) -> list[MadePhoto]:
    """Photos of one counter; those without a time have no camera either."""
    return [
        photo(f"IMG_{first + number:04d}.JPG", time, camera if time else None)
        for number, time in enumerate(times)
    ]


def proposed(item: DoubtfulDate) -> tuple[str, str] | None:
    return None if item.proposal is None else (item.proposal.taken_at, item.proposal.source)


def test_the_photo_between_two_of_one_day(library: Library) -> None:
    doubtful = doubtful_in(library, series("2024-07-15T10:00:00", None, "2024-07-15T10:10:00"))
    assert list(doubtful) == ["IMG_0412.JPG"]
    item = doubtful["IMG_0412.JPG"]
    assert item.doubt is Doubt.MISSING
    assert proposed(item) == ("2024-07-15T10:05:00", "neighbours")
    assert item.proposal is not None and item.proposal.confidence >= APPLIED


@pytest.mark.parametrize(("size", "is_sure"), [((1600, 1200), False), ((3000, 4000), True)])
def test_a_photo_of_another_size_is_less_sure(
    library: Library, size: tuple[int, int], is_sure: bool
) -> None:
    times = [f"2024-07-15T10:{minute}0:00" for minute in range(5)]
    made = series(times[0], times[1], None, times[3], times[4])
    made[2] = replace(made[2], size=size)
    item = doubtful_in(library, made)["IMG_0413.JPG"]
    assert proposed(item) == ("2024-07-15T10:20:00", "neighbours")
    assert item.proposal is not None
    assert (item.proposal.confidence >= APPLIED) is is_sure


def test_only_the_day_where_the_neighbours_are_hours_apart(library: Library) -> None:
    doubtful = doubtful_in(library, series("2024-07-15T10:00:00", None, "2024-07-15T18:00:00"))
    assert proposed(doubtful["IMG_0412.JPG"]) == ("2024-07-15", "neighbours")


@pytest.mark.parametrize(
    "made",
    [
        series("2024-07-15T10:00:00", None, "2024-07-17T10:10:00"),
        series("2024-07-15T10:00:00", None),
        series(None, "2024-07-15T10:00:00", first=412),
        # The counter goes on, the clock does not.
        series("2024-07-15T10:00:00", None, "2024-07-15T09:00:00"),
        # Two cameras write the same names.
        [
            *series("2024-07-15T10:00:00"),
            *series(None, "2024-07-15T10:10:00", first=412, camera="NIKON D70"),
        ],
        # Too many photos are missing between them.
        [*series("2024-07-15T10:00:00", None), *series("2024-07-15T11:00:00", first=500)],
        # Neighbours in another folder.
        [
            photo("IMG_0411.JPG", "2024-07-15T10:00:00", folder="/b"),
            photo("IMG_0412.JPG", folder="/a"),
            photo("IMG_0413.JPG", "2024-07-15T10:00:00", folder="/b"),
        ],
        # Neighbours whose own date is the start of the clock.
        series("2000-01-01T00:01:00", None, "2000-01-01T00:03:00"),
    ],
)
def test_left_open(library: Library, made: list[MadePhoto]) -> None:
    assert proposed(doubtful_in(library, made)["IMG_0412.JPG"]) is None


def test_another_file_of_the_same_photo(library: Library) -> None:
    made = [
        photo("IMG_0412.JPG", "2024-07-15T10:00:00"),
        photo("IMG_0412-edited.png", camera=None),
        photo("IMG_0412 (1).JPG", camera=None),
    ]
    doubtful = doubtful_in(library, made)
    assert {proposed(item) for item in doubtful.values()} == {("2024-07-15T10:00:00", "neighbours")}
    assert len(doubtful) == 2


def test_a_folder_of_one_day_dates_photos_without_a_counter(library: Library) -> None:
    made = series(*(f"2024-07-15T10:0{minute}:00" for minute in range(5)))
    doubtful = doubtful_in(library, [*made, photo("cake.jpg", camera=None)])
    assert proposed(doubtful["cake.jpg"]) == ("2024-07-15", "neighbours")


def test_the_folder_and_the_file_time_are_weak_hints(library: Library) -> None:
    doubtful = doubtful_in(
        library, [photo("cake.jpg", camera=None, folder="/photos/2024-07-15 party")]
    )
    item = doubtful["cake.jpg"]
    assert proposed(item) == ("2024-07-15", "folder")
    assert item.proposal is not None and item.proposal.confidence < APPLIED


@pytest.mark.parametrize(
    ("taken_at", "doubt"),
    [
        ("2000-01-01T00:00:07", Doubt.DEFAULT),
        ("1970-01-01T01:00:00", Doubt.DEFAULT),
        ("1980-01-01T00:03:00", Doubt.DEFAULT),
        ("1980-01-05T00:03:00", Doubt.DEFAULT),
        ("2031-05-05T10:00:00", Doubt.FUTURE),
        # After it was added to the library.
        ("2026-11-20T10:00:00", Doubt.FUTURE),
        ("2023-07-15T12:34:56", Doubt.NAME),
        ("2024-09-01T12:00:00", Doubt.NAME),
    ],
)
def test_the_date_in_the_name_is_proposed(library: Library, taken_at: str, doubt: Doubt) -> None:
    item = doubtful_in(library, [photo("IMG_20240715_123456.jpg", taken_at)])[
        "IMG_20240715_123456.jpg"
    ]
    assert item.doubt is doubt
    assert proposed(item) == ("2024-07-15T12:34:56", "file name")


def test_an_earlier_date_in_exif_is_left_open(library: Library) -> None:
    """A photo of 2019 that an app saved again in 2024, under the name of that day."""
    made = [photo("IMG_20240715_123456.jpg", "2019-03-02T10:00:00")]
    item = doubtful_in(library, made)["IMG_20240715_123456.jpg"]
    assert (item.doubt, item.proposal) == (Doubt.NAME, None)


def test_the_decision_of_a_person_is_never_doubtful(library: Library) -> None:
    made = [photo("IMG_20240715_123456.jpg", "2000-01-01T00:00:07"), photo("b.jpg")]
    assert len(doubtful_in(library, made)) == 2
    set_date(library, [made[0].id], "2000-01-01")
    set_date(library, [made[1].id], "")
    assert find_doubtful_dates(library, TODAY).doubtful == []


def test_an_empty_library(library: Library) -> None:
    report = find_doubtful_dates(library, TODAY)
    assert (report.doubtful, list(report.clocks), len(report.rows)) == ([], [], 0)


@pytest.mark.parametrize("seed", [7, 8])
def test_share_put_right_of_500(library: Library, seed: int) -> None:
    """At most 0.5 % are wrongly put right, and clocks 1 h, 7 h and a year off are found."""
    made = make_photos(seed)
    put(library, made, seed)
    result = compare(library, made)
    assert sum((result.right + result.wrong + result.open).values()) == 500
    assert result.share(result.right) >= 0.8
    assert result.share(result.wrong) <= 0.005, result.wrong_names
    for kind in ("clock 1 h off", "clock 7 h off", "clock a year off"):
        assert result.right[kind] >= 40
        assert not result.wrong[kind]
