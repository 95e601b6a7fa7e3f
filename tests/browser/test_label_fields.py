"""The fields for classes and tags: what begins as typed is taken, anything new is asked about."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.actions import serious
from tests.browser.conftest import Visit, at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools


@pytest.fixture
def library_photos() -> list[Path]:
    return sorted(ASSETS.glob("*.jpg"))


@pytest.fixture
def page(visit: Visit) -> Page:
    page = visit.open("gallery?q=name:flower.jpg")
    expect(page.locator(".cell")).to_have_count(1)
    return page


@pytest.fixture
def dialog(page: Page) -> Locator:
    page.locator(".cell .open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox", name="Class")).to_have_value("Flower")
    return dialog


@pytest.mark.parametrize(
    ("typed", "name"),
    [("stree", "Street"), ("STREE", "Street"), ("call", "Street"), ("plàg", "Beach")]
    + [("aerodro", "Airfield")],
)
def test_enter_takes_the_class_that_begins_so(
    page: Page, dialog: Locator, typed: str, name: str
) -> None:
    field = dialog.get_by_role("combobox", name="Class")
    field.click()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    if name == "Airfield":  # no class of the field: asked about, with what is meant first
        expect(dialog.get_by_role("button", name="Use Airfield")).to_be_focused()
        page.keyboard.press("Enter")
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    expect(field).to_have_value(name)


def test_a_new_class_is_asked_about_and_keeps_its_case(page: Page, dialog: Locator) -> None:
    field = dialog.get_by_role("combobox", name="Class")
    for key in ("Escape", "Enter"):
        field.click()
        page.keyboard.type("Quokka")
        option = page.get_by_role("option").last
        expect(option).to_have_text("Add class: Quokka")
        page.keyboard.press("Enter")
        expect(dialog.get_by_text("There is no class “Quokka” yet")).to_be_visible()
        expect(dialog.get_by_role("button", name="Make class “Quokka”")).to_be_focused()
        page.keyboard.press(key)
        expect(dialog.get_by_role("button", name="Make class")).to_have_count(0)
        if key == "Escape":
            expect(field).to_have_value("Flower")
            expect(dialog).to_be_visible()
    expect(field).to_have_value("Quokka")
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    # The next time it is a class like any other.
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".cell", has_text="Quokka")).to_have_count(1)


def test_adding_comes_last_and_asks(page: Page, dialog: Locator) -> None:
    field = dialog.get_by_role("combobox", name="Class")
    field.click()
    page.keyboard.type("stree")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Street")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(options.last).to_have_text("Add class: stree")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Use Street", exact=True)).to_be_focused()
    dialog.get_by_role("button", name="Make class “stree”").click()
    expect(field).to_have_value("stree")
    expect(dialog.get_by_text("Set by you.")).to_be_visible()


def test_tags_are_added_and_removed(page: Page, dialog: Locator) -> None:
    field = dialog.get_by_role("combobox", name="Tags")
    field.click()
    page.keyboard.type("mount")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Remove Mountain (yours)")).to_be_visible()
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.keyboard.type("Oma Rosa")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Make tag “Oma Rosa”").click()
    expect(dialog.get_by_role("button", name="Remove Oma Rosa (yours)")).to_be_visible()
    page.keyboard.type("mountain")  # is on the photo already
    expect(page.get_by_role("option", name="Mountain", exact=True)).to_have_count(0)
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Remove Mountain (yours)").click()
    expect(dialog.get_by_role("button", name="Remove Mountain (yours)")).to_have_count(0)
    expect(dialog.get_by_role("button", name=re.compile("^Remove "))).to_have_count(2)
    expect(field).to_be_focused()
    page.keyboard.press("Backspace")
    expect(dialog.get_by_role("button", name=re.compile("^Remove "))).to_have_count(1)


def test_fields_of_the_selection(page: Page) -> None:
    page.locator(".pick").first.check()
    page.get_by_role("button", name="Tag", exact=True).click()
    field = page.get_by_role("combobox", name="Tag for the selected photos")
    field.fill("mount")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Mountain")
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator(".cell", has_text="Mountain")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Class", exact=True).click()
    field = page.get_by_role("combobox", name="Class for the selected photos")
    field.fill("stree")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Street")
    page.get_by_role("button", name="Set class").click()
    expect(page.locator(".cell", has_text="Street")).to_have_count(1)


def test_another_class_in_review(visit: Visit) -> None:
    page = visit.open("review")
    field = page.get_by_role("combobox", name="Other class")
    field.fill("stree")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Photo 2 of 2")).to_be_visible()
    expect(field).to_have_value("")


def test_it_reads_sensibly_and_passes_axe(page: Page, dialog: Locator) -> None:
    field = dialog.get_by_role("combobox", name="Class")
    field.click()
    page.keyboard.type("s")
    expect(page.get_by_role("listbox", name="Class")).to_be_visible()
    active = field.evaluate(
        "e => e.getRootNode().getElementById(e.getAttribute('aria-activedescendant')).textContent"
    )
    assert active.startswith("S")
    matches = dialog.get_by_role("status").filter(has_text=re.compile(r"\d+ matches"))
    expect(matches).to_have_count(1)
    assert serious(page) == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(field).to_have_value("Flower")


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    yield context.new_page()
    context.close()


def test_by_touch_on_a_phone(phone: Page, server: Server) -> None:
    page = phone
    page.goto(f"{server.base_url}/gallery?q=name:flower.jpg")
    page.locator(".cell .open").first.tap()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Info").tap()
    field = dialog.get_by_role("combobox", name="Class")
    at_rest(page)
    field.tap()
    page.keyboard.type("stre")
    option = page.get_by_role("option").first
    box: Any = option.bounding_box()
    assert box["height"] >= 40
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    option.tap()
    expect(field).to_have_value("Street")
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    field.tap()
    page.keyboard.type("Quokka")
    page.get_by_role("option", name="Add class: Quokka").tap()
    dialog.get_by_role("button", name="Make class “Quokka”").tap()
    expect(field).to_have_value("Quokka")
