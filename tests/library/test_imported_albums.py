"""Albums of other programs become albums here, once, under names that albums may have."""

from collections.abc import Callable

import pytest

from scene_model.library.albums.album_edits import create_album, create_query_album
from scene_model.library.albums.imported_albums import album_name, fill_album
from scene_model.library.albums.own_albums import count_placed, own_albums
from scene_model.library.edits import undo
from scene_model.services import Services

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Trip: Rome", "Trip: Rome"),
        ('The "old" town', "The 'old' town"),
        ("a\nb\tc", "a b c"),
        ("x" * 200, "x" * 60),
        ("\n \t", None),
        ("", None),
    ],
)
def test_titles_become_names(title: str, name: str | None) -> None:
    assert album_name(title) == name


def test_an_own_album_of_that_name_takes_the_photos(
    services: Services, add_photos: Add, temple: bytes, flower: bytes
) -> None:
    first, second = add_photos([("a.jpg", temple), ("b.jpg", flower)])
    library = services.library
    album_id = create_album(library, "Rome", [first])
    create_query_album(library, "Sea", "beach")
    fill_album(library, "ROME", [first, second])
    fill_album(library, "Sea", [first])
    fill_album(library, "\n", [first])
    fill_album(library, "New", [second, first])
    assert [album.name for album in own_albums(library)] == ["New", "Rome", "Sea"]
    counts = count_placed(library)
    assert counts[album_id] == 2
    new = own_albums(library)[0]
    assert (new.sort, counts[new.id]) == ("taken", 2)
    # Undone, it was not wanted.
    undo(library)
    fill_album(library, "New", [second, first])
    assert [album.name for album in own_albums(library)] == ["Rome", "Sea"]
