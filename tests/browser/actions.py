"""What several browser tests do on a page."""

import re
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import FilePayload, Locator, Page

AXE = Path(__file__).parent / "axe" / "axe.min.js"
# What we draw: the grid, the tables and pictures in our own HTML, and the controls we chose.
OURS = "[data-testid=stMain], [role=dialog]"
# The pages that are in a menu of the navigation, with its name.
MENUS = {
    **dict.fromkeys(("Albums", "Map", "Insights", "Model"), "Explore"),
    **dict.fromkeys(("Review", "Duplicates", "Teach", "Sort"), "Tidy up"),
}
# Streamlit's own markup, which we cannot change; each with what it is.
STREAMLITS: dict[str, str] = {}


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    report: dict[str, Any] = page.evaluate(
        "selector => axe.run({include: selector.split(', ').filter(s => document.querySelector(s))"
        ".map(s => [s])})",
        OURS,
    )
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['html'][:160]}"
        for violation in report["violations"]
        if violation["impact"] in ("serious", "critical") and violation["id"] not in STREAMLITS
        for node in violation["nodes"]
    ]


def go(page: Page, name: str) -> None:
    """Click a page in the navigation of a wide screen, in its menu if it is in one."""
    navigation = page.get_by_role("navigation", name="App pages")
    if name in MENUS:
        navigation.get_by_role("button", name=MENUS[name]).click()
        page.get_by_role("menuitem", name=name).click()
    else:
        navigation.get_by_role("link", name=name).click()


def undo_button(page: Page) -> Locator:
    """The page's button; the notice of an edit has another one."""
    return page.locator(".st-key-undo").get_by_role("button")


def drop(page: Page, files: list[Path] | list[FilePayload]) -> None:
    page.locator('input[type="file"]').set_input_files(files)


def payload(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def choose(page: Page, files: list[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(files)


def focused(page: Page) -> str:
    """What has the focus, by the name a screen reader says."""
    inside = "e => e?.shadowRoot?.activeElement ?? e"
    name: str = page.evaluate(
        f"(() => {{ const e = ({inside})(document.activeElement);"
        " return e.ariaLabel ?? e.textContent })()"
    )
    return name


def unfold_filters(page: Page) -> None:
    """Show all chips, not only those that fit in one line."""
    page.get_by_role("button", name="More filters").click()
    page.get_by_role("button", name="Show less").wait_for()


def chip(page: Page, name: str, row: Literal["Group", "Class", "Tags"] = "Class") -> Locator:
    """A chip of a group, a class or a tag."""
    chips = page.locator(f".st-key-filter_chips [aria-label='{row}'] button")
    return chips.filter(has_text=re.compile(rf"^{name} · "))
