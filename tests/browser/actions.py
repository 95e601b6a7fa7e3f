"""What several browser tests do on a page."""

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

_AXE = Path(__file__).parent / "axe" / "axe.min.js"
_CONTRAST_SCRIPT = Path(__file__).with_name("contrast.js")
_FOCUS_SCRIPT = Path(__file__).with_name("focus.js")
_MOST_TAB_STOPS = 90
_LONGEST_NAME = 80
# The pages that are in a menu of the navigation, with its name.
MENUS = {
    **dict.fromkeys(("Albums", "Trips", "Map", "Insights", "Model"), "Explore"),
    **dict.fromkeys(
        ("Review", "Duplicates", "Clutter", "Dates", "Teach", "Rules", "Sort"), "Tidy up"
    ),
}
# Streamlit's own markup, which we cannot change. By rule: where, as a selector, and what it is.
STREAMLITS = {
    # A toast is an alertdialog whose aria-labelledby names no element.
    "aria-dialog-name": ".stToast",
    # In the drawer of a phone, the pages of a menu are in a div between the list and its items.
    "list": "[data-testid=stSidebarNavItems]",
    "listitem": "[data-testid=stSidebarNavItems]",
}
# WCAG allows less for large text; here every control needs the same.
_CONTRAST = 4.5
_AXE_IN_DOCUMENT = """async (streamlits) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const isStreamlits = (id, target) =>
    id in streamlits && document.querySelector(target[0])?.closest(streamlits[id]);
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, help, nodes }) => nodes
      .filter(({ target }) => !isStreamlits(id, target))
      .map(({ target, html }) => `${id}: ${help}: ${target} ${html.slice(0, 160)}`));
}"""


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical in the whole document, and controls hard to read.

    What a page fades out or in while it changes is hard to read for a moment: such a page is
    examined once more.
    """
    return _serious(page) and _serious(page, after_ms=3000)


def _serious(page: Page, after_ms: int = 0) -> list[str]:
    page.wait_for_timeout(after_ms)
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    violations: list[str] = page.evaluate(_AXE_IN_DOCUMENT, STREAMLITS)
    hard_to_read: list[str] = page.evaluate(_CONTRAST_SCRIPT.read_text(encoding="utf-8"), _CONTRAST)
    return violations + hard_to_read


def without_visible_focus(page: Page) -> list[str]:
    """Press Tab through a page; what does not look otherwise with the focus, or is off screen."""
    script = _FOCUS_SCRIPT.read_text(encoding="utf-8")
    unseen, previous = [], ""
    for _ in range(_MOST_TAB_STOPS):
        page.keyboard.press("Tab")
        stop: dict[str, Any] = page.evaluate(script)
        # Streamlit's tables draw their own frame, in their picture.
        if not stop["isSeen"] and not previous.startswith("CANVAS"):
            unseen.append(f"not visible: {previous}")
        if stop["name"] is None:
            break
        previous = stop["name"]
        if not stop["isOnScreen"] and not _scrolls_into_view(page):
            unseen.append(f"not on the screen: {previous}")
    return unseen


def _scrolls_into_view(page: Page) -> bool:
    """Whether what has the focus is on the screen once the page has scrolled."""
    page.wait_for_timeout(1000)
    box: dict[str, float] = page.evaluate(
        """() => {
          let node = document.activeElement;
          while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
          const { left, top, right, bottom } = node.getBoundingClientRect();
          return { left: left - innerWidth, top: top - innerHeight, right, bottom };
        }"""
    )
    return box["left"] < 0 and box["top"] < 0 and box["right"] > 0 and box["bottom"] > 0


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
    field = page.locator('input[type="file"]')
    # After an upload there are two for a moment, the old one and the new one.
    expect(field).to_have_count(1)
    field.set_input_files(files)


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
        " return e.ariaLabel ?? (e.textContent || e.labels?.[0]?.textContent || '') })()"
    )
    return name


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until something with a name, a regular expression, has the focus."""
    stops = []
    for _ in range(120):
        page.keyboard.press(key)
        stops.append(focused(page))
        # A container that scrolls is a stop too, named by all its text.
        if len(stops[-1]) < _LONGEST_NAME and re.search(name, stops[-1]):
            return
    pytest.fail(f"{key} does not reach {name}, only {stops}")


def unfold_filters(page: Page) -> None:
    """Show all chips, not only those that fit in one line."""
    page.get_by_role("button", name="More filters").click()
    page.get_by_role("button", name="Show less").wait_for()


def chip(page: Page, name: str, row: Literal["Group", "Class", "Tags"] = "Class") -> Locator:
    """A chip of a group, a class or a tag."""
    chips = page.locator(f".st-key-filter_chips [aria-label='{row}'] button")
    return chips.filter(has_text=re.compile(rf"^{name} · "))
