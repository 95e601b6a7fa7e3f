"""Use the gallery of a large library in a real browser and time what one does.

Makes a library as `benchmarks.large_library` does and serves it with `scene_model serve`. Timed
are: a photo's checkbox, filter chips, the next page and the last one, months of the track at the
side, opening a photo and going to the next. The browser's clock measures from the click until the
result is drawn: the server's count of selected photos, or other photos in sight with their pictures
loaded and two more frames drawn. Then it scrolls over 2,000 photos and measures the frames.

    python -m benchmarks.gallery_clicks [--photos 10000] [--folder DIR] [--rounds 30]

With --folder the library is stored there and reused. Needs Chromium and Playwright.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from benchmarks.large_library import build
from benchmarks.served import chromium, made_library, served

CLICK_LIMIT_MS, MONTH_LIMIT_MS, FRAME_LIMIT_MS, MOST_PICTURES = 250, 400, 100, 300
SCROLLED_PHOTOS, STEP_PX = 2000, 60
# Pause between two clicks, in which the pictures load.
_PAUSE_MS = 700
# Starts at the next click; checks once per frame. kind: what is to change.
_ARM = """
(kind) => { window.resultDrawn = new Promise((done, fail) => {
  const roots = () => [...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean);
  const inSight = (node) => {
    const { top, bottom } = node.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  const grid = () => roots().find((root) => root.querySelector(".grid"));
  const cells = () => [...(grid()?.querySelectorAll(".cell") ?? [])].filter(inSight);
  const pictures = {
    photos: () => cells().map((cell) => cell.querySelector("img")),
    count: () => [],
    open: () => roots().map((root) => root.querySelector(".slide.current img")).filter(Boolean),
  }[kind];
  const result = {
    photos: () => cells().map((cell) => cell.dataset.id).join(),
    count: () => document.querySelector(".st-key-selection_bar strong")?.textContent,
    open: () => pictures()[0]?.src,
  }[kind];
  const before = result();
  const isLoaded = (image) => image.complete && image.naturalWidth;
  const start = ({ timeStamp }) => {
    removeEventListener("click", start, { capture: true });
    // Two frames: pictures are decoded asynchronously and painted in the next frame.
    const end = () => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
      done(performance.now() - timeStamp);
    })));
    const check = () => {
      if (performance.now() - timeStamp > 10000) return fail("nothing changed");
      const images = pictures();
      const isDrawn = kind === "count" || (images.length && images.every(isLoaded));
      if (result() === before || !isDrawn) return requestAnimationFrame(check);
      end();
    };
    check();
  };
  addEventListener("click", start, { capture: true });
}); }
"""
_SCROLL = """
async ([photos, step]) => {
  const main = document.querySelector("[data-testid=stMain]");
  const root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
    .find((each) => each?.querySelector(".grid"));
  const ids = new Set();
  const frames = [];
  let pictures = 0;
  let last = await new Promise(requestAnimationFrame);
  while (ids.size < photos && main.scrollTop + main.clientHeight < main.scrollHeight - 2) {
    main.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
    const cells = root.querySelectorAll(".cell");
    pictures = Math.max(pictures, cells.length);
    for (const cell of cells) ids.add(cell.dataset.id);
  }
  return { frames, pictures, photos: ids.size };
}
"""


class Gallery:
    """The gallery page, on which clicks are timed."""

    def __init__(self, page: Page) -> None:
        """Set the page."""
        self._page = page

    def timed(self, act: Callable[[], object], kind: str = "photos") -> float:
        """Act, wait until the page is idle; returns the milliseconds until the result was drawn.

        kind: the result is other photos in sight ("photos"), a new count of selected photos
        ("count") or another photo in the lightbox ("open").
        """
        self._page.evaluate(_ARM, kind)
        act()
        took = float(self._page.evaluate("window.resultDrawn"))
        self._page.locator("[data-test-script-state='notRunning']").wait_for(state="attached")
        self._page.wait_for_timeout(_PAUSE_MS)
        return took

    def click(self, selector: str, index: int = 0, kind: str = "photos") -> float:
        """Time a click on one of the elements that a selector finds."""
        return self.timed(self._page.locator(selector).nth(index).click, kind)

    def month(self, part: float) -> float:
        """Time a click on the track of months. part: of its height, 0 to 1."""
        box = self._page.locator(".scrubber").bounding_box()
        assert box is not None  # noqa: S101 - it is drawn in an order by date
        x, y = box["x"] + box["width"] / 2, box["y"] + part * box["height"]
        return self.timed(lambda: self._page.mouse.click(x, y))

    def opened(self, index: int) -> float:
        """Time opening a photo, and close it again."""
        took = self.click(".current .open", index, "open")
        self._page.keyboard.press("Escape")
        self._page.get_by_role("dialog").wait_for(state="hidden")
        self._page.wait_for_timeout(_PAUSE_MS)
        return took

    def next_opened(self, index: int) -> float:
        """Time going to the next photo of the lightbox, which the first call opens."""
        if index == 0:
            self.click(".current .open", 0, "open")
        following = self._page.get_by_role("dialog").get_by_role("button", name="Next")
        return self.timed(following.click, "open")


def measure(page: Page, address: str, rounds: int) -> bool:
    """Measure and print every kind of use; True when the limits hold."""
    gallery = Gallery(page)
    chips = ".st-key-filter_chips [aria-label={}] button"
    far = ".pager .number:not([aria-current])"
    parts = np.random.default_rng(7).permutation(np.linspace(0.02, 0.98, rounds))
    by_name: dict[str, Callable[[int], float]] = {
        "select a photo": lambda i: gallery.click(".current .pick", i % 20, "count"),
        "filter by a group": lambda i: gallery.click(chips.format("Group"), (i + 1) % 2),
        "filter by a class": lambda i: gallery.click(chips.format("Class"), (i + 1) % 2),
        "next page": lambda _: gallery.click("[aria-label='Next page']"),
        # The last page, then the first one, and so on.
        "a distant page": lambda i: gallery.click(f"{far} >> nth={-1 if i % 2 == 0 else 0}"),
        "open a photo": lambda i: gallery.opened(i % 20),
        "next photo": gallery.next_opened,
    }
    holds = True
    for name, use in by_name.items():
        _open(page, f"{address}/gallery?size=small")
        holds &= _report(name, [use(i) for i in range(rounds)], CLICK_LIMIT_MS)
    _open(page, f"{address}/gallery?sort=-taken")
    months = [gallery.month(float(part)) for part in parts]
    holds &= _report("go to a month", months, MONTH_LIMIT_MS)
    return holds & _scroll(page, address)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".current .cell").first.wait_for()
    page.wait_for_timeout(3 * _PAUSE_MS)


def _scroll(page: Page, address: str) -> bool:
    _open(page, f"{address}/gallery?size=small&sort=-taken")
    result = page.evaluate(_SCROLL, [SCROLLED_PHOTOS, STEP_PX])
    holds = _report("frames of scrolling", result["frames"], FRAME_LIMIT_MS)
    print(
        f"scrolled over {result['photos']:,} photos; most pictures drawn at once: "
        f"{result['pictures']}, limit {MOST_PICTURES}"
    )
    return bool(holds and result["pictures"] <= MOST_PICTURES)


def _report(name: str, took: list[float], limit_ms: int) -> bool:
    p50, p95 = np.percentile(took, [50, 95])
    holds = bool(p95 <= limit_ms)
    print(
        f"{name:<19} p50 {p50:5.0f} ms   p95 {p95:5.0f} ms   max {max(took):5.0f} ms   "
        f"limit {limit_ms} ms   {'ok' if holds else 'TOO SLOW'}   ({len(took)} measured)",
        flush=True,
    )
    return holds


def main() -> int:
    """Make the library if it is missing, serve it and click."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with (
        made_library(options.folder, build, options.photos) as folder,
        served(SCENE_LIBRARY=str(folder)) as server,
        chromium() as browser,
    ):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        holds = measure(context.new_page(), server.address, options.rounds)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
