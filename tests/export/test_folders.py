"""Folders by rule, tables without a place, JSON: as an export of the whole app gives them."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scene_model.errors import UsageError
from scene_model.export.folders import FolderRule
from scene_model.export.table import json_record, strip_gps, table_row, write_json
from scene_model.library import edits
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.mark.parametrize("text", ["class", "tag", "head:camera"])
def test_a_rule_is_written_as_it_is_read(text: str) -> None:
    assert str(FolderRule.read(text, ["scenes", "camera"])) == text


@pytest.mark.parametrize("text", ["", "head:", "head:nothing", "camera", "head"])
def test_no_such_rule(text: str) -> None:
    with pytest.raises(UsageError, match="class, tag, head:scenes"):
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


def test_a_place_is_left_out(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    photo = replace(services.library.photo(photo_id), latitude=38.72, longitude=-9.14)
    assert 38.72 in table_row(photo, [])
    assert 38.72 not in table_row(strip_gps(photo), [])
    assert json_record(strip_gps(photo), [])["longitude"] is None
    assert len(table_row(strip_gps(photo), [])) == len(table_row(photo, []))


def test_json(services: Services, add_photos: Add, flower: bytes) -> None:
    ids = add_photos([("dáhlia.jpg", flower)])
    edits.add_tag(services.library, ids, "Grandma")
    (photo,) = json.loads("".join(services.exports.json_lines(ids)))
    assert (photo["id"], photo["name"], photo["class"]) == (ids[0], "dáhlia.jpg", "flower")
    assert {"label": "Grandma", "head": "human", "score": None} in photo["tags"]
    assert len(photo["objects"]) == 5


@pytest.mark.parametrize("records", [[], [{"a": 1}], [{"a": 1}, {"b": "\n"}]])
def test_a_list_however_long(records: list[dict[str, Any]]) -> None:
    assert json.loads("".join(write_json(records))) == records
