"""The search box finds photos by the kind of what is on them, and shows the best match first."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert, select

from scene_model.library.database.schema import automatic_tags, photos
from scene_model.library.store import Library
from tests.browser.conftest import Visit
from tests.browser.libraries import FilledLibraries
from tests.browser.servers import Server, running
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools

# The tags of the photos, with their scores.
TAGS = {
    "retriever.jpg": [("objects", "golden retriever", 0.71)],
    "dog.jpg": [("camsdd", "dog", 0.97)],
    "cat_and_dog.jpg": [("camera", "cat", 0.9), ("objects", "pug, pug-dog", 0.34)],
    "snake.jpg": [("objects", "Indian cobra, Naja naja", 0.8)],
    "tram.jpg": [
        ("objects", "streetcar, tram, tramcar, trolley, trolley car", 0.66),
        ("camera", "street", 0.9),
    ],
    "car.jpg": [("camera", "car", 0.92)],
    "mirror.jpg": [("objects", "car mirror", 0.88)],
    "lemon.jpg": [("objects", "lemon", 0.77)],
    "fruit.jpg": [("camera", "fruit", 0.6)],
}


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(TAGS):
        (folder / name).write_bytes(encode(textured(160, 120, seed=number)))
    return sorted(folder.iterdir())


@pytest.fixture
def server(
    tmp_path: Path, library_photos: list[Path], filled_libraries: FilledLibraries
) -> "object":
    """A server on photos whose tags were set by hand."""
    filled_libraries.copy_to(tmp_path / "library", library_photos)
    with Library(tmp_path / "library") as library, library.database.writer.begin() as connection:
        connection.execute(delete(automatic_tags))
        for photo in connection.execute(select(photos.c.id, photos.c.name)).all():
            connection.execute(
                insert(automatic_tags),
                [
                    {"photo_id": photo.id, "head": head, "label": label, "score": score}
                    | {"bundle": "test"}
                    for head, label, score in TAGS[photo.name]
                ],
            )
        connection.execute(photos.update().values(auto_class="unsure", auto_class_source="none"))
    with running(Server(tmp_path)) as started:
        yield started


def search(visit: Visit, query: str, *expected: str) -> Page:
    """Type a query and check which photos are shown, in order."""
    page = visit.page
    line = page.locator('input[type="search"]').first
    line.fill(query)
    line.press("Enter")
    expect(page.locator(".cell")).to_have_count(len(expected))
    for number, name in enumerate(expected):
        expect(page.locator(".cell").nth(number)).to_contain_text(name)
    return page


def test_kinds_in_the_search_box(visit: Visit) -> None:
    visit.open("search")
    search(visit, "vehicle", "car.jpg", "tram.jpg")
    search(visit, "Fahrzeug", "car.jpg", "tram.jpg")
    search(visit, "fruit", "lemon.jpg", "fruit.jpg")
    page = search(visit, "animal", "dog.jpg", "cat_and_dog.jpg", "snake.jpg", "retriever.jpg")
    expect(page.locator(".cell").first).to_contain_text("Match: Dog 97%")
    expect(page.locator(".cell").nth(2)).to_contain_text("Match: Indian cobra 80%")
    # Of two tags that match, the surer one is named.
    expect(page.locator(".cell").nth(1)).to_contain_text("Match: Cat 90%")


def test_dogs_come_first_until_another_order_is_chosen(visit: Visit) -> None:
    page = visit.open("search")
    expected = ("dog.jpg", "retriever.jpg", "cat_and_dog.jpg")
    search(visit, "dog", *expected)
    order = page.get_by_role("combobox", name="Order")
    expect(order).to_have_value("Best match")
    order.click()
    page.get_by_role("option", name="Name A to Z").click()
    expect(page).to_have_url(re.compile("sort=name"))
    search(visit, "dog", *sorted(expected))
    search(visit, "animal", "cat_and_dog.jpg", "dog.jpg", "retriever.jpg", "snake.jpg")
    visit.open("search?q=name:jpg")
    expect(page.locator(".cell")).to_have_count(len(TAGS))


def test_a_kind_is_suggested_with_its_photos(visit: Visit) -> None:
    page = visit.open("search")
    page.locator('input[type="search"]').first.press_sequentially("anim", delay=60)
    page.get_by_role("button", name=re.compile(r"Animal \(kind\) · 4")).click()
    expect(page.locator('input[type="search"]').first).to_have_value("animal")
    expect(page.locator(".cell")).to_have_count(4)


def test_the_gallery_filters_by_kind_too(visit: Visit) -> None:
    visit.open("gallery")
    page = search(visit, "vehicle", "car.jpg", "tram.jpg")
    expect(page.locator(".cell").nth(1)).to_contain_text("Match: Streetcar")
