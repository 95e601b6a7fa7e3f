"""The picture and the film of a Live Photo become one stack, whichever comes first."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from scene_model.duplicates.stacks import stack_unstacked
from scene_model.library.database.schema import photos
from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.services import Services
from tests.photos.films import live_picture
from tests.videos import video

Add = Callable[[list[tuple[str, bytes]]], list[str]]
CONTENT_ID = "1B1F5AC8-4A0F-4A0B-9E4D-5D5A2D1A7F3C"
FILM = video("MOV", 1.0, {"com.apple.quicktime.content.identifier": CONTENT_ID})


@pytest.mark.slow
@pytest.mark.parametrize("is_film_first", [False, True])
def test_picture_and_film(services: Services, add_photos: Add, is_film_first: bool) -> None:
    picture = live_picture(CONTENT_ID, "HEIF")
    files = [("IMG_1.HEIC", picture), ("IMG_7.MOV", FILM)]
    ids = {}
    for name, data in reversed(files) if is_film_first else files:
        (ids[name],) = add_photos([(name, data)])
    (stack,) = all_stacks(services.library)
    assert (stack.kind, stack.pick) == ("live", ids["IMG_1.HEIC"])
    assert set(services.gallery().ids("is:live")) == set(ids.values())


@pytest.mark.parametrize("format_name", ["HEIF", "JPEG"])
def test_a_film_finds_the_picture_that_an_earlier_version_added(
    services: Services, add_photos: Add, format_name: str
) -> None:
    library = services.library
    picture, gone = add_photos(
        [
            ("IMG_1.HEIC", live_picture(CONTENT_ID, format_name)),
            ("IMG_2.HEIC", live_picture("other-" + CONTENT_ID, format_name)),
        ]
    )
    with library.database.writer.begin() as connection:  # as before version 9
        earlier = {"stack_name": None, "content_id": None, "camera": "Apple iPhone 12"}
        connection.execute(update(photos).values(earlier))
    library.original_path(gone).unlink()
    assert list(stack_unstacked(library)) == [2]
    (film,) = add_photos([("renamed.MOV", FILM)])
    (stack,) = all_stacks(library)
    assert (stack.kind, stack.photo_ids) == ("live", (picture, film))
