"""Emptying the trash removes what it says it removes, also when it is cut off in the middle."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.classify import Classifier
from scene_model.errors import LibraryUnavailable, PhotoNotFound
from scene_model.library import edits, trash
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash, finish_emptying, trash_contents
from scene_model.maintenance.verify import verify
from scene_model.services import Services
from tests.library.libraries import add_rows

Add = Callable[[list[tuple[str, bytes]]], list[str]]


class Killed(BaseException):
    """As if the process ended here."""


@pytest.fixture
def three(add_photos: Add, made_photos: list[tuple[str, bytes]]) -> list[str]:
    return add_photos(made_photos[:3])


@pytest.fixture
def library(services: Services, three: list[str]) -> Iterator[Library]:
    yield services.library


def files(library: Library) -> set[str]:
    found = [*library.folder.glob("originals/*/*"), *library.folder.glob("thumbnails/*/*")]
    return {path.name.partition(".")[0] for path in found}


def test_what_is_in_the_trash_goes_for_good(library: Library, three: list[str]) -> None:
    gone, others = three[0], set(three[1:])
    file_bytes = library.photo(gone).file_bytes
    thumbnail = library.thumbnail(gone)
    edits.add_tag(library, three, "mine")
    edits.move_to_trash(library, [gone])
    contents = trash_contents(library)
    assert (contents.photo_ids, contents.file_bytes, contents.referenced) == (
        (gone,),
        file_bytes,
        0,
    )
    emptied = empty_trash(library, contents.photo_ids)
    assert (emptied.photo_count, emptied.unremoved_files) == (1, ())
    assert emptied.freed_bytes == file_bytes + len(thumbnail)
    assert files(library) == others
    with pytest.raises(PhotoNotFound):
        library.photo(gone)
    assert verify(library).problems == ()
    # What was done to the others can still be undone; moving to the trash cannot.
    assert edits.undo(library) == edits.EditDone("Added “mine”", 2)
    assert edits.undo(library) is None
    assert edits.redo(library) == edits.EditDone("Added “mine”", 2)


def test_only_what_was_asked_about_goes(library: Library, three: list[str]) -> None:
    edits.move_to_trash(library, three)
    asked = trash_contents(library).photo_ids[:2]
    edits.restore(library, asked[:1])  # in another window, before the answer
    assert empty_trash(library, [*asked, "0" * 64]).photo_count == 1
    assert library.find() == [asked[0]]
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


@pytest.mark.parametrize("step", ["_write_list", "_delete_rows", "_remove_files", "_remove"])
def test_killed_in_the_middle(
    library: Library, three: list[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    edits.move_to_trash(library, three[:2])

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(trash, step, kill)
        empty_trash(library, three[:2])
    with Library(library.folder) as opened:
        rows = {*opened.find(), *opened.find(trashed=True)}
        assert rows <= files(opened), "no row without its file"
        is_done = step in ("_remove_files", "_remove")
        assert len(rows) == (1 if is_done else 3), "the rows go together"
        found = {problem.code for problem in verify(opened).problems}
        listed = {"unfinished_emptying"} if step != "_write_list" else set()
        assert found == listed | ({"orphan_original", "orphan_thumbnail"} if is_done else set())
        finish_emptying(opened)
        assert files(opened) == rows
        assert verify(opened).problems == ()


def test_what_is_added_again_meanwhile_keeps_its_file(
    services: Services,
    library: Library,
    three: list[str],
    classifier: Classifier,
    made_photos: list[tuple[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edits.move_to_trash(library, three[:1])
    remove_files = trash._remove_files
    name, data = made_photos[0]

    def add_first(library: Library, listing: Path) -> tuple[int, tuple[Path, ...]]:
        look = classifier.predict(data)
        library.add(NewPhoto(data, name, "2026-01-01"), look, classifier.provenance)
        return remove_files(library, listing)

    monkeypatch.setattr(trash, "_remove_files", add_first)
    assert empty_trash(library, three[:1]) == trash.EmptyTrashResult(1, 0)
    assert library.original_path(three[0]).read_bytes() == data
    assert trash.unfinished_lists(library) == []


def test_adding_puts_back_an_original_that_went_meanwhile(
    library: Library, classifier: Classifier, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, times = Library._write_files, iter(range(2))

    def lose_the_file_between(*arguments: Any) -> None:
        keep(*arguments)
        if next(times) == 0:
            for file in library.folder.glob("originals/83/*"):
                file.unlink()

    monkeypatch.setattr(Library, "_write_files", lose_the_file_between)
    look = classifier.predict(temple)
    added = library.add(NewPhoto(temple, "t.jpg", "2026-01-01"), look, classifier.provenance)
    assert library.original_path(added.id).read_bytes() == temple


def test_a_file_that_cannot_be_removed_is_named_and_tried_again(
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


def test_a_list_that_is_not_ours_removes_nothing(library: Library, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"mine")
    trash.trash_dir(library).mkdir()
    listing = trash.trash_dir(library) / "emptying-0.json"
    listing.write_text(json.dumps([{"id": "../../../outside", "format": "JPEG"}]))
    (trash.trash_dir(library) / "emptying-1.json").write_text("nonsense")
    finish_emptying(library)
    assert outside.exists()
    assert not listing.exists()


def test_a_trash_that_cannot_be_written(library: Library, three: list[str]) -> None:
    edits.move_to_trash(library, three)
    trash.trash_dir(library).write_text("in the way")
    with pytest.raises(LibraryUnavailable, match="cannot be written"):
        empty_trash(library, three)
    assert library.count(trashed=True) == 3


def test_ten_thousand(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        edits.move_to_trash(library, add_rows(library, 10_000))
        assert empty_trash(library, trash_contents(library).photo_ids).photo_count == 10_000
        assert library.count(trashed=True) == 0
