"""Class folders of one's own: what is a class, what is passed over, what is refused."""

import shutil
from pathlib import Path

import pytest

from scene_model.classifier.fitting.class_folders import label_of_folder, read_class_folders
from scene_model.classifier.fitting.examples import load_folders
from scene_model.errors import UnusableFolders
from tests.pictures import write_class_folders


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "mine", photos=6, side=32)


def test_folders_are_classes_with_ids_names_and_files(folders: Path) -> None:
    (folders / "Forest" / "2019").mkdir()
    (folders / "Forest" / "00.png").rename(folders / "Forest" / "2019" / "00.png")
    (folders / "Forest" / "notes.txt").write_text("not a picture")
    (folders / ".trash").mkdir()
    classes, passed_over = read_class_folders(folders)
    assert [(c.label.id, c.label.name, len(c.files)) for c in classes] == [
        ("beach", "Beach", 6),
        ("forest", "Forest", 6),
        ("old_town", "Old Town", 6),
    ]
    assert passed_over == []


def test_small_and_empty_folders_are_passed_over_by_name(folders: Path) -> None:
    (folders / "Empty").mkdir()
    for number in range(2):
        (folders / "Beach" / f"0{number}.png").unlink()
    classes, passed_over = read_class_folders(folders)
    assert [c.label.id for c in classes] == ["forest", "old_town"]
    assert passed_over == [
        "Beach: holds 4 pictures; a class needs at least 5, so it is left out",
        "Empty: holds no pictures; a class needs at least 5, so it is left out",
    ]


def test_one_class_is_no_choice(folders: Path) -> None:
    shutil.rmtree(folders / "Beach")
    shutil.rmtree(folders / "Forest")
    with pytest.raises(UnusableFolders, match=r"1 class folders .*Old Town.* two are needed"):
        read_class_folders(folders)


def test_two_folders_of_one_name_are_refused(folders: Path) -> None:
    (folders / "old_town").mkdir()
    with pytest.raises(UnusableFolders, match=r"'Old Town' and 'old_town' .* would be one class"):
        read_class_folders(folders)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnusableFolders, match="There is no folder"):
        read_class_folders(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["Unsure", "  --  ", "__"])
def test_names_that_no_class_can_have(name: str) -> None:
    with pytest.raises(UnusableFolders, match="cannot be called"):
        label_of_folder(name)


def test_an_unreadable_photo_is_named_and_left_out(folders: Path) -> None:
    (folders / "Beach" / "00.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    examples, passed_over, unreadable = load_folders(folders, "mine")
    assert len(examples) == 17
    assert passed_over == []
    (photo,) = unreadable
    assert photo.name == "mine/Beach/00.png"
    assert str(photo).startswith("mine/Beach/00.png: ")
