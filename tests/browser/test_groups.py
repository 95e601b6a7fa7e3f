"""A chosen group shows at once, narrows the class chips, and is part of the address."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from tests.browser.actions import chip, serious, unfold_filters
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.libraries import FilledLibraries
from tests.browser.servers import Server, running
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
GROUPS = {"dog": "animals", "cat": "animals", "sea": "water", "unsure": "unsure"}


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(GROUPS):
        (folder / f"{name}.jpg").write_bytes(encode(textured(160, 120, seed=number)))
    return sorted(folder.iterdir())


@pytest.fixture
def server(
    tmp_path: Path, library_photos: list[Path], filled_libraries: FilledLibraries
) -> Iterator[Server]:
    """A server on photos whose classes and groups were set by hand."""
    filled_libraries.copy_to(tmp_path / "library", library_photos)
    with Library(tmp_path / "library") as library, library.database.writer.begin() as connection:
        for label, group in GROUPS.items():
            source = "none" if label == "unsure" else "camera"
            values: dict[str, Any] = {
                "auto_class": label,
                "auto_class_source": source,
                "auto_group": group,
            }
            values |= {"auto_group_score": 0.9, "guess": "grand piano, grand"}
            is_named = photos.c.name == f"{label}.jpg"
            connection.execute(photos.update().where(is_named).values(values))
    with running(Server(tmp_path)) as started:
        yield started


def test_a_group_narrows_the_classes(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    expect(page.locator(".cell")).to_have_count(4)
    unfold_filters(page)
    groups = page.get_by_role("radiogroup", name="Group").get_by_role("radio")
    expect(groups).to_have_text(["All · 4", "Animals · 2", "Water · 1", "Unsure · 1"])
    chip(page, "Dog").click()
    expect(page).to_have_url(re.compile("class=dog"))
    expect(page.locator(".cell")).to_have_count(1)
    chip(page, "Animals", "Group").click()
    expect(page).to_have_url(re.compile("group=animals"))
    expect(page).not_to_have_url(re.compile("class="))
    expect(page.locator(".cell")).to_have_count(2)
    classes = page.get_by_role("radiogroup", name="Class").get_by_role("radio")
    expect(classes).to_have_text(["All · 2", "Cat · 1", "Dog · 1"])
    chip(page, "Unsure", "Group").click()
    expect(page.locator(".cell")).to_contain_text(["perhaps: Grand piano"])
    expect(page).to_have_url(re.compile("group=unsure"))
    page.go_back()
    expect(page).to_have_url(re.compile("group=animals"))
    expect(page.locator(".cell")).to_have_count(2)
    page.reload()
    expect(chip(page, "Animals", "Group")).to_have_attribute("aria-checked", "true")
    chip(page, "All", "Group").click()
    expect(page.locator(".cell")).to_have_count(4)
    expect(page).not_to_have_url(re.compile("group="))


@pytest.mark.parametrize("width", [1440, 390])
def test_rows_of_chips_fit_the_screen(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = visit.open("gallery")
    expect(chip(page, "Unsure", "Group")).to_be_attached()
    fits(page, width)
    at_rest(page)
    assert serious(page) == []
