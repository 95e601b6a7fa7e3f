"""Targets of files: layouts, companions, name clashes."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.errors import InvalidLayout
from scene_model.export.sorting.companions import companions, renamed
from scene_model.export.sorting.layout import MAX_NAME_BYTES, Destination, Layout, numbered
from tests.export.sorting.source_photos import plan_of, write

DESTINATION = Destination(
    *("sea", "scenes", "travel", "2024-07-05T10:11:12+02:00", "NIKON D70", "water"),
    city="Lisbon",
    country="Portugal",
    trip="Our summer",
    day="01 Alfama",
)


@pytest.mark.parametrize(
    ("template", "folder", "name"),
    [
        ("{class}/{name}", "sea", "a.jpg"),
        ("{taken:%Y}/{taken:%m}/{class}/{name}", "2024/07/sea", "a.jpg"),
        ("{album}/{taken}/{name}", "travel/2024-07-05", "a.jpg"),
        ("{group}/{class}/{name}", "water/sea", "a.jpg"),
        ("{camera}/x {class}/{taken:%H}_{name}", "NIKON D70/x sea", "10_a.jpg"),
        ("{country}/{city}/{place}/{name}", "Portugal/Lisbon/Lisbon, Portugal", "a.jpg"),
        ("{trip}/{day}/{name}", "Our summer/01 Alfama", "a.jpg"),
        ("{name}", "", "a.jpg"),
    ],
)
def test_layouts(template: str, folder: str, name: str) -> None:
    assert Layout(template).target(DESTINATION, "a.jpg") == (folder, name)


def test_missing_values() -> None:
    unknown = Destination("../up", "human", "names", None, None)
    target = Layout("{taken:%Y}/{camera}/{group}/{class}/{name}").target(unknown, "a.jpg")
    assert target == ("undated/no camera/unsure/up", "a.jpg")
    target = Layout("{country}/{city}/{place}/{name}").target(unknown, "a.jpg")
    assert target == ("no place/no place/no place", "a.jpg")
    at_sea = replace(unknown, city="At sea")
    target = Layout("{country}/{city}/{place}/{name}").target(at_sea, "a.jpg")
    assert target == ("At sea/At sea/At sea", "a.jpg")
    monaco = replace(unknown, city="Monaco", country="Monaco")
    assert Layout("{place}/{name}").target(monaco, "a.jpg") == ("Monaco", "a.jpg")
    assert Layout("{trip}/{day}/{name}").target(unknown, "a.jpg") == ("no trip/undated", "a.jpg")
    dated = replace(unknown, taken_at="2024-07-05T10:11:12")
    assert Layout("{trip}/{day}/{name}").target(dated, "a.jpg") == ("no trip/2024-07-05", "a.jpg")


def test_photos_that_differ_only_in_their_group() -> None:
    layout, other = Layout("{group}/{name}"), replace(DESTINATION, group="sky")
    assert layout.target(DESTINATION, "a.jpg") == ("water", "a.jpg")
    assert layout.target(other, "a.jpg") == ("sky", "a.jpg")


@pytest.mark.parametrize(
    "template",
    ["", "{class}", "{class}/", "/{name}", "../{name}", "a//{name}", "{mood}/{name}", "{name", "{}"]
    + [
        "{name}/{class}",
        "{taken:%Y/%m}/{name}",
        "{class:%Y}/{name}",
        "{class!r}/{name}",
        "./{name}",
    ],
)
def test_invalid_layouts(template: str) -> None:
    with pytest.raises(InvalidLayout, match="cannot be used"):
        Layout(template)


def test_companions_of_photos() -> None:
    photos, unmatched = companions(
        [
            "IMG_1.JPG",
            "IMG_1.XMP",
            "IMG_1.JPG.xmp",
            "IMG_1.CR3",
            "img_1.mov",
            "IMG_1.CR3.xmp",
            "IMG_2.HEIC",
            "IMG_2.HEIC.supplemental-metadata.json",
            "IMG_3(1).jpg",
            "IMG_3.jpg",
            "IMG_3.jpg(1).json",
            "IMG_3.jpg.supplemental-met.json",
            "a_very_long_name_that_google_cuts_off_somewhere.jpg",
            "a_very_long_name_that_google_cuts_off_somewher.json",
            "._IMG_1.JPG",
            "IMG_4.NEF",
            "IMG_4.NEF.xmp",
            "IMG_4.mov",
            "IMG_5.dng",
            "IMG_5.HEIC",
            "IMG_6.CR3",
            "IMG_6.DNG",
            "IMG_9.MOV",
            "IMG_9.MOV.xmp",
            "notes.txt",
        ]
    )
    assert {photo: set(names) for photo, names in photos.items()} == {
        "IMG_1.JPG": {"IMG_1.XMP", "IMG_1.JPG.xmp", "IMG_1.CR3", "img_1.mov", "IMG_1.CR3.xmp"},
        "IMG_2.HEIC": {"IMG_2.HEIC.supplemental-metadata.json"},
        "IMG_3(1).jpg": {"IMG_3.jpg(1).json"},
        "IMG_3.jpg": {"IMG_3.jpg.supplemental-met.json"},
        "a_very_long_name_that_google_cuts_off_somewhere.jpg": {
            "a_very_long_name_that_google_cuts_off_somewher.json"
        },
        "IMG_4.NEF": {"IMG_4.NEF.xmp", "IMG_4.mov"},
        "IMG_5.HEIC": {"IMG_5.dng"},
        "IMG_6.CR3": set(),
        "IMG_6.DNG": set(),
        "IMG_9.MOV": {"IMG_9.MOV.xmp"},
    }
    assert unmatched == ["._IMG_1.JPG", "notes.txt"]


@pytest.mark.parametrize(
    ("companion", "new_name"),
    [
        ("IMG_1.XMP", "IMG_1 (2).XMP"),
        ("IMG_1.JPG.xmp", "IMG_1 (2).JPG.xmp"),
        ("img_1.mov", "IMG_1 (2).mov"),
    ],
)
def test_companions_are_renamed_with_their_photo(companion: str, new_name: str) -> None:
    assert renamed(companion, "IMG_1.JPG", "IMG_1 (2).JPG") == new_name


def test_a_group_gets_a_number_free_for_all_its_files(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    (source / "one").mkdir(parents=True)
    write(source / "one" / "a.jpg", b"photo")
    write(source / "one" / "a.xmp", b"sidecar")
    (dest / "all").mkdir(parents=True)
    write(dest / "all" / "a.jpg", b"other")
    write(dest / "all" / "a (2).xmp", b"somebody's")
    plan = plan_of(source, dest, "all/{name}")
    assert [Path(step.target).name for step in plan.steps] == ["a (3).jpg", "a (3).xmp"]


@given(st.binary(min_size=1, max_size=255), st.integers(1, 2000))
def test_numbered_names_fit_and_differ(raw: bytes, number: int) -> None:
    name = os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_"))
    result = numbered(name, number)
    assert len(os.fsencode(result)) <= MAX_NAME_BYTES
    assert (result == name) == (number == 1)
