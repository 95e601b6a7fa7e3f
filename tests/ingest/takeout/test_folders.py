"""Which folders of a Takeout are albums."""

import pytest

from scene_model.ingest.takeout.folders import album_titles, is_left_out, year_folders


@pytest.mark.parametrize(
    "name",
    [
        "Photos from 2019",
        "Fotos von 2019",
        "Photos de 2019",
        "Fotos de 2019",
        "Foto del 2019",
        "Foto's uit 2019",
        "Zdjęcia z 2019",
        "Foton från 2019",
        "Фото за 2019 г.",
        "2019 年の写真",
        "2019년의 사진",
        "2019",
    ],
)
def test_a_year_is_no_album(name: str) -> None:
    assert album_titles([f"Google Photos/{name}"], {}) == {}
    assert album_titles([f"Google Photos/{name}"], {f"Google Photos/{name}": name}) == {}


def test_years_of_an_unlisted_language_are_known_by_their_number() -> None:
    years = {"G/Ảnh từ 2018", "G/Ảnh từ 2019"}
    assert year_folders([*years, "G/Rome 2019"], ()) == years
    # One alone may be an album, and folders with a title are.
    assert year_folders(["G/Rome 2019"], ()) == set()
    assert year_folders(["G/Rome 2018", "G/Rome 2019"], {"G/Rome 2018", "G/Rome 2019"}) == set()


def test_titles_of_albums() -> None:
    folders = ["G/Trip_ Rome", "G/Garden", "G/Untitled(1)", "G/Archiv", "G/2019-05-04 #2", "G"]
    titles = {"G/Trip_ Rome": "Trip: Rome", "G/Untitled(1)": ""}
    assert album_titles(folders, titles) == {"G/Trip_ Rome": "Trip: Rome", "G/Garden": "Garden"}


@pytest.mark.parametrize("name", ["Trash", "Papierkorb", "Corbeille", "Bin", "ゴミ箱", "TRASH(1)"])
def test_the_trash(name: str) -> None:
    assert is_left_out(f"Google Photos/{name}")
    assert album_titles([f"Google Photos/{name}"], {}) == {}


def test_what_a_person_locked() -> None:
    assert is_left_out("Google Photos/Locked Folder")
    assert not is_left_out("Google Photos/Archive")
