"""A session's selection, and the library version that changes with every write."""

from collections.abc import Callable

from scene_model.library.sort_order import Sort
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_select_between_two_photos_in_either_order(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]
) -> None:
    add_photos(made_photos[:5])
    gallery = services.gallery(Sort.read("name"))
    ids = gallery.ids()
    gallery.select([ids[4]])
    gallery.select_between(ids[3], ids[1])
    assert gallery.selection == [ids[4], *ids[1:4]]
    gallery.select([])
    gallery.select_between("0" * 64, ids[2])
    assert gallery.selection == [ids[2]], "the first photo is no longer in the library"


def test_the_version_changes_with_every_write(
    services: Services, add_photos: Add, temple: bytes
) -> None:
    before = services.library.version()
    assert services.library.version() == before
    (photo_id,) = add_photos([("temple.jpg", temple)])
    added = services.library.version()
    services.gallery().add_tag([photo_id], "Beijing")
    assert len({before, added, services.library.version()}) == 3
