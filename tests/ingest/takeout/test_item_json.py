"""What is read from the ``.json`` files of Takeout, and what hostile ones cannot do."""

import json
from typing import Any

import pytest

from scene_model.ingest.takeout.item_json import TakeoutAlbum, TakeoutItem, read_json


def item(**fields: Any) -> TakeoutItem:
    content = {"title": "a.jpg", "photoTakenTime": {"timestamp": "1556957472"}} | fields
    read = read_json(json.dumps(content).encode())
    assert isinstance(read, TakeoutItem)
    return read


def test_a_photo() -> None:
    read = item(
        title="What&#39;s up.jpg",
        description="Rain &amp; sun",
        favorited=True,
        geoData={"latitude": 0.0, "longitude": 0.0},
        geoDataExif={"latitude": 38.72, "longitude": -9.14},
    )
    assert (read.title, read.is_trashed) == ("What's up.jpg", False)
    facts = read.facts
    assert (facts.taken_utc, facts.source) == ("2019-05-04T08:11:12+00:00", "Takeout")
    assert (facts.place, facts.is_favourite) == ((38.72, -9.14), True)
    assert facts.description == "Rain & sun"


@pytest.mark.parametrize(
    ("time", "taken"),
    [
        ({"timestamp": "-144720000"}, "1965-06-01T00:00:00+00:00"),
        ({"timestamp": 1556957472}, "2019-05-04T08:11:12+00:00"),
        ({"timestamp": "0"}, ""),
        ({"timestamp": "99999999999999999999"}, ""),
        ({"timestamp": "soon"}, ""),
        ({}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_times(time: Any, taken: str) -> None:
    assert item(photoTakenTime=time).facts.taken_utc == taken


@pytest.mark.parametrize(
    "place",
    [
        {"latitude": 0.0, "longitude": 0.0},
        {"latitude": 91, "longitude": 1},
        {"latitude": "NaN", "longitude": 1},
        {"latitude": 1},
        "here",
        None,
    ],
)
def test_what_is_no_place(place: Any) -> None:
    assert item(geoData=place).facts.place is None


def test_only_true_is_true() -> None:
    assert not item(favorited="false").facts.is_favourite
    assert not item(trashed="yes").is_trashed
    assert item(trashed=True).is_trashed


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ({"title": "Rome", "date": {"timestamp": "1"}}, "Rome"),
        ({"title": "Rome", "access": "protected"}, "Rome"),
        ({"albumData": {"title": "Rome"}}, "Rome"),
        ({"title": "", "access": ""}, ""),
    ],
)
def test_an_album(content: dict[str, Any], title: str) -> None:
    assert read_json(json.dumps(content).encode()) == TakeoutAlbum(title)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"title": 7, "access": ""}',
        b'{"albumData": 3}',
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"x": []}',
    ],
)
def test_what_describes_nothing(data: bytes) -> None:
    assert read_json(data) is None


def test_texts_that_cannot_be_stored_become_ones_that_can() -> None:
    read = read_json(b'{"photoTakenTime": {}, "title": "\\ud800.jpg", "description": ["x"]}')
    assert isinstance(read, TakeoutItem)
    assert read.title == "?.jpg"
    assert read.facts.description == ""
