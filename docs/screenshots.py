"""Make the README's screenshots again: real pages, photographs of Debian's mate-backgrounds.

    python docs/screenshots.py [FOLDER OF PHOTOS]

Needs Chromium and the extra ``browser``. Writes docs/screenshots/*.png.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import _ARGUMENTS, Server

HERE = Path(__file__).resolve().parent
PHOTOS = Path("/usr/share/backgrounds/mate/nature")
ASSETS = HERE.parent / "tests" / "assets"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def main() -> None:
    """Start the app on a new library, walk through it, and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    photos = sorted([*folder.glob("*.jpg"), ASSETS / "china.jpg", ASSETS / "flower.jpg"])
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        server = Server(Path(temporary))
        server.start()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_ARGUMENTS)
        try:
            walk(browser.new_page(viewport=WIDE, color_scheme="light"), server.base_url, photos)
            rest(browser.new_page(viewport=WIDE, color_scheme="dark"), server.base_url, "dark")
            phone = browser.new_page(viewport=PHONE, color_scheme="dark")
            take(phone, f"{server.base_url}/gallery", "gallery-phone-dark")
            phone = browser.new_page(viewport=PHONE, color_scheme="light")
            take(phone, server.base_url, "classify-phone-light")
        finally:
            browser.close()
            server.stop()


def walk(page: Page, url: str, photos: list[Path]) -> None:
    """Drop one photo, then all; then look at each page."""
    page.goto(url)
    page.locator("input[type=file]").first.set_input_files([ASSETS / "flower.jpg"])
    page.get_by_text("Confidence").first.wait_for(timeout=60_000)
    shoot(page, "one-photo-light")
    page.locator("input[type=file]").first.set_input_files(photos)
    page.wait_for_timeout(8_000)
    take(page, f"{url}/gallery", "gallery-light")
    page.locator(".cell").nth(2).click()
    page.get_by_role("dialog").wait_for()
    shoot(page, "photo-light")
    take(page, f"{url}/export", "export-light")
    take(page, f"{url}/review", "review-light")
    take(page, f"{url}/insights", "insights-light")


def rest(page: Page, url: str, theme: str) -> None:
    """Take what is shown in the other theme."""
    take(page, f"{url}/search?q=flower", f"search-{theme}")


def take(page: Page, url: str, name: str) -> None:
    """Open a page and take its picture."""
    page.goto(url)
    shoot(page, name)


def shoot(page: Page, name: str) -> None:
    """Take the picture of what is open, once it has come to rest."""
    page.wait_for_timeout(3_500)
    page.screenshot(path=HERE / "screenshots" / f"{name}.png")
    print(name)


if __name__ == "__main__":
    main()
