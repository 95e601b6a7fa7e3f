"""Emptying the trash removes exactly the photos it was given, even when it is interrupted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from scene_model.classifier.classify import Classifier
from scene_model.errors import LibraryUnavailable, PhotoNotFound
from scene_model.library import edits, trash
from scene_model.library.files.file_system import FileSystem
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash, finish_emptying, trash_contents
from scene_model.maintenance.verify import verify
from scene_model.services import Services
from tests.library.libraries import add_rows

Add = Callable[[list[tuple[str, bytes]]], list[str]]


class Kill(BaseException):
    """Stands for the end of the process."""


class KilledBefore(FileSystem):
    """Raises Kill before the step of one kind with a given number, from 1."""

    def __init__(self, step: str, number: int) -> None:
        self.step, self.number, self.count = step, number, 0

    def before_step(self, step: str, path: Path) -> None:
        if step == self.step:
            self.count += 1
            if self.count == self.number:
                raise Kill


def kill_before_statement(library: Library, statement_start: str) -> None:
    @event.listens_for(library.database.writer, "before_cursor_execute")
    def kill(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(statement_start):
            raise Kill


def kill_before_commit(library: Library) -> None:
    @event.listens_for(library.database.writer, "commit")
    def kill(_: Any) -> None:
        raise Kill


def run_before_writing(library: Library, action: Callable[[], object]) -> None:
    """Run an action once a transaction is about to request the write lock."""

    @event.listens_for(library.database.writer, "checkout")  # before BEGIN IMMEDIATE
    def run(*_: Any) -> None:
        action()


@pytest.fixture
def three(add_photos: Add, made_photos: list[tuple[str, bytes]]) -> list[str]:
    return add_photos(made_photos[:3])


@pytest.fixture
def library(services: Services, three: list[str]) -> Iterator[Library]:
    yield services.library


def files(library: Library) -> set[str]:
    paths = [*library.folder.glob("originals/*/*"), *library.folder.glob("thumbnails/*/*")]
    return {path.name.partition(".")[0] for path in paths}


def test_photos_in_the_trash_are_deleted_permanently(library: Library, three: list[str]) -> None:
    deleted_id, remaining_ids = three[0], set(three[1:])
    file_bytes = library.photo(deleted_id).file_bytes
    thumbnail = library.thumbnail(deleted_id)
    edits.add_tag(library, three, "mine")
    edits.move_to_trash(library, [deleted_id])
    contents = trash_contents(library)
    assert (contents.photo_ids, contents.file_bytes, contents.referenced) == (
        (deleted_id,),
        file_bytes,
        0,
    )
    emptied = empty_trash(library, contents.photo_ids)
    assert (emptied.photo_count, emptied.unremoved_files) == (1, ())
    assert emptied.freed_bytes == file_bytes + len(thumbnail)
    assert files(library) == remaining_ids
    with pytest.raises(PhotoNotFound):
        library.photo(deleted_id)
    assert verify(library).problems == ()
    # Edits of the remaining photos can still be undone; moving to the trash cannot.
    assert edits.undo(library) == edits.EditResult("Added “mine”", 2)
    assert edits.undo(library) is None
    assert edits.redo(library) == edits.EditResult("Added “mine”", 2)


def test_only_the_given_photos_are_deleted(library: Library, three: list[str]) -> None:
    edits.move_to_trash(library, three)
    given_ids = trash_contents(library).photo_ids[:2]
    edits.restore(library, given_ids[:1])  # in another window, before the confirmation
    assert empty_trash(library, [*given_ids, "0" * 64]).photo_count == 1
    assert library.find() == [given_ids[0]]
    assert library.count(trashed=True) == 1
    assert len(files(library)) == 2
    assert empty_trash(library, []).photo_count == 0


def test_a_referenced_file_is_never_touched(
    library: Library, three: list[str], tmp_path: Path
) -> None:
    own = tmp_path / "mine.jpg"
    library.original_path(three[0]).rename(own)
    with library.database.writer.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE photos SET reference = ? WHERE id = ?", (str(own), three[0])
        )
    edits.move_to_trash(library, three[:2])
    contents = trash_contents(library)
    assert contents.referenced == 1
    assert contents.file_bytes == library.photo(three[1]).file_bytes
    assert empty_trash(library, contents.photo_ids).photo_count == 2
    assert own.is_file()
    assert files(library) == {three[2]}


# One photo has 2 files: 4 are removed, then their list is the fifth.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "number", "are_rows_deleted", "expected_codes"),
    [
        ("write", 1, False, set()),
        ("rename", 1, False, {"leftover_file"}),
        ("flush folder", 1, False, {"unfinished_emptying"}),
        ("DELETE FROM photos", 1, False, {"unfinished_emptying"}),
        ("commit", 1, False, {"unfinished_emptying"}),
        ("remove", 1, True, {"unfinished_emptying", "orphan_original", "orphan_thumbnail"}),
        ("remove", 2, True, {"unfinished_emptying", "orphan_original", "orphan_thumbnail"}),
        ("remove", 4, True, {"unfinished_emptying", "orphan_original"}),
        ("remove", 5, True, {"unfinished_emptying"}),
    ],
)
def test_killed_in_the_middle(
    services: Services,
    three: list[str],
    step: str,
    number: int,
    are_rows_deleted: bool,
    expected_codes: set[str],
) -> None:
    edits.move_to_trash(services.library, three[:2])
    folder = services.library.folder
    with Library(folder, KilledBefore(step, number)) as library:
        if step == "commit":
            kill_before_commit(library)
        elif step.startswith("DELETE"):
            kill_before_statement(library, step)
        with pytest.raises(Kill):
            empty_trash(library, three[:2])
    with Library(folder) as opened:
        rows = {*opened.find(), *opened.find(trashed=True)}
        assert rows <= files(opened), "no row without its file"
        assert len(rows) == (1 if are_rows_deleted else 3), "one transaction"
        assert {problem.code for problem in verify(opened, settle_s=0).problems} == expected_codes
        finish_emptying(opened)
        assert files(opened) == rows
        remaining_codes = {problem.code for problem in verify(opened, settle_s=0).problems}
        assert remaining_codes == expected_codes & {"leftover_file"}


def test_a_photo_added_again_meanwhile_keeps_its_file(
    library: Library,
    three: list[str],
    classifier: Classifier,
    made_photos: list[tuple[str, bytes]],
) -> None:
    edits.move_to_trash(library, three[:1])
    name, data = made_photos[0]
    prediction = classifier.predict(data)
    added = list[str]()

    # A connection is returned to the pool after its transaction, here the one that deletes rows.
    @event.listens_for(library.database.writer, "checkin")
    def add_again(*_: Any) -> None:
        if trash.unfinished_lists(library) and not added:
            added.append(name)
            library.add(NewPhoto(data, name, "2026-01-01"), prediction, classifier.provenance)

    assert empty_trash(library, three[:1]) == trash.EmptyTrashResult(1, 0)
    assert added
    assert library.original_path(three[0]).read_bytes() == data
    assert trash.unfinished_lists(library) == []


def test_adding_rewrites_an_original_that_was_removed_meanwhile(
    library: Library, classifier: Classifier, temple: bytes
) -> None:
    removed = list[Path]()

    def remove_original() -> None:
        for file in library.folder.glob("originals/83/*"):
            file.unlink()
            removed.append(file)

    run_before_writing(library, remove_original)
    prediction = classifier.predict(temple)
    added = library.add(NewPhoto(temple, "t.jpg", "2026-01-01"), prediction, classifier.provenance)
    assert len(removed) == 1
    assert library.original_path(added.id).read_bytes() == temple


def test_a_file_that_cannot_be_removed_is_reported_and_retried(
    library: Library, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    edits.move_to_trash(library, three[:1])
    original = library.original_path(three[0])
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == original:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert empty_trash(library, three[:1]).unremoved_files == (original,)
    assert len(trash.unfinished_lists(library)) == 1
    assert finish_emptying(library).unremoved_files == ()
    assert not original.exists()


@pytest.mark.slow
def test_an_invalid_list_removes_nothing(library: Library, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"mine")
    trash.trash_dir(library).mkdir()
    list_file = trash.trash_dir(library) / "emptying-0.json"
    list_file.write_text(json.dumps([{"id": "../../../outside", "format": "JPEG"}]))
    (trash.trash_dir(library) / "emptying-1.json").write_text("nonsense")
    finish_emptying(library)
    assert outside.exists()
    assert not list_file.exists()


@pytest.mark.slow
def test_a_trash_folder_that_cannot_be_written(library: Library, three: list[str]) -> None:
    edits.move_to_trash(library, three)
    trash.trash_dir(library).write_text("in the way")
    with pytest.raises(LibraryUnavailable, match="cannot be written"):
        empty_trash(library, three)
    assert library.count(trashed=True) == 3


@pytest.mark.slow
def test_ten_thousand(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        edits.move_to_trash(library, add_rows(library, 10_000))
        assert empty_trash(library, trash_contents(library).photo_ids).photo_count == 10_000
        assert library.count(trashed=True) == 0
