"""Review photos by key in a real browser and time until the next photo is drawn.

Makes a library of 10,000 photos as `benchmarks.large_library` does, adds photos of 12 megapixels,
and reviews them on the page Review with a pause of about a second between keys: accept, correct,
skip. A key is finished when the next photo is decoded and drawn at full size.

    python -m benchmarks.review_keys [--photos 10000] [--folder DIR] [--keys 50]

With --folder the library is stored there and reused. Needs Chromium and Playwright.
"""

import argparse
import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import delete, insert, literal, select

from benchmarks.large_library import build
from benchmarks.served import chromium, made_library, served
from scene_model.config import PROJECT_DIR, Settings
from scene_model.library.database.schema import class_decisions, photos
from scene_model.library.store import Library
from scene_model.services import open_services

LIMIT_MS, PAUSE_MS = 300, 900
_SIZE = (4000, 3000)
_KEYS = ("a", "1", "a", "s")
_PICTURE = "[data-testid=stMain] img[src*='/preview']:not([aria-hidden])"
# Uses the browser's clock, from the key event to the frame in which the photo is drawn.
_WATCH = """
(selector) => {
  const source = () => document.querySelector(selector)?.src;
  const before = source();
  window.keyTook = new Promise((done, fail) => {
    addEventListener("keydown", () => {
      const started = performance.now();
      const check = async () => {
        const picture = document.querySelector(selector);
        if (picture && picture.src !== before && picture.complete && picture.naturalWidth) {
          await picture.decode();
          requestAnimationFrame(() => done(performance.now() - started));
        } else if (performance.now() - started > 20000) fail("the next photo does not appear");
        else requestAnimationFrame(check);
      };
      check();
    }, {once: true, capture: true});
  });
}
"""


def fill(folder: Path, count: int, large: int) -> None:
    """Make the library: many photos with a class decision, and some large ones to review."""
    build(folder, count)
    with Library(folder) as library, library.database.writer.begin() as connection:
        connection.execute(delete(class_decisions))
        decided = select(photos.c.id, literal("street"), photos.c.added_at)
        connection.execute(
            insert(class_decisions).from_select(["photo_id", "label", "at"], decided)
        )
    services = open_services(Settings(library=folder, workers=2))
    services.jobs.submit([(f"large_{i:03d}.jpg", _large(i)) for i in range(large)]).wait()
    services.close()


def delete_decisions(folder: Path) -> None:
    """Delete an earlier run's class decisions about the large photos."""
    with Library(folder) as library, library.database.writer.begin() as connection:
        large = select(photos.c.id).where(photos.c.name.startswith("large_"))
        connection.execute(delete(class_decisions).where(class_decisions.c.photo_id.in_(large)))


def _large(number: int) -> bytes:
    """Make a 12-megapixel photo from a crop that differs for each number."""
    assets = PROJECT_DIR / "tests" / "assets"
    picture = Image.open(assets / ("china.jpg", "flower.jpg")[number % 2])
    left, top = (number * 37) % 240, (number * 23) % 140
    buffer = io.BytesIO()
    picture.resize(_SIZE, box=(left, top, left + 400, top + 287)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measure(page: Page, address: str, keys: int) -> list[float]:
    """Press keys; returns the milliseconds from each key to the next photo."""
    started = time.perf_counter()
    page.goto(f"{address}/review")
    page.locator(_PICTURE).wait_for()
    print(f"the page opens in {1000 * (time.perf_counter() - started):.0f} ms")
    page.wait_for_timeout(2 * PAUSE_MS)
    took = []
    for number in range(keys):
        page.evaluate(_WATCH, _PICTURE)
        page.keyboard.press(_KEYS[number % len(_KEYS)])
        took.append(float(page.evaluate("window.keyTook")))
        page.wait_for_timeout(PAUSE_MS)
    return took


def main() -> int:
    """Make the library if it is missing, serve it and press keys."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with made_library(options.folder, fill, options.photos, options.keys + 10) as folder:
        delete_decisions(folder)
        with served(SCENE_LIBRARY=str(folder)) as server, chromium() as browser:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            took = measure(context.new_page(), server.address, options.keys)
    p50, p95 = np.percentile(took, [50, 95])
    total_s = sum(took) / 1000 + len(took) * PAUSE_MS / 1000
    print(
        f"{len(took)} keys: p50 {p50:.0f} ms, p95 {p95:.0f} ms (limit {LIMIT_MS} ms); with "
        f"a pause of {PAUSE_MS / 1000:g} s each, {len(took)} photos took {total_s:.0f} s"
    )
    return 0 if p95 <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
