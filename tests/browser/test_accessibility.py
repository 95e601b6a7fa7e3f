"""What assistive technology is told: axe-core finds nothing serious, the tree reads sensibly."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit, at_rest
from tests.browser.libraries import fill, real_photos

pytestmark = pytest.mark.tools
AXE = Path(__file__).parent / "axe" / "axe.min.js"
# What we draw: the grid, the tables and pictures in our own HTML, and the controls we chose.
OURS = "[data-testid=stMain], [role=dialog]"
# Streamlit's own markup, which we cannot change; each with what it is.
STREAMLITS: dict[str, str] = {}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    fill(tmp_path / "library", real_photos(12))
    made = Server(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate(
        "selector => axe.run({include: selector.split(', ').filter(s => document.querySelector(s))"
        ".map(s => [s])})",
        OURS,
    )
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['html'][:160]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical") and violation["id"] not in STREAMLITS
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["gallery", "search?q=flower", "search", "export"])
def test_pages(visit: Visit, path: str, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open(path)
    expect(page.locator("h1")).to_be_visible()
    if path in ("gallery", "search?q=flower"):
        expect(page.locator(".cell").first).to_be_visible()
    at_rest(page)
    assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialog(visit: Visit, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open("gallery?q=name:flower.jpg")
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table").first).to_be_visible()
    dialog.get_by_text("About this photo").click()
    at_rest(page)
    assert serious(page) == []


def test_axe_can_fail(visit: Visit) -> None:
    page = visit.open("gallery")
    expect(page.locator(".cell").first).to_be_visible()
    page.evaluate("document.querySelector('[data-testid=stMain]').append(new Image())")
    page.evaluate("document.querySelector('[data-testid=stMain]').lastChild.src = 'data:,'")
    assert any(found.startswith("image-alt") for found in serious(page))


def test_the_tree_reads_sensibly(visit: Visit) -> None:
    page = visit.open("gallery?q=name:flower.jpg")
    page.locator(".cell").first.wait_for()
    tree = page.get_by_role("list", name="Photos 1 to 1 of 1").aria_snapshot().replace("'", "")
    assert '- button "Open flower.jpg: flower' in tree
    assert '- checkbox "Select flower.jpg"' in tree
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table").first).to_be_visible()
    expect(dialog.get_by_role("link", name="Download original")).to_be_visible()
    tree = dialog.aria_snapshot().replace("'", "")
    for said in (
        '- button "Next',
        '- img "flower.jpg: flower',
        '- combobox "Class"',
        '- link "Download original',
        '- tab "Six scenes" [selected]',
        '- table "Six scenes, the 6 most probable"',
        '- button "Close"',
    ):
        assert said in tree, f"{said} is not in\n{tree}"
