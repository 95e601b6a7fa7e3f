"""Sequences are stacked whatever comes first, once, and people's decisions stay."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from scene_model.duplicates.sequences import count_unchecked, stack_sequences
from scene_model.duplicates.stacks import write_stack
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.library import edits
from scene_model.library.database.schema import photos
from scene_model.library.records import NewPhoto, WrittenPhoto
from scene_model.library.stacks.stack_edits import choose_pick, show_apart, stack_photos_of
from scene_model.library.stacks.stack_rows import all_stacks, is_stacked
from scene_model.library.store import Library
from scene_model.services import Services
from tests.library.rows import Row, add
from tests.pictures import textured

QUALITY = {
    "sharpness": 0.5,
    "clipped": 0.0,
    "brightness": 0.4,
    "white_level": 0.9,
    "tonal_range": 5.0,
}
NOT_MEASURED = {"sharpness": None, "exposure_s": None}


def frame(number: int, scene: int = 0, sharpness: float = 0.5, **more: object) -> Row:
    """A photo of a burst of four a second, from 12:00:07 on."""
    at = 7 + number * 0.25
    values = {
        "folder": None,
        "width": 4000,
        "height": 3000,
        "subsecond": at % 1,
        **(QUALITY | {"sharpness": sharpness}),
    }
    return Row(
        f"DSC_{40 + number:04d}.JPG",
        camera="Canon EOS R7",
        taken_at=f"2024-07-15T12:{int(at) // 60:02d}:{int(at) % 60:02d}",
        hash=scene,
        more=values | more,
    )


FRAMES = [frame(number) for number in range(5)]
ALONE = frame(400)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def come(library: Library, *rows: Row) -> None:
    """Let photos come in, and stack the sequences. Their hash says which scene they show."""
    for row in rows:
        library.files.store_thumbnail(row.id, np.asarray(textured(320, 240, row.hash or 0)))
    add(library, *rows)
    list(stack_sequences(library))


def shown(library: Library) -> list[tuple[str, list[str]]]:
    names = {photo.id: photo.name for photo in library.records(library.find())}
    return [
        (str(stack.kind), [names[photo_id] for photo_id in stack.photo_ids])
        for stack in all_stacks(library)
    ]


def names(rows: Sequence[Row]) -> list[str]:
    return [row.name for row in rows]


def ids(rows: Sequence[Row]) -> list[str]:
    return [row.id for row in rows]


@pytest.mark.parametrize("order", list(permutations(range(5)))[::17])
def test_a_burst_is_stacked_in_any_order(library: Library, order: Sequence[int]) -> None:
    come(library, ALONE, FRAMES[order[0]])
    come(library, *(FRAMES[index] for index in order[1:3]))
    come(library, *(FRAMES[index] for index in order[3:]))
    assert shown(library) == [("burst", names(FRAMES))]
    assert library.count(is_stacked()) == 5
    assert library.count_tiles(None) == 2


def test_two_parts_that_turn_out_to_be_one_burst(library: Library) -> None:
    parts = [frame(0), frame(1), frame(6), frame(7)]
    come(library, *parts)
    assert [len(members) for _, members in shown(library)] == [2, 2]
    come(library, frame(3), frame(4))
    assert [len(members) for _, members in shown(library)] == [6]


def test_an_interrupted_run_goes_on(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in FRAMES:
        library.files.store_thumbnail(row.id, np.asarray(textured(320, 240)))
    add(library, *FRAMES)
    monkeypatch.setattr("scene_model.duplicates.sequences._BATCH", 2)
    assert next(stack_sequences(library)) == 2
    assert count_unchecked(library) == 3
    list(stack_sequences(library))
    assert shown(library) == [("burst", names(FRAMES))]
    version = library.version()
    assert list(stack_sequences(library)) == []
    assert library.version() == version, "nothing is written again"


def test_looking_again_changes_nothing(library: Library) -> None:
    come(library, *FRAMES)
    before = all_stacks(library)
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).values(sequence_checked=None))
    list(stack_sequences(library))
    assert all_stacks(library) == before


def test_the_sharpest_is_on_top_unless_a_person_put_another_there(library: Library) -> None:
    rows = [frame(0, sharpness=0.2), frame(1, sharpness=0.21), frame(2, sharpness=0.6)]
    come(library, *rows)
    assert shown(library)[0][1] == [rows[2].name, rows[0].name, rows[1].name]
    choose_pick(library, rows[1].id)
    come(library, frame(3, sharpness=0.9))
    assert all_stacks(library)[0].pick == rows[1].id
    edits.undo(library)
    assert all_stacks(library)[0].pick != rows[1].id


def test_a_chosen_top_is_undone_within_a_stack_that_grew(library: Library) -> None:
    """Two parts became one stack since; no photo is left alone in the one that is gone."""
    parts = [frame(0), frame(1), frame(6), frame(7)]
    come(library, *parts)
    choose_pick(library, parts[3].id)
    come(library, frame(3), frame(4))
    assert all_stacks(library)[0].pick == parts[3].id
    edits.undo(library)
    assert [len(members) for _, members in shown(library)] == [6]
    assert all_stacks(library)[0].pick == parts[0].id
    edits.redo(library)
    assert [len(members) for _, members in shown(library)] == [6]
    assert all_stacks(library)[0].pick == parts[3].id


def test_an_interval_timer_makes_no_stack_in_parts_either(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scene_model.duplicates.sequences.MAX_FRAMES", 6)
    come(library, *(frame(number) for number in range(4)))
    come(library, *(frame(number) for number in range(4, 8)))
    assert max(len(members) for _, members in shown(library)) <= 6


def test_photos_of_a_burst_that_have_one_name_are_shots_of_their_own(library: Library) -> None:
    sharpness = (0.2, 0.6, 0.21)
    rows = [
        replace(row, name=f"{row.name} {number}", more={**row.more, "name": "image.jpg"})
        for number, row in enumerate(frame(n, sharpness=sharpness[n]) for n in range(3))
    ]
    come(library, *rows)
    assert [stack.pick for stack in all_stacks(library)] == [rows[1].id]


def test_photos_that_are_measured_during_a_run_are_looked_at_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (replace(row, more={**row.more, **NOT_MEASURED}) for row in FRAMES[1:3])
    read_thumbnail = library.thumbnail

    def measure_and_read(photo_id: str) -> bytes:
        with library.database.writer.begin() as connection:
            values = {"exposure_bias": 0.0, "exposure_s": 0.004, "sharpness": 0.5}
            of_first = update(photos).where(photos.c.id == first.id)
            connection.execute(of_first.values(**values))
            values |= {"exposure_bias": 1.0, "exposure_s": 0.008}
            connection.execute(update(photos).where(photos.c.id == second.id).values(**values))
        return read_thumbnail(photo_id)

    monkeypatch.setattr(library, "thumbnail", measure_and_read)
    come(library, first, second)
    assert shown(library) == [("bracket", names([first, second]))]
    assert count_unchecked(library) == 0


def test_a_photo_that_is_added_again_is_looked_at_again(services: Services, flower: bytes) -> None:
    services.jobs.submit([("flower.jpg", flower)]).wait(60)
    library = services.library
    assert count_unchecked(library) == 0
    edits.move_to_trash(library, library.find())
    classifier = services.classifier
    photo = NewPhoto(flower, "flower.jpg", "2026-01-01T00:00:00+00:00")
    ingest_photo(library, classifier, photo)
    assert count_unchecked(library) == 1


def test_the_pick_of_the_phone_is_on_top_where_the_best_cannot_be_told(library: Library) -> None:
    begin = "IMG_20240715_120007_BURST"
    rows = [
        Row(f"{begin}{number:03d}{cover}.jpg", taken_at="2024-07-15T12:00:07", hash=0,
            more=QUALITY)
        for number, cover in enumerate(("", "_COVER", ""))
    ]  # fmt: skip
    come(library, *rows)
    assert shown(library)[0][1][0] == rows[1].name


def test_apart_stays_apart_whatever_comes(library: Library) -> None:
    come(library, *FRAMES[:3])
    show_apart(library, ids(FRAMES[:1]))
    come(library, *FRAMES[3:])
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).values(sequence_checked=None))
    list(stack_sequences(library))
    assert shown(library) == [("burst", names(FRAMES[3:]))]
    edits.undo(library)
    assert {name for _, members in shown(library) for name in members} == set(names(FRAMES))


def test_what_a_person_stacks_stays(library: Library) -> None:
    come(library, FRAMES[0], ALONE)
    stack_photos_of(library, ids([ALONE, FRAMES[0]]))
    come(library, *FRAMES[1:3])
    assert shown(library) == [
        ("burst", names([ALONE, FRAMES[0]])),
        ("burst", names(FRAMES[1:3])),
    ]


def test_raw_files_and_edits_belong_to_their_shot(library: Library) -> None:
    raws = [
        Row(row.name.replace("JPG", "CR2"), camera=row.camera, taken_at=row.taken_at, hash=0,
            more=dict(row.more) | {"format": "CR2"})
        for row in FRAMES[:2]
    ]  # fmt: skip
    first, second = ([FRAMES[i], raws[i]] for i in (0, 1))
    come(library, first[1], *second, first[0])
    assert shown(library) == [("burst", names([*first, *second]))]
    edit = Row(
        FRAMES[1].name.replace(".JPG", "-edited.JPG"), camera=FRAMES[1].camera,
        taken_at=FRAMES[1].taken_at, hash=0, more=FRAMES[1].more,
    )  # fmt: skip
    come(library, edit)
    assert shown(library) == [("burst", names([edit, *second, *first]))]


def test_of_a_bracket_the_normal_exposure_is_on_top(library: Library) -> None:
    more: dict[str, Any] = {"exposure_s": 0.004, "f_number": 5.6, "iso": 200}
    rows = [frame(n, exposure_bias=bias, **more) for n, bias in enumerate((-2.0, 0.0, 2.0))]
    come(library, *rows)
    assert shown(library) == [("bracket", names([rows[1], rows[0], rows[2]]))]


def test_another_scene_and_another_time_come_in_beside(library: Library) -> None:
    come(library, *FRAMES[:2], frame(2, scene=3), frame(2400))
    assert shown(library) == [("burst", names(FRAMES[:2]))]


def test_photos_without_time_camera_or_thumbnail_are_checked_once(library: Library) -> None:
    add(library, Row("a.jpg"), Row("b.jpg", taken_at="2024-07-15"), *FRAMES[:2])
    assert list(stack_sequences(library)) == [4]
    assert shown(library) == []
    assert count_unchecked(library) == 0


def test_many_photos_of_one_name_cost_no_more_each(library: Library) -> None:
    """Each that comes in is compared with as many as show that they are no pairs."""

    def steps_of_adding(number: int) -> int:
        steps: list[int] = []
        row = Row(f"{number}", more={"name": "image.jpg", "folder": None})
        add(library, row)
        written = WrittenPhoto(row.id, None, np.zeros(1, np.float32), "b")
        with library.database.writer.begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(lambda: steps.append(1), 100)
            write_stack(connection, written)
            driver.set_progress_handler(None, 0)
        return len(steps)

    steps = [steps_of_adding(number) for number in range(160)]
    assert steps[159] < 1.3 * steps[70]
    assert shown(library) == []
