"""ZIP, its preview and sorting put all photos of a stack into the folder of its pick."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, insert, literal, select

from scene_model.export.sorting.classification import Classification
from scene_model.export.sorting.plan import ScannedPhoto
from scene_model.export.sorting.scan import Walk
from scene_model.library import edits
from scene_model.library.database.schema import photos, trip_photos, trips
from scene_model.library.dates.date_edits import set_date
from scene_model.library.stacks.stack_edits import choose_pick, show_apart
from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import TripState
from scene_model.services import Services
from scene_model.trips.trip_run import update_trips
from tests.pictures import encode, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]
FILES = [
    (name, encode(textured(160, 120, seed=number)))
    for number, name in enumerate(("a.jpg", "a-edited.jpg", "b.jpg"))
]


@pytest.fixture
def filed(services: Services, add_photos: Add) -> Services:
    original, edited, other = add_photos(FILES)
    edits.set_class(services.library, [original, other], "sea")
    edits.set_class(services.library, [edited], "beach")
    assert [stack.photo_ids for stack in all_stacks(services.library)] == [(edited, original)]
    return services


def zipped(services: Services, rule: str, query: str = "") -> Counter[str]:
    chunks = services.exports.zip_by(
        services.gallery().all_ids(query), services.exports.folder_rule(rule)
    )
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        return Counter(name.split("/")[0] for name in archive.namelist() if "/" in name)


def previewed(services: Services, query: str = "", **by: object) -> dict[str, int]:
    sizes = services.gallery().folder_sizes(query, **by)  # type: ignore[arg-type]
    return {size.name: size.photo_count for size in sizes}


def sorted_folders(services: Services, folder: Path) -> dict[str, str]:
    walk = list(Walk(str(folder)))
    classification: Classification = services.classification("class", "")
    results = classification.classify_all(walk)
    return {
        photo.group.photo.name: photo.destination.label  # type: ignore[union-attr]
        for photo in results
    }


def test_json_names_the_stack_of_a_photo(filed: Services) -> None:
    (stack,) = all_stacks(filed.library)
    ids = filed.gallery().all_ids("")
    records = json.loads("".join(filed.exports.json_lines(ids)))
    named = {record["name"]: record["stack"] for record in records}
    expected = {"kind": "edit", "top": stack.pick, "photo_ids": list(stack.photo_ids)}
    # An export of one of them names the other.
    assert named == {"a.jpg": expected, "a-edited.jpg": expected, "b.jpg": None}
    (alone,) = filed.exports.json_lines([stack.photo_ids[1]], is_one_list=False)
    assert json.loads(alone)["stack"] == expected
    edits.move_to_trash(filed.library, [stack.pick])
    (alone,) = filed.exports.json_lines([stack.photo_ids[1]], is_one_list=False)
    assert json.loads(alone)["stack"] is None


@pytest.mark.parametrize("rule", ["class", "group", "head:scenes", "tag", "trip"])
def test_preview_and_zip_agree(filed: Services, rule: str) -> None:
    kind, _, head = rule.partition(":")
    by = {"by_tag": kind == "tag", "by_group": kind == "group", "head": head or None}
    by |= {"by_trip": kind == "trip"}
    if kind == "trip":
        set_date(filed.library, filed.gallery().ids("name:b"), "2024-07-12 10:00")
        set_date(filed.library, filed.gallery().ids("name:a-edited"), "2023-07-12 10:00")
        update_trips(filed.library)
    for query in ("", "name:edited", "-name:edited"):
        assert previewed(filed, query, **by) == zipped(filed, rule, query)


def test_trips_are_packed_by_month_with_a_folder_for_each_day(filed: Services) -> None:
    set_date(filed.library, filed.gallery().ids("name:b"), "2024-07-12 10:00")
    set_date(filed.library, filed.gallery().ids("name:a-edited"), "2024-07-13 10:00")
    put_in_new_trip(filed.library, filed.gallery().ids("name:b") + filed.gallery().ids("name:a"))
    for with_place in (True, False):
        folders = {
            "2024-07 Our summer/01 2024-07-12": {"b.jpg"},
            "2024-07 Our summer/02 2024-07-13": {"a.jpg", "a-edited.jpg"},
        }
        rule = filed.exports.folder_rule("day")
        ids = filed.gallery().all_ids("")
        chunks = filed.exports.zip_by(ids, rule, with_place=with_place)
        with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
            names = [name for name in archive.namelist() if "/" in name]
        packed = {
            folder: {n.rsplit("/", 1)[1] for n in names if n.startswith(folder)}
            for folder in folders
        }
        assert packed == folders
        assert filed.exports.trip_folder_names(rule, with_place) == {
            "Our summer": "2024-07 Our summer"
        }


def put_in_new_trip(library: Library, photo_ids: list[str]) -> None:
    """Make a trip that a person titled, without asking the rule."""
    with library.database.writer.begin() as connection:
        title = {"title": "Our summer", "folded_title": "our summer", "is_titled_by_person": True}
        row = title | {"state": TripState.ACCEPTED, "kind": "trip"}
        row |= {"first_at": "2024-07-12T10:00:00", "last_at": "2024-07-13T10:00:00"}
        trip_id = connection.execute(insert(trips).values(row)).lastrowid
        days = select(photos.c.number, literal(trip_id), func.substr(photos.c.taken_at, 1, 10))
        chosen = days.where(photos.c.id.in_(photo_ids), photos.c.taken_at.is_not(None))
        columns = ["photo", "trip_id", "day"]
        connection.execute(insert(trip_photos).from_select(columns, chosen))


def test_a_stack_goes_where_its_pick_goes(filed: Services, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, data in FILES:
        (source / name).write_bytes(data)
    assert zipped(filed, "class") == {"beach": 2, "sea": 1}
    assert zipped(filed, "class", "-name:edited") == {"beach": 1, "sea": 1}, "without the pick"
    assert sorted_folders(filed, source) == {"a.jpg": "beach", "a-edited.jpg": "beach"} | {
        "b.jpg": "sea"
    }
    original = filed.gallery().ids("name:a.jpg")[0]
    choose_pick(filed.library, original)
    assert zipped(filed, "class") == {"sea": 3}
    assert set(sorted_folders(filed, source).values()) == {"sea"}
    show_apart(filed.library, [original])
    assert zipped(filed, "class") == {"beach": 1, "sea": 2}


@pytest.mark.parametrize("query", ["", "-tag:nothing"])
def test_edited_versions_outside_the_library_go_with_their_originals(
    services: Services, tmp_path: Path, temple: bytes, flower: bytes, query: str
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "a.jpg").write_bytes(temple)
    (tmp_path / "a-edited.jpg").write_bytes(flower)
    (tmp_path / "b.jpg").write_bytes(temple + b"b")
    (tmp_path / "other" / "a.jpg").write_bytes(temple + b"other")
    walk = list(Walk(str(tmp_path)))
    results = services.classification("class", query).classify_all(walk)
    labels = {
        str(Path(photo.group.photo.path).relative_to(tmp_path).as_posix()): photo.destination.label
        for photo in results
        if isinstance(photo, ScannedPhoto)
    }
    assert labels.keys() == {"a.jpg", "a-edited.jpg", "b.jpg", "other/a.jpg"}
    assert labels["a.jpg"] == labels["a-edited.jpg"] != labels["b.jpg"] == labels["other/a.jpg"]
