"""Make the guide's screenshots from the walk of twelve steps, with freely licensed photos.

    python -m docs.screenshots [FOLDER OF PHOTOS]

The default folder is Debian's mate-backgrounds; 200 crops of its photos are used. Needs Chromium
and the extra ``browser``. Writes docs/screenshots/*.webp. Those of the gallery and of every page on
small screens are from `docs/page_screenshots.py`.
"""

import datetime
import io
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FilePayload

from benchmarks.clutter import drawn
from docs.saved_pictures import ASSETS, PHONE, PHOTOS, WIDE, open_page, shoot
from scene_model.library.albums.album_edits import create_album
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import activate_rule, create_rule, find_rule
from scene_model.library.store import Library
from tests.browser.homecoming_photos import homecoming_photos
from tests.browser.libraries import fill
from tests.browser.servers import Server, running
from tests.browser.twelve_steps import UPLOAD, mixed_photos, pieces, walk
from tests.chromium import chromium
from tests.pictures import placed

PLACES = ((38.72, -9.14), (41.15, -8.61), (40.42, -3.7), (43.3, 5.4), (45.44, 12.32), (48.86, 2.35))
# Names of photos with the time in their EXIF, for the page Dates.
DATED = {
    "IMG_20240714_183012.jpg": "2023:07:14 18:30:12",
    "IMG_20240714_190455.jpg": "2023:07:14 19:04:55",
    "IMG_0411.JPG": "2024:07:15 10:00:00",
    **dict.fromkeys(("IMG_0412.JPG", "IMG_0413.JPG", "IMG_0414.JPG", "IMG_0415.JPG")),
    "IMG_0416.JPG": "2024:07:15 10:40:00",
    "Lisbon 2019-05-04.jpg": None,
    "cake.jpg": None,
}
# Days of trips, with where they were spent; at home in Zürich on every tenth day of the year.
HOME = (47.37, 8.54)
TRIPS = {
    **{"2024-07-12": (38.71, -9.14), "2024-07-13": (38.72, -9.14), "2024-07-14": (38.8, -9.38)},
    **{"2024-07-15": (38.7, -9.42), "2024-07-16": (38.71, -9.14), "2024-10-20": (47.42, 10.98)},
    **{"2024-12-26": (45.44, 12.33), "2024-12-27": (45.44, 12.33), "2024-12-28": (45.49, 12.42)},
}
# File names of the screenshots, by step.
FILE_NAMES = {
    **{UPLOAD: "1-upload", "browse": "2-gallery", "one photo": "3-photo", "review": "4-review"},
    **{"bulk correct": "5-bulk", "learn from corrections": "6-corrections", "teach": "7-teach"},
    **{"search": "8-search", "similar": "9-similar", "duplicates": "10-duplicates"},
    **{"insights": "11-insights", "export": "12-export"},
}


def main() -> None:
    """Start the app on a new library, do the twelve steps, and take the screenshots."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS
    with tempfile.TemporaryDirectory() as temporary, chromium() as browser:
        server = Server(Path(temporary))
        server.start()
        try:
            page = open_page(browser, WIDE, "light")
            page.goto(server.base_url)
            walk(page, two_hundred(folder), lambda step: shoot(page, FILE_NAMES[step]))
            for name, path, size, scheme in (("insights-dark", "insights", WIDE, "dark"),):
                window = open_page(browser, size, scheme)
                window.goto(f"{server.base_url}/{path}")
                shoot(window, name)
        finally:
            server.stop()
        shoot_maps(browser, folder, Path(temporary) / "map")
        shoot_dates(browser, folder, Path(temporary) / "dates")
        shoot_trips(browser, folder, Path(temporary) / "trips")
        shoot_clutter(browser, folder, Path(temporary) / "clutter")
        shoot_homecoming(browser, folder, Path(temporary) / "homecoming")
        shoot_rules(browser, folder, Path(temporary) / "rules")


def shoot_maps(browser: Browser, folder: Path, work: Path) -> None:
    """Take the screenshots of the map, on a library of photos with a place."""
    work.mkdir()
    sources = [pieces(path) for path in sorted([*folder.glob("*.jpg"), ASSETS / "china.jpg"])]
    rng = np.random.default_rng(7)
    photos = []
    for number, (latitude, longitude) in enumerate(PLACES * 12):
        picture = Image.open(io.BytesIO(next(sources[number % len(sources)])))
        place = rng.normal((latitude, longitude), 0.6 / (1 + number % 9))
        photos.append(work / f"img_{number:03d}.jpg")
        photos[-1].write_bytes(placed(picture, *map(float, place)))
    fill(work / "library", photos)
    with running(Server(work)) as server:
        for name, size, scheme in (("map", WIDE, "light"), ("map-phone", PHONE, "dark")):
            window = open_page(browser, size, scheme)
            window.goto(f"{server.base_url}/map?within=36,-11,52,16")
            window.locator(".map .cluster button").first.wait_for()
            shoot(window, name)


def shoot_dates(browser: Browser, folder: Path, work: Path) -> None:
    """Take the screenshot of the page Dates, on photos with missing and wrong dates."""
    photos_dir = work / "photos"
    photos_dir.mkdir(parents=True)
    sources = [pieces(path) for path in sorted(folder.glob("*.jpg"))]
    for number, (name, taken_at) in enumerate(DATED.items()):
        picture = Image.open(io.BytesIO(next(sources[number % len(sources)])))
        exif = Image.Exif()
        if taken_at:
            exif.get_ifd(0x8769)[0x9003] = taken_at
        picture.save(photos_dir / name, exif=exif)
    fill(work / "library", sorted(photos_dir.iterdir()))
    with running(Server(work)) as server:
        window = open_page(browser, WIDE, "light")
        window.goto(f"{server.base_url}/dates")
        window.get_by_text("No date: ").wait_for()
        shoot(window, "dates")


def shoot_trips(browser: Browser, folder: Path, work: Path) -> None:
    """Take the screenshots of the page Trips, on photos with dates and places."""
    photos_dir = work / "photos"
    photos_dir.mkdir(parents=True)
    first = datetime.date(2024, 1, 1)
    tenth_days = [f"{first + datetime.timedelta(days=days)}" for days in range(3, 366, 10)]
    at_home = [(day, HOME, 1) for day in tenth_days if day not in TRIPS]
    days = [*at_home, *((day, at, 7) for day, at in TRIPS.items())]
    moments = [(day, at, hour) for day, at, count in days for hour in range(10, 10 + count)]
    sources = [pieces(path) for path in sorted([*folder.glob("*.jpg"), ASSETS / "china.jpg"])]
    for number, (day, at, hour) in enumerate(moments):
        picture = Image.open(io.BytesIO(next(sources[number % len(sources)])))
        with Image.open(io.BytesIO(placed(picture, *at))) as photo:
            exif = photo.getexif()
            exif.get_ifd(0x8769)[0x9003] = f"{day.replace('-', ':')} {hour}:{number % 60:02}:00"
            photo.save(photos_dir / f"IMG_{number:04}.jpg", exif=exif, quality=90)
    fill(work / "library", sorted(photos_dir.iterdir()))
    with running(Server(work)) as server:
        for name, path, size, scheme in (
            ("trips", "trips", WIDE, "light"),
            ("trip", "trips?trip=1", WIDE, "light"),
            ("trip-phone", "trips?trip=1", PHONE, "dark"),
        ):
            window = open_page(browser, size, scheme)
            window.goto(f"{server.base_url}/{path}")
            window.get_by_text("Proposed:").first.wait_for()
            shoot(window, name)


def shoot_clutter(browser: Browser, folder: Path, work: Path) -> None:
    """Take the screenshot of the page Clutter, on drawn screens and pages among photos."""
    photos_dir = work / "photos"
    photos_dir.mkdir(parents=True)
    numbers = random.Random(3)  # noqa: S311
    photographs = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.jpg"))]
    for index in range(5):
        photo = photographs[index % len(photographs)]
        name = f"Screenshot_2024071{index}-10150{index}.png"
        size = drawn.PHONES[2 + index]
        drawn.screenshot(size, photo, numbers).save(photos_dir / name)
        page = drawn.photographed(drawn.document(numbers), photo, numbers)
        page.save(photos_dir / f"Scan_{index:04}.jpg")
        photo.resize((1200, 800)).save(photos_dir / f"IMG_{index:04}.jpg")
    fill(work / "library", sorted(photos_dir.iterdir()))
    with running(Server(work)) as server:
        window = open_page(browser, WIDE, "light")
        window.goto(f"{server.base_url}/clutter")
        window.get_by_text("Set all 5 apart").first.wait_for()
        shoot(window, "clutter")


def shoot_homecoming(browser: Browser, folder: Path, work: Path) -> None:
    """Take the screenshots of the summary of new photos, after 300 came in."""
    photos_dir = work / "photos"
    photos_dir.mkdir(parents=True)
    sources = [pieces(path) for path in sorted([*folder.glob("*.jpg"), ASSETS / "china.jpg"])]
    pictures = (picture for taken in zip(*sources, strict=False) for picture in taken)
    for file in homecoming_photos(pictures):
        (photos_dir / file["name"]).write_bytes(file["buffer"])
    fill(work / "library", sorted(photos_dir.iterdir()))
    with running(Server(work)) as server:
        for name, size, scheme in (
            ("homecoming", WIDE, "light"),
            ("homecoming-phone", PHONE, "dark"),
        ):
            window = open_page(browser, size, scheme)
            window.goto(server.base_url)
            window.get_by_text("Proposed:").wait_for(timeout=120_000)
            shoot(window, name)


def shoot_rules(browser: Browser, folder: Path, work: Path) -> None:
    """Take the screenshot of the page Rules, with a rule that is being tried."""
    photos_dir = work / "photos"
    photos_dir.mkdir(parents=True)
    sources = [pieces(path) for path in sorted(folder.glob("*.jpg"))]
    for number in range(24):
        data = next(sources[number % len(sources)])
        (photos_dir / f"IMG_{number:04}.jpg").write_bytes(data)
    fill(work / "library", sorted(photos_dir.iterdir()))
    with Library(work / "library") as library:
        album_id = create_album(library, "Wall calendar")
        active = create_rule(
            library, "Ours", "name:IMG_", [Action(ActionKind.TAG, "Anna's camera")]
        )
        activate_rule(library, find_rule(library, active))
        actions = [Action(ActionKind.TAG, "Outdoors"), Action(ActionKind.ALBUM, str(album_id))]
        create_rule(library, "For the calendar", "flower OR mountains", actions)
    with running(Server(work)) as server:
        window = open_page(browser, WIDE, "light")
        window.goto(f"{server.base_url}/rules")
        window.get_by_role("button", name="Try").nth(1).click()
        window.get_by_text("Dry run: ").wait_for()
        window.mouse.move(0, 0)  # without the hint of the button
        shoot(window, "rules")


def two_hundred(folder: Path) -> list[FilePayload]:
    """Return 200 crops: of a flower, to teach a tag, and of all photos in turn."""
    flower = ASSETS / "flower.jpg"
    photographs = sorted([*folder.glob("*.jpg"), ASSETS / "china.jpg"])
    return mixed_photos(pieces(flower), [pieces(path) for path in photographs])


if __name__ == "__main__":
    main()
