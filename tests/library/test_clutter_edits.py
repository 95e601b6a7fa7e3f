"""What people decide about clutter: photos leave the timeline and come back, with undo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from scene_model.library.clutter.clutter_edits import keep_in_timeline, set_apart, withdraw_clutter
from scene_model.library.clutter.conditions import ClutterKind, is_apart, is_clutter
from scene_model.library.database.schema import photos
from scene_model.library.edits import redo, undo
from scene_model.library.store import Library
from tests.library.rows import Row, put

SCREEN, BILL, BEACH = (
    Row("screen.png", more={"auto_clutter": "screenshot"}),
    Row("bill.jpg", more={"auto_clutter": "receipt"}),
    Row("beach.jpg"),
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        put(opened, [SCREEN, BILL, BEACH])
        yield opened


def decisions(library: Library) -> dict[str, str | None]:
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(photos.c.name, photos.c.human_clutter)).all()
    return {row.name: row.human_clutter for row in rows}


def test_a_proposal_leaves_the_timeline_only_when_a_person_accepts_it(library: Library) -> None:
    assert set(library.find(is_clutter())) == {SCREEN.id, BILL.id}
    assert library.find(is_apart()) == []
    result = set_apart(library, [SCREEN.id, BILL.id])
    assert result.photo_count == 2
    assert set(library.find(is_apart())) == {SCREEN.id, BILL.id}
    assert decisions(library) == {
        "screen.png": "screenshot",
        "bill.jpg": "receipt",
        "beach.jpg": None,
    }


def test_a_photo_that_is_kept_is_no_clutter(library: Library) -> None:
    keep_in_timeline(library, [BILL.id])
    assert library.find(is_clutter()) == [SCREEN.id]
    # Set apart by hand later, it is what it was taken for.
    set_apart(library, [BILL.id])
    assert library.find(is_clutter(ClutterKind.RECEIPT)) == [BILL.id]


def test_each_decision_is_undone_and_redone_as_a_whole(library: Library) -> None:
    before = decisions(library)
    set_apart(library, [SCREEN.id, BILL.id])
    apart = decisions(library)
    keep_in_timeline(library, [SCREEN.id, BEACH.id])
    kept = decisions(library)
    assert kept == {"screen.png": "", "bill.jpg": "receipt", "beach.jpg": ""}
    undo(library)
    assert decisions(library) == apart
    undo(library)
    assert decisions(library) == before
    redo(library)
    redo(library)
    assert decisions(library) == kept


def test_a_photo_set_apart_by_hand_has_a_kind(library: Library) -> None:
    set_apart(library, [BEACH.id])
    assert library.find(is_clutter(ClutterKind.OTHER)) == [BEACH.id]
    set_apart(library, [BEACH.id], ClutterKind.MEME)
    assert library.find(is_clutter(ClutterKind.MEME)) == [BEACH.id]
    withdraw_clutter(library, [BEACH.id])
    assert decisions(library)["beach.jpg"] is None


def test_deciding_the_same_again_is_no_edit(library: Library) -> None:
    set_apart(library, [SCREEN.id])
    assert set_apart(library, [SCREEN.id, "no such photo"]).photo_count == 0
    undo(library)
    assert decisions(library)["screen.png"] is None
