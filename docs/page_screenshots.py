"""Make the pictures of the gallery, and of every page on a phone and a tablet, in both themes.

    python -m docs.page_screenshots [FOLDER OF PHOTOS]

The folder and what this needs are as for `docs/screenshots.py`. Writes docs/screenshots/*.webp:
gallery-SIZE-THEME, and pages-SIZE-THEME with all pages side by side.
"""

import datetime
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from docs.saved_pictures import ASSETS, PHONE, PHOTOS, TABLET, WIDE, open_page, save, settle
from tests.browser.libraries import fill
from tests.browser.servers import Server, running
from tests.browser.twelve_steps import pieces
from tests.chromium import chromium
from tests.pictures import placed

SIZES = {"wide": WIDE, "tablet": TABLET, "phone": PHONE}
SHEETS = ("tablet", "phone")
THEMES = ("light", "dark")
# In the order of the menus; an open photo is the last.
PAGES = (
    *("", "gallery?sort=-taken", "search?q=sky", "export", "albums", "trips", "map", "insights"),
    *("model_card", "review", "duplicates", "clutter", "dates", "teach", "rules", "sort"),
)
# Places of the photos, in turn: each is where some days were spent.
DAYS = ((38.71, -9.14), (38.8, -9.38), (41.15, -8.61), (45.44, 12.33), (47.42, 10.98))
PHOTOS_A_DAY, DATED, COUNT = 10, 70, 73
COLUMNS, SMALL_PX, GAP_PX = 6, 236, 8


def main() -> None:
    """Start the app on a library of photos with dates and places, and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    with tempfile.TemporaryDirectory() as temporary, chromium() as browser:
        work = Path(temporary)
        fill(work / "library", dated_photos(folder, work))
        # The page Model shows this path; nothing is written there.
        with running(Server(work, SCENE_BUNDLES="/home/me/models")) as server:
            for theme in THEMES:
                for name, size in SIZES.items():
                    page = open_page(browser, size, theme)
                    page.goto(f"{server.base_url}/gallery?sort=-taken")
                    save(shot(page), f"gallery-{name}-{theme}")
                    page.close()
                for name in SHEETS:
                    shots = shots_of_pages(browser, server.base_url, SIZES[name], theme)
                    save(sheet(shots), f"pages-{name}-{theme}")


def dated_photos(folder: Path, work: Path) -> list[Path]:
    """Write crops of all photographs in turn, several a day; the last ones without a date."""
    sources = [pieces(path) for path in sorted([*folder.glob("*.jpg"), ASSETS / "china.jpg"])]
    paths = []
    for number in range(COUNT):
        day, of_day = divmod(number, PHOTOS_A_DAY)
        moment = datetime.datetime(2024, 7, 12, 9, 15 + number % 40)
        moment += datetime.timedelta(days=3 * day, hours=of_day)
        picture: Image.Image = Image.open(io.BytesIO(next(sources[number % len(sources)])))
        if number % 7 == 3:  # upright
            left = picture.width // 4
            picture = picture.crop((left, 0, left + picture.height * 3 // 4, picture.height))
        with Image.open(io.BytesIO(placed(picture, *DAYS[day % len(DAYS)]))) as photo:
            exif = photo.getexif()
            if number < DATED:
                exif.get_ifd(0x8769)[0x9003] = f"{moment:%Y:%m:%d %H:%M:%S}"
            paths.append(work / f"IMG_{number:04}.jpg")
            photo.save(paths[-1], exif=exif, quality=90)
    return paths


def shots_of_pages(
    browser: Browser, base_url: str, size: dict[str, int], theme: str
) -> list[Image.Image]:
    """Take the pictures of every page and of an open photo."""
    page = open_page(browser, size, theme)
    shots = []
    for path in PAGES:
        page.goto(f"{base_url}/{path}")
        page.locator("h1").first.wait_for(state="attached")
        shots.append(shot(page))
    page.goto(f"{base_url}/gallery?sort=-taken")
    page.locator(".cell .open").first.click()
    page.get_by_role("dialog").wait_for()
    shots.append(shot(page))
    page.close()
    return shots


def shot(page: Page) -> Image.Image:
    """Take a picture of a page at rest."""
    settle(page)
    return Image.open(io.BytesIO(page.screenshot()))


def sheet(shots: list[Image.Image]) -> Image.Image:
    """Put small pictures of equal size side by side, in rows."""
    height = round(SMALL_PX * shots[0].height / shots[0].width)
    step_x, step_y = SMALL_PX + GAP_PX, height + GAP_PX
    rows = -(-len(shots) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * step_x - GAP_PX, rows * step_y - GAP_PX), "grey")
    for number, each in enumerate(shots):
        small = each.convert("RGB").resize((SMALL_PX, height), Image.Resampling.LANCZOS)
        whole.paste(small, (number % COLUMNS * step_x, number // COLUMNS * step_y))
    return whole


if __name__ == "__main__":
    main()
