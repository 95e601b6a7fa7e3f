"""Which groups are ranked: bursts and similar shots, and nothing that needs all of its photos."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from scene_model.duplicates.missing_shot_facts import count_unmeasured, fill_missing_shot_facts
from scene_model.duplicates.shot_groups import ShotGroup, shot_groups
from scene_model.library import edits
from scene_model.library.albums.album_edits import (
    add_to_album,
    create_album,
    delete_album,
    set_album_cover,
)
from scene_model.library.database.schema import (
    near_duplicates,
    photos,
    stack_photos,
    stacks,
    trip_photos,
    trips,
)
from scene_model.library.stacks.stack_edits import choose_pick, show_apart
from scene_model.library.store import Library
from scene_model.services import Services
from tests.library.rows import Row, add

SHARP = {"sharpness": 0.6, "clipped": 0.0, "brightness": 0.4, "white_level": 0.9} | {
    "tonal_range": 5.0,
    "sequence_checked": True,
    "folder": "/photos",
}
SOFT = SHARP | {"sharpness": 0.2}
A, B, C = Row("a.jpg", more=SOFT), Row("b.jpg", more=SHARP), Row("c.jpg", more=SOFT)
RAW = Row("a.cr2", more=SOFT | {"format": "CR2"})


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def stack(library: Library, kind: str, *members: Row, made_by: str = "program") -> None:
    with library.database.writer.begin() as connection:
        made = connection.execute(insert(stacks).values(kind=kind, made_by=made_by))
        rows = connection.execute(select(photos.c.id, photos.c.number)).all()
        numbers = {row.id: row.number for row in rows}
        for position, row in enumerate(members):
            values = {"stack_id": made.lastrowid, "position": position}
            connection.execute(insert(stack_photos).values(photo=numbers[row.id], **values))


def similar(library: Library, *pairs: tuple[Row, Row]) -> None:
    with library.database.writer.begin() as connection:
        rows = connection.execute(select(photos.c.id, photos.c.number)).all()
        numbers = {row.id: row.number for row in rows}
        for pair in pairs:
            first, second = sorted(numbers[row.id] for row in pair)
            values = {"first": first, "second": second, "kind": "similar", "similarity": 0.95}
            connection.execute(insert(near_duplicates).values(**values))


def without_stacks(library: Library) -> None:
    with library.database.writer.begin() as connection:
        connection.execute(stack_photos.delete())


def only(library: Library) -> ShotGroup:
    (group,) = shot_groups(library).groups
    return group


def test_a_burst_is_ranked_by_shot_and_moves_whole_shots(library: Library) -> None:
    add(library, A, B, C, RAW)
    without_stacks(library)
    stack(library, "burst", A, B, C, RAW)
    group = only(library)
    assert (group.is_burst, group.ranking.best) == (True, B.id)
    assert set(group.files_of(group.proposed(5))) == {A.id, C.id, RAW.id}


@pytest.mark.parametrize("kind", ["bracket", "panorama"])
def test_brackets_and_panoramas_are_never_ranked(library: Library, kind: str) -> None:
    add(library, A, B, C)
    stack(library, kind, A, B)
    similar(library, (A, C), (B, C))
    assert shot_groups(library).groups == ()


def test_what_a_person_stacked_is_never_ranked(library: Library) -> None:
    add(library, A, B, C)
    stack(library, "burst", A, B, made_by="person")
    assert shot_groups(library).groups == ()


def test_similar_shots_are_ranked_with_their_pairs(library: Library) -> None:
    add(library, A, B, RAW)
    without_stacks(library)
    stack(library, "raw_jpeg", A, RAW)
    similar(library, (A, B), (RAW, B))
    group = only(library)
    assert (group.is_burst, group.ranking.best) == (False, B.id)
    assert group.files_of(group.proposed(5)) == [A.id, RAW.id]


def test_what_a_person_likes_is_never_proposed(library: Library) -> None:
    add(library, A, B, C)
    stack(library, "burst", A, B, C)
    edits.set_favourite(library, [A.id], True)
    assert only(library).proposed(10) == (C.id,)
    edits.set_rating(library, [C.id], 3)
    assert only(library).proposed(10) == ()


def test_what_a_person_put_on_top_is_never_proposed(library: Library) -> None:
    add(library, A, B, C)
    stack(library, "burst", A, B, C)
    choose_pick(library, C.id)
    assert only(library).proposed(10) == (A.id,)
    edits.undo(library)
    assert set(only(library).proposed(10)) == {A.id, C.id}


def test_what_is_in_an_album_without_the_best_is_never_proposed(library: Library) -> None:
    add(library, A, B, C)
    stack(library, "burst", A, B, C)
    album = create_album(library, "Chosen", [A.id])
    assert only(library).proposed(10) == (C.id,)
    add_to_album(library, album, [B.id])
    assert set(only(library).proposed(10)) == {A.id, C.id}
    set_album_cover(library, album, A.id)
    assert only(library).proposed(10) == (C.id,)
    delete_album(library, album)
    assert set(only(library).proposed(10)) == {A.id, C.id}


def test_what_a_person_put_into_a_trip_without_the_best_is_never_proposed(
    library: Library,
) -> None:
    add(library, A, B, C)
    stack(library, "burst", A, B, C)
    with library.database.writer.begin() as connection:
        trip = connection.execute(
            insert(trips).values(title="Rome", folded_title="rome", state="accepted", kind="trip")
        )
        of_a = select(photos.c.number).where(photos.c.id == A.id).scalar_subquery()
        connection.execute(
            insert(trip_photos).values(photo=of_a, trip_id=trip.lastrowid, is_by_person=True)
        )
    assert only(library).proposed(10) == (C.id,)


def test_what_a_person_shows_apart_is_never_ranked(library: Library) -> None:
    """The photos of a bracket are alike, and would be proposed as too dark."""
    add(library, A, B, C)
    stack(library, "bracket", A, B)
    similar(library, (A, B), (B, C), (A, C))
    show_apart(library, [A.id])
    assert shot_groups(library).groups == ()


def test_nothing_is_proposed_before_sequences_were_looked_for(library: Library) -> None:
    """Photos of an earlier version are measured first; what looks like a burst may be a bracket."""
    add(library, A, B, C)
    stack(library, "burst", A, B, C)
    with library.database.writer.begin() as connection:
        connection.execute(photos.update().values(sequence_checked=None))
    assert only(library).proposed(10) == ()


def test_photos_of_a_burst_that_have_one_name_are_shots_of_their_own(library: Library) -> None:
    """Some phones send all photos as "image.jpg"."""
    rows = [replace(row, more={**row.more, "name": "image.jpg"}) for row in (A, B, C)]
    add(library, *rows)
    without_stacks(library)
    stack(library, "burst", *rows)
    assert set(only(library).proposed(10)) == {A.id, C.id}


def test_photos_in_the_trash_do_not_count(library: Library) -> None:
    add(library, A, B, C)
    stack(library, "burst", A, B, C)
    edits.move_to_trash(library, [A.id, C.id])
    assert shot_groups(library).groups == ()
    edits.undo(library)
    assert len(only(library).files) == 3


@pytest.mark.slow
def test_photos_of_an_earlier_version_are_measured(services: Services, temple: bytes) -> None:
    services.jobs.submit([("temple.jpg", temple)]).wait(60)
    library = services.library
    with library.database.writer.begin() as connection:
        measured = connection.execute(select(photos.c.sharpness, photos.c.white_level)).one()
        connection.execute(photos.update().values(sharpness=None, white_level=None))
    add(library, Row("lost.jpg"))
    assert count_unmeasured(library) == 2
    assert sorted(fill_missing_shot_facts(library)) == [False, True]
    with library.database.reader.begin() as connection:
        row = select(photos.c.sharpness, photos.c.white_level).where(photos.c.name == "temple.jpg")
        assert connection.execute(row).one() == measured
    assert count_unmeasured(library) == 1
