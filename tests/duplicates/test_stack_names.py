"""The names by which RAW files, JPEGs, films and edited versions are joined."""

import pytest

from scene_model.duplicates.stack_names import stack_name


@pytest.mark.parametrize(
    "name",
    [
        "IMG_1234.CR2",
        "img_1234.jpg",
        "IMG_1234.MOV",
        "IMG_E1234.HEIC",
        "IMG_1234-edited.jpg",
        "IMG_1234_edit.tif",
        "IMG_1234-Edit-2.tif",
        "IMG_1234 (edited).jpg",
        "IMG_1234-bearbeitet.jpg",
        "IMG_1234-MODIFIÉ.jpg",
        "IMG_1234-modifie\u0301.jpg",
        "IMG_1234~2.jpg",
    ],
)
def test_names_of_one_shot_are_one(name: str) -> None:
    assert stack_name(name).base == "img_1234"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("IMG_1234(1)-edited.jpg", "img_1234(1)"),
        ("IMG_1234-edited(1).jpg", "img_1234(1)"),
        ("IMG_E1234 (2).JPG", "img_1234 (2)"),
    ],
)
def test_numbers_of_copies_stay(name: str, base: str) -> None:
    assert stack_name(name).base == base
    assert stack_name(name).is_edit


@pytest.mark.parametrize(
    "name",
    ["edited.jpg", "-edited.jpg", "my credit.jpg", "IMG_1234.jpg", "a.b.c", ".jpg", ""],
)
def test_other_names_are_no_edits(name: str) -> None:
    assert not stack_name(name).is_edit
