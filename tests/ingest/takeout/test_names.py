"""Each file of a Takeout gets its own ``.json``, whatever Takeout made of the names."""

import unicodedata

import pytest

from scene_model.ingest.takeout.names import EDITED, FolderJsons, comparable

LONG = "The harbour of Funchal in the evening after the long rain of May"


def match(name: str, *jsons: str, **titles: str) -> str | None:
    return FolderJsons([*((json, "") for json in jsons), *titles.items()]).match(name)


@pytest.mark.parametrize(
    ("name", "json"),
    [
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-me.json"),
        ("IMG_1.jpg", "IMG_1.jpg.s.json"),
        ("IMG_1.jpg", "IMG_1.jpg..json"),
        ("IMG_1(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(12).jpg", "IMG_1.jpg.supplemental-metadata(12).json"),
        ("IMG_1(1).jpg", "IMG_1(1).jpg.json"),
        ("IMG_1(1).jpg", "IMG_1(1).jpg.supplemental-metadata.json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
        ("IMG_1-edited(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1)-edited.jpg", "IMG_1.jpg(1).json"),
        ("IMG_1-edited.jpg", "IMG_1.HEIC.supplemental-metadata.json"),
        ("IMG_1.MOV", "IMG_1.HEIC.json"),
        ("IMG_1.mp4", "IMG_1.JPG.supplemental-metadata.json"),
        ("IMG_1(1).MOV", "IMG_1.HEIC(1).json"),
        ("PXL_1.MP", "PXL_1.MP.jpg.json"),
        ("IMG_1.DNG", "IMG_1.JPG.json"),
        ("IMG_1.JPG", "IMG_1.jpg.json"),
        ("What_s up_.jpg", "What's up?.jpg.json"),
        ("a_b.jpg", "a&b.jpg.json"),
        ("Peanut Butter Balls.jpg", "Peanut Butter Balls.supplemental-metadata.json"),
        ("Peanut(1).jpg", "Peanut.supplemental-metadata(1).json"),
        (unicodedata.normalize("NFD", "Köln.jpg"), "Köln.jpg.json"),
        (f"{LONG[:47]}.jpg", f"{LONG[:46]}.json"),
        (f"{LONG[:47]}(1).jpg", f"{LONG[:46]}(1).json"),
        (f"{LONG[:47]}.MOV", f"{LONG[:46]}.json"),
        (f"{LONG[:43]}.jpeg", f"{LONG[:43]}.jp.json"),
    ],
)
def test_the_json_of_a_name(name: str, json: str) -> None:
    assert match(name, "IMG_2.jpg.json", json, "metadata.json") == json


@pytest.mark.parametrize("end", EDITED)
def test_an_edited_version_has_the_json_of_the_original(end: str) -> None:
    assert match(f"IMG_1{end}.jpg", "IMG_1.jpg.json") == "IMG_1.jpg.json"


@pytest.mark.parametrize(
    ("name", "json"),
    [
        ("IMG_1.jpg", "IMG_11.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1).jpg", "IMG_1.jpg.json"),
        ("IMG_1(2).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1.PNG", "IMG_1.JPG.json"),
        ("IMG_1-my.jpg", "IMG_1.jpg.json"),
        ("IMG_1-edi.jpg", "IMG_1.jpg.json"),
        ("-edited.jpg", ".jpg.json"),
        (f"{LONG[:47]}.jpg", f"{LONG[:46]}(1).json"),
    ],
)
def test_another_photos_json_does_not_count(name: str, json: str) -> None:
    assert match(name, json) is None


def test_the_own_json_comes_first() -> None:
    assert match("IMG_1(1).jpg", "IMG_1.jpg(1).json", "IMG_1(1).jpg.json") == "IMG_1(1).jpg.json"
    assert match("IMG_1-edited.jpg", "IMG_1.jpg.json", "IMG_1-edited.jpg.json") == (
        "IMG_1-edited.jpg.json"
    )
    assert match("IMG_1.MOV", "IMG_1.HEIC.json", "IMG_1.MOV.json") == "IMG_1.MOV.json"
    assert match("a.JPG", "a.jpg.json", "a.JPG.json") == "a.JPG.json"


def test_two_long_names_that_begin_alike_are_told_by_their_number() -> None:
    jsons = (f"{LONG[:46]}.json", f"{LONG[:46]}(1).json")
    assert match(f"{LONG[:47]}.jpg", *jsons) == jsons[0]
    assert match(f"{LONG[:47]}(1).jpg", *jsons) == jsons[1]


def test_the_title_decides_where_no_name_does() -> None:
    jsons = FolderJsons([("x.json", "Cats & dogs.jpg"), ("y(1).json", "Cats & dogs.jpg")])
    assert jsons.match("Cats _ dogs.jpg") == "x.json"
    assert jsons.match("Cats _ dogs(1).jpg") == "y(1).json"


def test_names_are_compared_without_what_takeout_changes() -> None:
    assert comparable("What's up?.JPG") == comparable("what_s up_.jpg")
    assert comparable("a_b") == comparable("a*b")
    assert comparable("a b") != comparable("ab")
