"""The CSV: its columns, and that no cell is a formula."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from scene_model.export.table import (
    COLUMNS,
    UTF8_BOM,
    formula_safe,
    people_row,
    plain_text,
    split_tags,
    write_csv,
)
from scene_model.library.edits import add_tag, set_class, set_favourite, set_rating
from scene_model.library.imported_facts import ImportedFacts, complete_photo
from scene_model.services import Services
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_columns_are_the_contract() -> None:
    assert ",".join(COLUMNS) == (
        "ID,Name,Timestamp,Label 1,Score 1,Label 2,Score 2,Label 3,Score 3,Label 4,Score 4,"
        "Label 5,Score 5,Class,Class source,Confidence,Unsure,Tags,Taken at,Latitude,Longitude,"
        "Camera,Bundle,Group,Favourite,Rating,Duration,Place,Region,Country,Place source"
    )


def test_a_row(services: Services, add_photos: Add, flower: bytes) -> None:
    (photo_id,) = add_photos([("dahlia.jpg", flower)])
    add_tag(services.library, [photo_id], "Grandma's")
    set_favourite(services.library, [photo_id], True)
    set_rating(services.library, [photo_id], 4)
    text = "".join(services.exports.csv_lines([photo_id]))
    (row,) = pd.read_csv(io.StringIO(text)).to_dict("records")
    assert (row["ID"], row["Name"]) == (photo_id, "dahlia.jpg")
    assert pd.Timestamp(row["Timestamp"]).tzinfo is not None
    scores = [row[f"Score {rank}"] for rank in range(1, 6)]
    assert scores == sorted(scores, reverse=True)
    assert 1 < scores[0] <= 100, "scores are in percent"
    assert (row["Class"], row["Class source"], row["Unsure"]) == ("flower", "camera", True)
    assert "Grandma's" in row["Tags"].split("; ")
    assert row["Bundle"] == services.classifier.bundle_id
    assert row["Group"] == "plants"
    assert (row["Favourite"], row["Rating"]) == (True, 4)
    assert pd.isna(row["Latitude"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["=cmd|'/c calc'!A1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", " =1", "＝1"]
)
def test_no_cell_is_a_formula(
    services: Services, add_photos: Add, flower: bytes, name: str
) -> None:
    (photo_id,) = add_photos([(name, flower)])
    text = "".join(services.exports.csv_lines([photo_id]))
    (row,) = pd.read_csv(io.StringIO(text), dtype=str).to_dict("records")
    assert row["Name"] == formula_safe(name)
    assert row["Name"].startswith("'")
    assert formula_safe("plain") == "plain"


def test_names_with_commas_quotes_and_lines_survive(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    name = 'a,"b"\nc 🌊.jpg'
    (photo_id,) = add_photos([(name, flower)])
    text = "".join(services.exports.csv_lines([photo_id]))
    assert pd.read_csv(io.StringIO(text))["Name"].tolist() == [name]


def test_byte_order_mark() -> None:
    assert "".join(write_csv([], with_bom=True)).startswith(UTF8_BOM + "ID,")
    assert "".join(write_csv([])).startswith("ID,")


@pytest.fixture
def dahlia(services: Services, add_photos: Add) -> str:
    """A photo of a person's class and tag, with the time it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:28 14:03:59"
    (photo_id,) = add_photos([("=dahlia.jpg", encode(textured(160, 120), exif=exif))])
    add_tag(services.library, [photo_id], "Grandma's; garden")
    return photo_id


def test_csv_for_people(services: Services, dahlia: str) -> None:
    set_class(services.library, [dahlia], "text_document")
    text = "".join(services.exports.people_lines([dahlia]))
    assert text.startswith("Name,Class,Group,Confidence,Tags,Taken,Description\r\n")
    (row,) = pd.read_csv(io.StringIO(text), dtype=str, na_filter=False).to_dict("records")
    assert row["Name"] == "'=dahlia.jpg"
    assert (row["Class"], row["Group"]) == ("Text document", "Documents")
    assert row["Confidence"] == "100 %"
    assert "Grandma's; garden" in split_tags(plain_text(row["Tags"]))
    assert row["Taken"] == "2026-11-28 14:03"
    bom = "".join(services.exports.people_lines([dahlia], with_bom=True))
    assert bom == UTF8_BOM + text


def test_csv_for_people_in_their_language(services: Services, dahlia: str) -> None:
    set_class(services.library, [dahlia], "buildings")
    (_, line) = services.exports.people_lines([dahlia], language="de")
    assert "Gebäude" in line
    (_, line) = services.exports.people_lines([dahlia], language="xx")
    assert "Buildings" in line


def test_csv_for_people_rounds_the_confidence_and_leaves_it_out_for_unsure_photos(
    services: Services, dahlia: str
) -> None:
    photo = services.library.photo(dahlia)
    filed = replace(photo, photo_class="sea", class_source="scenes", class_score=0.926)
    assert people_row(filed, "water", str.title)[1:4] == ("Sea", "Water", "93 %")
    unsure = replace(photo, photo_class="unsure", class_source="none", class_score=0.0)
    assert people_row(unsure, "unsure", str.title)[3] is None
    assert people_row(replace(photo, taken_at=None), "unsure", str)[5] is None


def test_descriptions_are_in_the_csv_for_people_and_in_json(
    services: Services, dahlia: str
) -> None:
    facts = ImportedFacts(description="=A dahlia\nin the garden")
    complete_photo(services.library, dahlia, facts)
    text = "".join(services.exports.people_lines([dahlia]))
    (row,) = pd.read_csv(io.StringIO(text), dtype=str, na_filter=False).to_dict("records")
    assert row["Description"] == "'=A dahlia\nin the garden"
    (line,) = services.exports.json_lines([dahlia], is_one_list=False)
    assert json.loads(line)["description"] == "=A dahlia\nin the garden"
