"""Which photos belong in one stack, by what is known of them."""

from dataclasses import replace

import pytest

from scene_model.duplicates.stack_pairs import MAX_OF_A_NAME, Candidate, Join, joins, pair_kind
from scene_model.library.stacks.stack_rows import StackKind

NOON = "2024-07-15T12:00:00"
JPEG = Candidate(1, "IMG_1.JPG", "JPEG", "card", NOON, "DateTimeOriginal", "Canon EOS 40D")
RAW = replace(JPEG, number=2, name="IMG_1.CR2", format="CR2")
FILM = Candidate(3, "IMG_1.MOV", "MOV", "card", "2024-07-15T10:00:02+00:00", "container")
EDIT = Candidate(4, "IMG_1-edited.jpg", "JPEG", "card")


def kinds(first: Candidate, second: Candidate) -> StackKind | None:
    kind = pair_kind(first, second)
    assert kind == pair_kind(second, first)
    return kind


def test_pairs_are_joined_by_kind() -> None:
    assert kinds(JPEG, RAW) is StackKind.RAW_JPEG
    assert kinds(JPEG, FILM) is StackKind.LIVE
    assert kinds(JPEG, EDIT) is StackKind.EDIT
    assert kinds(RAW, EDIT) is StackKind.EDIT


@pytest.mark.parametrize(
    "other",
    [
        replace(RAW, folder="other card"),
        replace(RAW, folder=None),
        replace(RAW, camera="NIKON D70"),
        replace(RAW, taken_at="2024-07-15T12:00:05"),
        replace(RAW, taken_at="2025-07-15"),
        replace(RAW, name="IMG_2.CR2"),
        replace(RAW, name="IMG_1 copy.CR2"),
        replace(RAW, format="PNG"),
    ],
)
def test_what_contradicts_keeps_raw_and_jpeg_apart(other: Candidate) -> None:
    assert kinds(JPEG, other) is None


def test_a_name_alone_joins_only_in_a_folder() -> None:
    undated = replace(RAW, taken_at=None, camera=None)
    assert kinds(JPEG, undated) is StackKind.RAW_JPEG
    assert kinds(replace(JPEG, folder=None), replace(undated, folder=None)) is None
    assert kinds(replace(JPEG, folder=None), replace(RAW, folder=None)) is StackKind.RAW_JPEG


@pytest.mark.parametrize(
    ("taken_at", "is_pair"),
    [
        ("2024-07-15T12:00:04", True),
        ("2024-07-15T11:59:58+02:00", True),
        ("2024-07-15T06:30:01+00:00", True),
        ("2024-07-15T12:00:20", False),
        ("2024-07-15T12:07:00", False),
        ("2024-07-17T12:00:00", False),
        (None, True),
    ],
)
def test_films_are_within_seconds_in_any_zone(taken_at: str | None, is_pair: bool) -> None:
    assert (kinds(JPEG, replace(FILM, taken_at=taken_at)) is StackKind.LIVE) is is_pair


def test_content_identifiers_decide() -> None:
    picture = Candidate(1, "a.heic", "HEIF", "x", NOON, content_id="A")
    film = Candidate(2, "b.mov", "MOV", None, None, content_id="A")
    assert kinds(picture, film) is StackKind.LIVE
    assert kinds(picture, replace(film, content_id="B")) is None
    same_name = replace(film, name="a.mov", folder="x", content_id="B")
    assert kinds(picture, same_name) is None
    assert kinds(picture, replace(picture, number=3)) is None, "two pictures are no Live Photo"


def test_edited_versions_keep_their_time_unless_only_the_file_was_changed() -> None:
    later = replace(EDIT, taken_at="2024-08-01T09:00:00", taken_source="DateTimeOriginal")
    assert kinds(JPEG, later) is None
    assert kinds(JPEG, replace(later, taken_source="DateTime")) is StackKind.EDIT


def test_all_versions_of_a_shot_are_one_stack_in_any_order() -> None:
    photos = [
        Candidate(1, "IMG_7.HEIC", "HEIF", "x", content_id="A"),
        Candidate(2, "IMG_7.MOV", "MOV", "x", content_id="A"),
        Candidate(3, "IMG_E0007.JPG", "JPEG", "x"),
        Candidate(4, "IMG_7.DNG", "DNG", "x"),
        Candidate(5, "IMG_7_edit.jpg", "JPEG", "x"),
        Candidate(6, "IMG_8.HEIC", "HEIF", "x"),
    ]
    expected = [Join(StackKind.EDIT, (5, 1, 4, 2))]
    assert joins(photos) == expected
    assert joins(reversed(photos)) == expected


def test_many_photos_of_one_name_are_no_pairs() -> None:
    pictures = [replace(JPEG, number=n) for n in range(MAX_OF_A_NAME)]
    assert joins([*pictures, replace(RAW, number=1000)]) == []
    assert joins([JPEG, replace(RAW, number=1000)]) == [Join(StackKind.RAW_JPEG, (1, 1000))]
