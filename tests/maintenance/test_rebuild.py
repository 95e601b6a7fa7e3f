"""Rebuilding a database from its copies and the originals; it continues after a kill."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.errors import DatabaseMissing, LibraryInUse
from scene_model.export.sidecar import Keyword, write_sidecar
from scene_model.library import edits
from scene_model.library.store import Library
from scene_model.maintenance.daily_copy import copy_database
from scene_model.maintenance.rebuild import start_rebuild
from scene_model.maintenance.verify import verify
from scene_model.services import Services

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]
DAY = datetime.date(2026, 11, 1)


@pytest.fixture
def library(services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]) -> Library:
    """Four photos with a tag, and a copy; then a fifth photo."""
    ids = add_photos(made_photos[:4])
    edits.add_tag(services.library, ids, "Grandma")
    edits.set_favourite(services.library, ids, True)
    edits.set_rating(services.library, ids, 5)
    edits.move_to_trash(services.library, ids[3:])
    copy_database(services.library.folder, DAY, keep=7)
    add_photos(made_photos[4:5])
    services.close()
    return services.library


def rebuilt(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["library", "rebuild", "--json", "--library", str(folder), *options]) == 0
    record: dict[str, object] = json.loads(capsys.readouterr().out)
    return record


def damage(folder: Path) -> bytes:
    file = folder / "library.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\x5a" * 40_000)
    (folder / "library.db-wal").unlink(missing_ok=True)
    return file.read_bytes()


def test_from_a_copy_and_the_originals(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = library.folder
    damaged = damage(folder)
    record = rebuilt(folder, capsys)
    assert (record["photos"], record["added"]) == (5, 1)
    assert str(record["copy"]).endswith(f"library-{DAY}.db")
    assert (Path(str(record["moved_aside"])) / "library.db").read_bytes() == damaged
    with Library(folder) as opened:
        assert verify(opened).problems == ()
        tagged = [p for p in opened.records(opened.find()) if "Grandma" in p.shown_tags]
        assert (len(tagged), opened.count(), opened.count(trashed=True)) == (3, 4, 1)
        assert {(p.favourite, p.rating) for p in tagged} == {(True, 5)}
    assert not (folder / "rebuilding").exists()


def test_from_the_originals_and_what_is_written_in_and_beside_them(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = library.folder
    original = next((folder / "originals").glob("*/*.jpg"))
    keywords = [Keyword("Uncle"), Keyword("beach", "camera", 0.9, "a model")]
    write_sidecar(original, keywords, rating=4)
    for path in folder.glob("library.db*"):
        path.unlink()
    record = rebuilt(folder, capsys, "--without-copies")
    assert (record["photos"], record["added"], record["copy"]) == (5, 5, None)
    with Library(folder) as opened:
        photo = opened.photo(original.stem)
        assert photo.name == f"{original.stem[:12]}.jpg"
        assert photo.rating == 4
        human = {tag.label for tag in photo.tags if tag.head == "human"}
        assert human == {"Uncle"}, "a model's tag is not a person's"
        assert {p.code for p in verify(opened).problems} <= {"orphan_original"}


def test_an_intact_database_only_gets_what_it_lacks(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = library.folder
    record = rebuilt(folder, capsys)
    assert (record["photos"], record["added"], record["moved_aside"]) == (5, 0, None)
    with Library(folder) as opened, opened.database.writer.begin() as connection:
        connection.exec_driver_sql("DELETE FROM photos WHERE id = ?", (opened.find()[0],))
    record = rebuilt(folder, capsys)
    assert (record["photos"], record["added"], record["moved_aside"]) == (5, 1, None)


def test_a_damaged_copy_is_passed_over(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = library.folder
    (folder / "copies" / "library-2026-11-02.db").write_bytes(b"SQLite format 3\0" + b"x" * 9000)
    damage(folder)
    assert str(rebuilt(folder, capsys)["copy"]).endswith(f"library-{DAY}.db")


def test_a_killed_rebuild_is_not_served_and_continues(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = library.folder
    damage(folder)
    start_rebuild(folder)
    with pytest.raises(DatabaseMissing, match="rebuild` again"):
        Library(folder)
    assert main(["library", "verify", "--repair", "--library", str(folder)]) == 1
    (folder / "library.db").unlink()  # killed before the copy was put in place
    record = rebuilt(folder, capsys)
    assert (record["photos"], record["added"]) == (5, 1)
    with Library(folder) as opened:
        assert verify(opened).problems == ()


def test_an_original_that_changed_gets_no_row(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = library.folder
    original = next((folder / "originals").glob("*/*.jpg"))
    original.write_bytes(original.read_bytes() + b"x")
    for path in folder.glob("library.db*"):
        path.unlink()
    options = ["--without-copies", "--library", str(folder)]
    assert main(["library", "rebuild", *options]) == 3
    output = capsys.readouterr()
    assert "original_changed" in output.err
    assert "4 photos; 4 added" in output.out
    assert original.exists()


def test_not_while_it_is_in_use(library: Library) -> None:
    with Library(library.folder) as opened:
        opened.count()
        with pytest.raises(LibraryInUse):
            start_rebuild(library.folder)
    assert not (library.folder / "rebuilding").exists()


def test_there_must_be_a_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "rebuild", "--library", str(tmp_path / "none")]) == 2
    assert "no library" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
