"""Time opening each page on a library of 10,000 photos, and comparing all photos, in a browser.

    python -m benchmarks.open_pages [--photos 10000] [--folder DIR]

A page is open when its script has run and its title is visible. With --folder the library (made as
in `benchmarks.large_library`) is stored there and reused.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.large_library import build
from benchmarks.served import chromium, made_library, served

LIMIT_S = 2.0
PAGES = ("gallery", "search?q=sea", "review", "duplicates", "teach", "insights", "map", "export")
_IDLE = "[data-testid=stApp][data-test-script-state='notRunning']"


def timed(
    page: Page, name: str, action: Callable[[], object], limit_s: float | None = LIMIT_S
) -> bool:
    """Run an action and print the time until the page is idle; True when the limit holds."""
    started = time.perf_counter()
    action()
    page.locator("h1").first.wait_for()
    page.locator(_IDLE).wait_for()
    took = time.perf_counter() - started
    holds = limit_s is None or took <= limit_s
    limit = "" if limit_s is None else f"   limit {limit_s:g} s   {'ok' if holds else 'TOO SLOW'}"
    print(f"{name:<24} {took:6.2f} s{limit}", flush=True)
    return holds


def measure(page: Page, address: str) -> bool:
    """Open every page twice and compare all photos in between; limits hold for the second time."""
    page.set_default_timeout(120_000)
    for path in PAGES:
        timed(page, f"{path}, first", lambda: page.goto(f"{address}/{path}"), None)  # noqa: B023
    page.goto(f"{address}/duplicates")
    page.locator(_IDLE).wait_for()
    if page.get_by_role("button", name="Compare now").count():
        timed(page, "comparing all photos", lambda: _compare(page), None)
    return all([timed(page, path, lambda: page.goto(f"{address}/{path}")) for path in PAGES])  # noqa: B023, C419


def _compare(page: Page) -> None:
    page.get_by_role("button", name="Compare now").click()
    page.get_by_text("not been compared with the others yet").wait_for(
        state="hidden", timeout=600_000
    )


def main() -> int:
    """Make the library if it is missing, serve it and open the pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with (
        made_library(options.folder, build, options.photos) as folder,
        served(SCENE_LIBRARY=str(folder)) as server,
        chromium() as browser,
    ):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        holds = measure(context.new_page(), server.address)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
