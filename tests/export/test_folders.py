"""Exports of a library: folders by rule, tables without coordinates, JSON."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select

from scene_model.classifier.vocabulary import fold
from scene_model.errors import UsageError
from scene_model.export.folders import FolderRule
from scene_model.export.table import json_record, table_row, without_place, write_json
from scene_model.library import edits
from scene_model.library.database.schema import photos, trip_photos, trips
from scene_model.library.records import PhotoPlace
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.mark.parametrize("text", ["class", "group", "tag", "trip", "day", "head:camera"])
def test_a_rule_round_trips_as_text(text: str) -> None:
    assert str(FolderRule.read(text, ["scenes", "camera"])) == text


@pytest.mark.parametrize("text", ["", "head:", "head:nothing", "camera", "head"])
def test_unknown_rules(text: str) -> None:
    with pytest.raises(UsageError, match="class, group, tag, trip, day, head:scenes"):
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
    without = table_row(without_place(photo), [], "plants")
    assert {38.72, "PT", "Lisbon", "gps"}.isdisjoint(without)
    assert json_record(without_place(photo), [], "plants")["place"] is None
    assert json_record(without_place(photo), [], "plants")["longitude"] is None
    assert len(without) == len(table_row(photo, [], "plants"))


def test_a_zip_without_places_names_trips_by_their_dates(
    services: Services, add_photos: Add, flower: bytes, temple: bytes
) -> None:
    photo_ids = add_photos([("dahlia.jpg", flower), ("temple.jpg", temple)])
    titles = ("Lisbon, July 2024", "With Ana in Rome")
    with services.library.database.writer.begin() as connection:
        for number, (photo_id, title) in enumerate(zip(photo_ids, titles, strict=True), 1):
            connection.execute(
                insert(trips).values(
                    id=number,
                    title=title,
                    folded_title=fold(title),
                    is_titled_by_person=title == titles[1],
                    state="accepted",
                    kind="trip",
                    first_at="2024-07-12T10:00:00",
                    last_at="2024-07-14T10:00:00",
                )
            )
            photo = select(photos.c.number).where(photos.c.id == photo_id).scalar_subquery()
            connection.execute(insert(trip_photos).values(photo=photo, trip_id=number))

    def folders(with_place: bool) -> set[str]:
        rule = services.exports.folder_rule("trip")
        ids = services.gallery().all_ids()
        chunks = services.exports.zip_by(ids, rule, with_place=with_place)
        with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
            return {name.split("/")[0] for name in archive.namelist() if "/" in name}

    assert folders(with_place=True) == {*titles}
    assert folders(with_place=False) == {"12 to 14 July 2024", "With Ana in Rome"}


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
