"""The CSV: its columns, and that no cell is a formula."""

import io
from collections.abc import Callable

import pandas as pd
import pytest

from scene_model.export.table import COLUMNS, UTF8_BOM, formula_safe, write_csv
from scene_model.library.edits import add_tag, set_favourite, set_rating
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_columns_are_the_contract() -> None:
    assert ",".join(COLUMNS) == (
        "ID,Name,Timestamp,Label 1,Score 1,Label 2,Score 2,Label 3,Score 3,Label 4,Score 4,"
        "Label 5,Score 5,Class,Class source,Confidence,Unsure,Tags,Taken at,Latitude,Longitude,"
        "Camera,Bundle,Group,Favourite,Rating"
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
