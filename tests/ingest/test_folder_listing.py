"""Folders to choose from: what is listed, counted, hidden, and what cannot be read."""

import os
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from scene_model.errors import FolderInaccessible, PathNotFound
from scene_model.ingest.folder_listing import (
    MAX_COUNTING_S,
    MAX_ENTRIES_COUNTED,
    PhotoCount,
    list_folder,
    make_folder,
)
from scene_model.ingest.start_folders import (
    MAX_LAST_FOLDERS,
    Place,
    breadcrumbs,
    drive_letters,
    last_folders,
    mounted_drives,
    remember_folder,
    usual_places,
)
from scene_model.services import Services


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_folders_are_listed_by_name_with_their_photos(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "notes.txt", "._a.jpg")
    touch(tmp_path / "rome", "1.JPG", "2.mov", "3.mpg")
    touch(tmp_path / "Lisbon" / "deeper", "1.jpg")
    touch(tmp_path / ".thumbs", "1.jpg")
    listing = list_folder(tmp_path)
    assert [folder.path.name for folder in listing.folders] == ["Lisbon", "rome"]
    assert [folder.count for folder in listing.folders] == [
        PhotoCount(0, True),
        PhotoCount(2, True),
    ]
    assert listing.count == PhotoCount(1, True)
    assert listing.hidden == 1
    assert [f.path.name for f in list_folder(tmp_path, with_hidden=True).folders][0] == ".thumbs"


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_loops_of_links_end(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "back").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    assert [folder.path.name for folder in list_folder(tmp_path).folders] == ["album"]
    again = list_folder(tmp_path / "album" / "back" / "album")
    assert [folder.path.name for folder in again.folders] == ["back"]


def test_thousands_of_entries_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "many", *(f"{i}.jpg" for i in range(MAX_ENTRIES_COUNTED + 1)))
    (many,) = list_folder(tmp_path).folders
    assert many.count == PhotoCount(MAX_ENTRIES_COUNTED, False)
    assert list_folder(tmp_path / "many").count == PhotoCount(MAX_ENTRIES_COUNTED + 1, True)
    monkeypatch.setattr("scene_model.ingest.folder_listing.MAX_ENTRIES", 100)
    cut = list_folder(tmp_path / "many")
    assert not cut.is_complete
    assert cut.count == PhotoCount(100, False)


def test_counting_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    for name in "abc":
        touch(tmp_path / name, "1.jpg")
    times = iter([0.0, 0.1, MAX_COUNTING_S + 1, MAX_COUNTING_S + 2])
    listing = list_folder(tmp_path, clock=lambda: next(times))
    assert [folder.count for folder in listing.folders] == [PhotoCount(1, True), None, None]


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may read every folder"
)
def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0)
    (private,) = list_folder(tmp_path).folders
    assert not private.is_readable
    with pytest.raises(FolderInaccessible, match="private cannot be read"):
        list_folder(tmp_path / "private")


def test_an_unreadable_folder_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "private")
    touch(tmp_path / "public", "1.jpg")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    private, public = list_folder(tmp_path).folders
    assert not private.is_readable
    assert public.count == PhotoCount(1, True)
    with pytest.raises(FolderInaccessible, match="cannot be read: Permission denied"):
        list_folder(tmp_path / "private")


def test_no_such_folder(tmp_path: Path) -> None:
    touch(tmp_path, "file.jpg")
    for path in (tmp_path / "missing", tmp_path / "file.jpg"):
        with pytest.raises(PathNotFound, match="There is no folder"):
            list_folder(path)


def test_a_new_folder(tmp_path: Path) -> None:
    assert make_folder(tmp_path, " Sorted photos ") == tmp_path / "Sorted photos"
    assert (tmp_path / "Sorted photos").is_dir()
    with pytest.raises(FolderInaccessible, match="already has"):
        make_folder(tmp_path, "Sorted photos")


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "../a", "/etc", "a\0b"])
def test_names_that_no_folder_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(FolderInaccessible, match="cannot be the name"):
        make_folder(tmp_path / "parent", name)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(FolderInaccessible, match="cannot be made in"):
        make_folder(tmp_path / "missing", "new")


def test_breadcrumbs() -> None:
    windows = breadcrumbs(PureWindowsPath("C:\\Users\\me"))
    assert [str(folder) for folder in windows] == ["C:\\", "C:\\Users", "C:\\Users\\me"]
    share = breadcrumbs(PureWindowsPath("\\\\nas\\photos\\2024"))
    assert [str(folder) for folder in share] == ["\\\\nas\\photos\\", "\\\\nas\\photos\\2024"]
    assert [str(f) for f in breadcrumbs(PurePosixPath("/home/me"))] == ["/", "/home", "/home/me"]


def test_drives(tmp_path: Path) -> None:
    assert drive_letters(lambda name: name in ("C:\\", "E:\\")) == ["C:\\", "E:\\"]
    for folder in ("media/ada/Card", "media/eve/Hers", "mnt/nas", "Volumes/Disk"):
        touch(tmp_path / folder)
    touch(tmp_path / "mnt", "file")
    linux = mounted_drives("Linux", "ada", tmp_path)
    assert [drive.name for drive in linux] == ["Card", "nas"]
    assert [drive.name for drive in mounted_drives("Darwin", "ada", tmp_path)] == ["Disk"]


def test_usual_places_exist_and_are_named_once(tmp_path: Path) -> None:
    home = tmp_path / "ada"
    touch(home / "Pictures")
    touch(tmp_path / "Card")
    gone = [home / "gone", home / "Pictures"]
    assert usual_places(home, home / "Pictures", [tmp_path / "Card"], gone) == [
        Place("Home", home, "home"),
        Place("Pictures", home / "Pictures", "image"),
        Place("Card", tmp_path / "Card", "hard_drive"),
    ]


def test_last_folders(services: Services, tmp_path: Path) -> None:
    library = services.library
    assert last_folders(library) == []
    for number in (*range(MAX_LAST_FOLDERS + 2), 4):
        remember_folder(library, tmp_path / str(number))
    assert [folder.name for folder in last_folders(library)] == ["4", "6", "5", "3", "2"]
