"""What the scripts that take pictures of the pages share: windows, sizes, files."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.conftest import at_rest

HERE = Path(__file__).resolve().parent
PHOTOS = Path("/usr/share/backgrounds/mate/nature")
ASSETS = HERE.parent / "tests" / "assets"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1180}
MAX_BYTES = 150_000


def open_page(browser: Browser, size: dict[str, int], scheme: str) -> Page:
    """Open a window with a size and a light or dark color scheme."""
    dark = scheme == "dark"
    return browser.new_page(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if dark else "light",
    )


def shoot(page: Page, name: str) -> None:
    """Save a screenshot of a page at rest."""
    settle(page)
    save(Image.open(io.BytesIO(page.screenshot())), name)


def settle(page: Page) -> None:
    """Wait until a page is at rest and its pictures have come."""
    at_rest(page)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3_000)


def save(picture: Image.Image, name: str) -> None:
    """Save a picture with the best quality within `MAX_BYTES`."""
    for quality in (80, 70, 60, 45, 30):
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MAX_BYTES:
            break
    else:
        raise SystemExit(f"{name} takes {buffer.tell():,} bytes; the limit is {MAX_BYTES:,}")
    (HERE / "screenshots" / f"{name}.webp").write_bytes(buffer.getvalue())
    print(f"{name}: {buffer.tell():,} bytes", flush=True)
