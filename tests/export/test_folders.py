"""Exports of a library: folders by rule, tables without coordinates, JSON."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scene_model.errors import UsageError
from scene_model.export.folders import FolderRule
from scene_model.export.table import json_record, table_row, without_coordinates, write_json
from scene_model.library import edits
from scene_model.library.records import PhotoPlace
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.mark.parametrize("text", ["class", "group", "tag", "trip", "head:camera"])
def test_a_rule_round_trips_as_text(text: str) -> None:
    assert str(FolderRule.read(text, ["scenes", "camera"])) == text


@pytest.mark.parametrize("text", ["", "head:", "head:nothing", "camera", "head"])
def test_unknown_rules(text: str) -> None:
    with pytest.raises(UsageError, match="class, group, tag, trip, head:scenes"):
        FolderRule.read(text, ["scenes"])


def test_a_folder_for_every_tag_and_for_a_head(
    services: Services, add_photos: Add, flower: bytes, temple: bytes
) -> None:
    ids = add_photos([("dahlia.jpg", flower), ("temple.jpg", temple)])
    edits.add_tag(services.library, ids[:1], "Grandma")
    rule = services.exports.folder_rule("tag")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(services.exports.zip_by(ids, rule))))
    assert archive.testzip() is None
    assert archive.read("Grandma/dahlia.jpg") == archive.read("flower/dahlia.jpg") == flower
    edits.reject_tag(services.library, ids[:1], "flower")
    rule = services.exports.folder_rule("head:camera")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(services.exports.zip_by(ids, rule))))
    assert "flower/dahlia.jpg" not in archive.namelist()


def test_a_folder_for_every_group(
    services: Services, add_photos: Add, flower: bytes, temple: bytes
) -> None:
    ids = add_photos([("dahlia.jpg", flower), ("temple.jpg", temple)])
    edits.set_class(services.library, ids[1:], "sea")
    rule = services.exports.folder_rule("group")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(services.exports.zip_by(ids, rule))))
    assert set(archive.namelist()) == {"plants/dahlia.jpg", "water/temple.jpg", "manifest.csv"}
    table = archive.read("manifest.csv").decode()
    assert [row["Group"] for row in csv.DictReader(io.StringIO(table))] == ["plants", "water"]
    sizes = services.gallery().folder_sizes("", by_group=True)
    assert {size.name: size.file_bytes for size in sizes} == {
        "plants": len(flower),
        "water": len(temple),
    }


def test_coordinates_are_left_out(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    place = PhotoPlace("Lisbon", "Lisbon", "PT", "Portugal", "settlement", 1.0)
    photo = services.library.photo(photo_id)
    photo = replace(photo, latitude=38.72, longitude=-9.14, place=place)
    assert {38.72, "PT"} <= {*table_row(photo, [], "plants")}
    assert json_record(photo, [], "plants")["place"]["title"] == "Lisbon, Portugal"
    without = table_row(without_coordinates(photo), [], "plants")
    assert {38.72, "PT", "Lisbon", "gps"}.isdisjoint(without)
    assert json_record(without_coordinates(photo), [], "plants")["place"] is None
    assert json_record(without_coordinates(photo), [], "plants")["longitude"] is None
    assert len(without) == len(table_row(photo, [], "plants"))


@pytest.mark.slow
def test_json(services: Services, add_photos: Add, flower: bytes) -> None:
    ids = add_photos([("dáhlia.jpg", flower)])
    edits.add_tag(services.library, ids, "Grandma")
    (photo,) = json.loads("".join(services.exports.json_lines(ids)))
    assert (photo["id"], photo["name"], photo["class"]) == (ids[0], "dáhlia.jpg", "flower")
    assert {"label": "Grandma", "head": "human", "score": None} in photo["tags"]
    assert len(photo["objects"]) == 5


@pytest.mark.parametrize("records", [[], [{"a": 1}], [{"a": 1}, {"b": "\n"}]])
def test_json_lists_of_any_length(records: list[dict[str, Any]]) -> None:
    assert json.loads("".join(write_json(records))) == records
