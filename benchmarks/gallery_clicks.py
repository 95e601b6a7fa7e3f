"""Click through the gallery of a large library in a real browser, and time what a click shows.

Makes a library as `benchmarks.library_100k` does, serves it as `scene_model serve` does, and
clicks what a visitor clicks: the box of a photo, a chip of a filter, the next page. A click is over
when the page shows what it asked for: the count of selected photos, the other photos' names.

    python -m benchmarks.gallery_clicks [--photos 10000] [--folder DIR] [--rounds 30]

With --folder the library is kept there and used again. Needs Chromium and Playwright.
"""

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from benchmarks.library_100k import build
from benchmarks.served import chromium, served

LIMIT_MS, MOST_PICTURES = 300, 60
# Between two clicks a visitor looks at the pictures, which come in meanwhile.
_LOOK_MS = 700
# Looks once a frame, from the click on: the clock is the page's own.
_UNTIL = """
([selector, index, wanted]) => new Promise((done, fail) => {
  const roots = () => [document, ...[...document.querySelectorAll("*")]
    .map((e) => e.shadowRoot).filter(Boolean)];
  const all = (s) => roots().flatMap((root) => [...root.querySelectorAll(s)]);
  const shown = () => all(wanted).map((e) => e.textContent).join("|");
  const before = shown();
  const started = performance.now();
  all(selector)[index].click();
  const look = () => {
    if (shown() !== before) done(performance.now() - started);
    else if (performance.now() - started > 10000) fail("nothing changed");
    else requestAnimationFrame(look);
  };
  look();
})
"""
_SELECTED = "[data-testid=stMarkdownContainer] strong"
_NAMES = ".cell .said"


def clicked(page: Page, selector: str, index: int, wanted: str) -> float:
    """Milliseconds from a click until what is ``wanted`` reads otherwise; then let it rest."""
    took = float(page.evaluate(_UNTIL, [selector, index, wanted]))
    page.locator("[data-test-script-state='notRunning']").wait_for(state="attached")
    pictures = page.locator(".cell img").count()
    if pictures > MOST_PICTURES:
        raise SystemExit(f"{pictures} pictures on one page; the limit is {MOST_PICTURES}")
    return took


def measure(page: Page, address: str, rounds: int) -> bool:
    """Click all there is to click; True when the limit holds."""
    chip, following = ".st-key-class_filter button", "[data-testid=stPaginationNext]"
    kinds: dict[str, Callable[[int], float]] = {
        "select a photo": lambda i: clicked(page, ".pick", i % MOST_PICTURES, _SELECTED),
        "filter by a class": lambda i: clicked(page, chip, 1 + i % 6, _NAMES),
        "next page": lambda i: clicked(page, following, 0, _NAMES),
    }
    everything = []
    for name, click in kinds.items():
        page.goto(f"{address}/gallery?size=small")
        page.locator(".cell").nth(MOST_PICTURES - 1).wait_for()
        page.wait_for_timeout(_LOOK_MS)
        took = []
        for i in range(rounds):
            took.append(click(i))
            page.wait_for_timeout(_LOOK_MS)
        everything += took
        _report(name, took)
    return _report("all clicks", everything)


def _report(name: str, took: list[float]) -> bool:
    p50, p95 = np.percentile(took, [50, 95])
    holds = bool(p95 <= LIMIT_MS)
    print(
        f"{name:<20} p50 {p50:6.0f} ms   p95 {p95:6.0f} ms   limit {LIMIT_MS} ms   "
        f"{'ok' if holds else 'TOO SLOW'}   ({len(took)} clicks)",
        flush=True,
    )
    return holds


def main() -> int:
    """Make the library where it is missing, serve it and click."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "library"
        if not (folder / "library.db").exists():
            maker = multiprocessing.get_context("spawn").Process(
                target=build, args=(folder, options.photos)
            )
            maker.start()
            maker.join()
        with served(SCENE_LIBRARY=str(folder)) as server, chromium() as browser:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            held = measure(context.new_page(), server.address, options.rounds)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
