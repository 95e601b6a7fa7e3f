"""The rating that other programs gave a photo comes with it into the library."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.library import edits
from scene_model.services import Services
from tests.pictures import encode, quadrants

Add = Callable[[list[tuple[str, bytes]]], list[str]]
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="%d"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def rated(rating: int, number: int = 0) -> bytes:
    return encode(quadrants(64 + number, 48), xmp=PACKET % rating)


def test_an_embedded_rating(services: Services, add_photos: Add) -> None:
    files = [(f"{rating}.jpg", rated(rating)) for rating in (-1, 0, 1, 5)]
    ids = add_photos(files)
    assert [photo.rating for photo in services.library.records(ids)] == [0, 0, 1, 5]
    assert [p.name for p in services.library.records(services.gallery().ids("rating:5"))] == [
        "5.jpg"
    ]
    assert edits.latest_edit(services.library) is None


def test_adding_again_keeps_a_persons_rating(services: Services, add_photos: Add) -> None:
    (photo_id,) = add_photos([("a.jpg", rated(5))])
    edits.set_rating(services.library, [photo_id], 2)
    edits.set_favourite(services.library, [photo_id], True)
    edits.move_to_trash(services.library, [photo_id])
    add_photos([("a.jpg", rated(5))])
    photo = services.library.photo(photo_id)
    assert (photo.trashed_at, photo.rating, photo.favourite) == (None, 2, True)


@pytest.mark.parametrize("by_reference", [True, False])
def test_a_sidecar_comes_before_the_photo(
    services: Services, tmp_path: Path, by_reference: bool
) -> None:
    for number, (name, sidecar) in enumerate(
        [("none.jpg", None), ("three.jpg", PACKET % 3), ("rejected.jpg", PACKET % -1)]
    ):
        (tmp_path / name).write_bytes(rated(5, number))
        if sidecar is not None:
            (tmp_path / f"{name}.xmp").write_bytes(sidecar)
    paths = sorted(tmp_path.glob("*.jpg"))
    assert services.jobs.submit_paths(paths, by_reference).wait(60)
    photos = services.library.records(services.library.find())
    assert {photo.name: photo.rating for photo in photos} == {
        "none.jpg": 5,
        "rejected.jpg": 0,
        "three.jpg": 3,
    }
