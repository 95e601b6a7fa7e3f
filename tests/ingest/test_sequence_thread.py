"""One thread at a time stacks sequences, and its errors do not fail what added the photos."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scene_model.duplicates.sequences import count_unchecked
from scene_model.ingest.sequence_thread import SequenceThread, stack_new_sequences
from scene_model.library.clutter.clutter_rows import count_unjudged
from scene_model.library.clutter.conditions import is_clutter
from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.library.store import Library
from tests.library.rows import Row, add
from tests.pictures import textured

BURST = [
    Row(
        f"DSC_{number:04d}.JPG",
        camera="Canon EOS R7",
        taken_at="2024-07-15T12:00:07",
        more={"subsecond": number / 10, "folder": None},
    )
    for number in range(4)
]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as opened:
        for row in BURST:
            opened.files.store_thumbnail(row.id, np.asarray(textured(320, 240)))
        yield opened


def test_an_error_is_logged_and_the_next_run_tries_again(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add(library, *BURST)
    with monkeypatch.context() as patch:
        patch.setattr(library, "thumbnail", lambda photo_id: 1 / 0)
        stack_new_sequences(library)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert count_unchecked(library) == 4
    stack_new_sequences(library)
    assert [len(stack.photo_ids) for stack in all_stacks(library)] == [4]


def test_a_run_does_what_came_in_meanwhile_and_nobody_waits_for_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(library, *BURST[:2])
    read_thumbnail, is_reading, may_go_on = library.thumbnail, threading.Event(), threading.Event()

    def read_slowly(photo_id: str) -> bytes:
        is_reading.set()
        assert may_go_on.wait(60)
        return read_thumbnail(photo_id)

    monkeypatch.setattr(library, "thumbnail", read_slowly)
    thread = SequenceThread(library)
    thread.start()
    assert is_reading.wait(60)
    add(library, *BURST[2:])
    stack_new_sequences(library)
    assert count_unchecked(library) == 4, "it did not wait"
    may_go_on.set()
    wait_until_done(library)
    thread.close()
    assert [len(stack.photo_ids) for stack in all_stacks(library)] == [4]


def test_a_thread_ends_after_the_batch_in_work(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scene_model.duplicates.sequences._BATCH", 1)
    add(library, *BURST)
    stop = threading.Event()
    stop.set()
    stack_new_sequences(library, stop)
    assert count_unchecked(library) == 3
    stack_new_sequences(library)
    assert count_unchecked(library) == 0


def test_the_thread_judges_whether_photos_of_earlier_versions_are_clutter(
    library: Library,
) -> None:
    screen = Row("Screenshot_1.png", more={"format": "PNG", "width": 1170, "height": 2532})
    add(library, screen)
    thread = SequenceThread(library)
    thread.start()
    wait_until_done(library)
    thread.close()
    assert library.find(is_clutter()) == [screen.id]
    assert count_unjudged(library.database) == 0


def wait_until_done(library: Library) -> None:
    for _ in range(6_000):
        if not count_unchecked(library):
            return
        threading.Event().wait(0.01)
    raise AssertionError("photos are left")
