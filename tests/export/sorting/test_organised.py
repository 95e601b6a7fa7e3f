"""Layouts with alternatives, folders of trips, and clutter apart except for shots of a burst."""

import datetime
from dataclasses import replace

import pytest

from scene_model.export.sorting.clutter_folders import with_bursts
from scene_model.export.sorting.layout import (
    ORGANISED_LAYOUT,
    TRIP_DAYS_LAYOUT,
    Destination,
    Layout,
)
from scene_model.export.sorting.plan import ScannedPhoto
from scene_model.export.sorting.scan import Group, SourceFile
from scene_model.export.sorting.trip_folders import TripFolder, propose_folders
from scene_model.photos.places.gazetteer import Gazetteer
from scene_model.trips.moment_rows import Moments
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.titles import dated_titles

AT = "2024-07-05T10:11:12"
PLAIN = Destination("no trip", "none", "", AT, "NIKON D70")
ON_TRIP = replace(PLAIN, trip="Lisbon, July 2024", dated_trip="2024-07 Lisbon", day="01 Lisbon")
JULY = (datetime.date(2024, 7, 12), datetime.date(2024, 7, 16))


def scanned(destination: Destination) -> ScannedPhoto:
    return ScannedPhoto(Group(SourceFile("/a/b.jpg", 1, 1, 1), ()), ("0" * 64,), destination)


@pytest.mark.parametrize(
    ("destination", "folder"),
    [
        (ON_TRIP, "2024-07 Lisbon/01 Lisbon"),
        (replace(ON_TRIP, clutter="screenshot"), "Clutter/screenshot"),
        (replace(ON_TRIP, day=None), "2024-07 Lisbon/2024-07-05"),
        (PLAIN, "2024/07"),
        (replace(PLAIN, clutter="black"), "Clutter/black"),
        (replace(PLAIN, taken_at=None), "undated"),
        (replace(PLAIN, taken_at="nonsense"), "undated"),
    ],
)
def test_photos_are_organised_by_the_first_layout_that_fits(
    destination: Destination, folder: str
) -> None:
    assert Layout(ORGANISED_LAYOUT).target(destination, "a.jpg") == (folder, "a.jpg")


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("{camera}/{name} | {class}/{name}", "NIKON D70"),
        ("{city}/{name} | {class}/{name}", "no trip"),
        ("{album}/{name}|{group}/{name}|x/{name}", "x"),
        ("{class}/{name} | y/{name}", "y"),
        ("{country}/{name} | {trip}/{name}", "no trip"),
        (TRIP_DAYS_LAYOUT, "no trip/2024-07-05"),
        ("{clutter}/{name}", "no clutter"),
    ],
)
def test_a_field_without_a_value_leads_to_the_next_layout(template: str, folder: str) -> None:
    assert Layout(template).target(PLAIN, "a.jpg")[0] == folder


def test_a_layout_tells_what_it_needs_of_all_its_alternatives() -> None:
    layout = Layout(ORGANISED_LAYOUT)
    assert (layout.uses_trip, layout.uses_clutter, layout.uses_album) == (True, True, False)
    assert not Layout("{trip}/{name}").uses_clutter


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Lisbon and Sintra, July 2024", "2024-07 Lisbon and Sintra"),
        ("July 2024 in Portugal", "2024-07 Portugal"),
        ("July to October 2024 in Portugal and Spain", "2024-07 Portugal and Spain"),
        ("Sunday in Sintra, 14 July 2024", "2024-07 Sunday in Sintra"),
        ("Lisbon, 12 to 16 July 2024", "2024-07 Lisbon"),
        ("Lisbon, 30 December 2023 to 2 January 2024", "2024-07 Lisbon"),
        ("Lisbon, July 2024 (2)", "2024-07 Lisbon (2)"),
        ("12 to 16 July 2024", "2024-07 12 to 16 July"),
        ("Sunday, 14 July 2024", "2024-07 Sunday, 14 July"),
        ("Our summer", "2024-07 Our summer"),
        ("Photos of July 2024", "2024-07 Photos of July 2024"),
    ],
)
def test_a_dated_title_has_the_date_once(title: str, name: str) -> None:
    assert dated_titles([(title, *JULY)]) == [name]


def test_dated_titles_differ() -> None:
    later = (datetime.date(2024, 7, 20), datetime.date(2024, 7, 22))
    trips = [("Lisbon, 20 to 22 July 2024", *later), ("Lisbon, July 2024", *JULY)]
    assert dated_titles(trips) == ["2024-07-20 Lisbon", "2024-07 Lisbon"]
    assert dated_titles([*trips, ("lisbon, July 2024", *later)])[2] == "2024-07-20 lisbon (2)"


def test_folders_of_trips_outside_the_library() -> None:
    days = [datetime.datetime(2024, 7, day, hour) for day in (12, 13) for hour in range(9, 16)]
    home = [datetime.datetime(2024, 6, day, 18) for day in (1, 8, 15, 22)]
    photos = [
        replace(PLAIN, taken_at=moment.isoformat(), position=(38.71, -9.14)) for moment in days
    ]
    photos += [replace(PLAIN, taken_at=moment.isoformat()) for moment in home]
    folders = propose_folders(photos, Gazetteer.open())
    assert sorted(folders) == list(range(len(days)))
    assert folders[0] == TripFolder("Lisbon, July 2024", "2024-07 Lisbon", "01 Lisbon")
    assert folders[len(days) - 1].day == "02 Lisbon"


def test_photos_of_the_library_tell_where_home_is() -> None:
    """Two busy days at home are no trip, and those of a trip that the library has are its."""
    days = [datetime.datetime(2024, 7, day, hour) for day in (13, 14) for hour in range(9, 16)]
    lisbon, zurich = (38.71, -9.14), (47.37, 8.54)
    at_home = [replace(PLAIN, taken_at=day.isoformat(), position=zurich) for day in days]
    away = [replace(PLAIN, taken_at=day.isoformat(), position=lisbon) for day in days]
    first = datetime.datetime(2024, 3, 1, 18)
    moments = [
        PhotoMoment(number, first + datetime.timedelta(days=3 * number), zurich, "NIKON D70")
        for number in range(1, 41)
    ]
    moments += [
        PhotoMoment(100 + hour, datetime.datetime(2024, 7, 12, hour), lisbon, "NIKON D70")
        for hour in range(9, 16)
    ]
    stored, gazetteer = Moments({m.number: m for m in moments}, {}, {}), Gazetteer.open()
    assert propose_folders(at_home, gazetteer, stored) == {}
    folders = propose_folders(away, gazetteer, stored)
    assert {folder.day for folder in folders.values()} == {"02 Lisbon", "03 Lisbon"}


def test_failed_shots_of_a_burst_stay_with_the_others() -> None:
    blurred = replace(PLAIN, taken_at="2024-07-05T10:11:14", clutter="blurred")
    alone = replace(blurred, taken_at="2024-07-05T10:11:19")
    other_camera = replace(blurred, camera="Phone")
    screenshot = replace(blurred, clutter="screenshot")
    day_only = replace(blurred, taken_at="2024-07-05")
    destinations = [blurred, ON_TRIP, alone, other_camera, screenshot, day_only]
    placed = [photo.destination for photo in with_bursts([scanned(d) for d in destinations])]
    assert placed == [ON_TRIP, ON_TRIP, alone, other_camera, screenshot, day_only]
