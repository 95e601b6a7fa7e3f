"""Photos are judged as they are added and tagged again; those of older versions later."""

import io
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, update

from scene_model.library.clutter.clutter_edits import keep_in_timeline, set_apart
from scene_model.library.clutter.clutter_rows import (
    clutter_groups,
    count_apart,
    count_unjudged,
    guesses_of,
    judge_photos,
    judge_unjudged,
)
from scene_model.library.clutter.conditions import ClutterKind, is_clutter
from scene_model.library.database.schema import photos
from scene_model.library.edits import move_to_trash
from scene_model.library.store import Library
from scene_model.maintenance.row_check import row_problems
from scene_model.services import Services
from tests.library.rows import Row, put

Add = Callable[[list[tuple[str, bytes]]], list[str]]
SCREEN = {"format": "PNG", "width": 1170, "height": 2532}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        yield opened


def test_photos_of_an_older_version_are_judged_in_batches_that_can_be_interrupted(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(library, [Row(f"Screenshot_{i}.png", more=SCREEN) for i in range(5)])
    assert count_unjudged(library.database) == 5
    assert library.find(is_clutter()) == []
    monkeypatch.setattr("scene_model.library.clutter.clutter_rows._BATCH", 2)
    assert list(islice(judge_unjudged(library.database), 1)) == [2]
    assert count_unjudged(library.database) == 3
    assert list(judge_unjudged(library.database)) == [2, 3]
    assert len(library.find(is_clutter(ClutterKind.SCREENSHOT))) == 5


def test_a_new_rule_judges_again_and_keeps_decisions(library: Library) -> None:
    kept, judged = Row("Screenshot_1.png", more=SCREEN), Row("Screenshot_2.png", more=SCREEN)
    put(library, [kept, judged])
    list(judge_unjudged(library.database))
    keep_in_timeline(library, [kept.id])
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).values(clutter_rule=0, auto_clutter=None))
    list(judge_unjudged(library.database))
    assert library.find(is_clutter()) == [judged.id]


def test_groups_of_proposals_and_of_what_is_apart(library: Library) -> None:
    rows = [Row(f"Screenshot_{i}.png", more=SCREEN | {"file_bytes": 10 + i}) for i in range(4)]
    black = Row("a.jpg", more={"white_level": 0.0, "brightness": 0.0})
    put(library, [*rows, black])
    list(judge_unjudged(library.database))
    set_apart(library, [rows[0].id])
    move_to_trash(library, [rows[1].id])
    groups = [(g.kind, g.is_apart, g.photo_ids) for g in clutter_groups(library.database)]
    assert groups == [
        ("screenshot", False, (rows[3].id, rows[2].id)),
        ("black", False, (black.id,)),
        ("screenshot", True, (rows[0].id,)),
    ]
    assert count_apart(library.database) == 1
    assert set(guesses_of(library.database, [rows[0].id, "unknown"])) == {rows[0].id}


def test_a_damaged_kind_is_reported(library: Library) -> None:
    put(library, [Row("a.jpg", more={"human_clutter": "rubbish"})])
    connection = sqlite3.connect(library.folder / "library.db")
    messages = row_problems(connection)
    connection.close()
    assert [m for m in messages if "clutter" in m] == [
        "a photo is clutter of a kind that there is not"
    ]


@pytest.mark.slow
def test_a_photo_is_judged_as_it_is_added_and_as_it_is_tagged_again(
    services: Services, add_photos: Add, flower: bytes
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (1170, 2532), (240, 240, 240)).save(stream, "PNG")
    screen, photo = add_photos([("Screenshot_1.png", stream.getvalue()), ("IMG_1.jpg", flower)])
    library = services.library
    assert library.find(is_clutter()) == [screen]
    assert count_unjudged(library.database) == 0
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).values(auto_clutter=None, clutter_rule=None))
    predictions = services.classifier.predict_embedding(library.embedding(screen).values)
    library.replace_predictions(screen, predictions, services.classifier.provenance)
    assert library.find(is_clutter()) == [screen]
    assert count_unjudged(library.database) == 1
    assert photo not in guesses_of(library.database, [screen, photo])


def test_a_decision_stays_when_a_photo_is_judged(library: Library) -> None:
    row = Row("IMG_1.jpg")
    put(library, [row])
    set_apart(library, [row.id], ClutterKind.DOCUMENT)
    with library.database.writer.begin() as connection:
        judge_photos(connection, [row.id])
        values = connection.execute(select(photos.c.human_clutter, photos.c.auto_clutter)).one()
    assert tuple(values) == ("document", None)
