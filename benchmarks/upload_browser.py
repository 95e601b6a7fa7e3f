"""Upload 1,000 photos of 4 MB through the page in a browser; then do it again and cancel half-way.

Measures how much the server's memory rises, how long the last photo waits between its arrival and
its tags, and the rate. What is left after the cancel is checked by `library verify`.

    python -m benchmarks.upload_browser [--photos 1000] [--folder DIR]

With --folder the photos are kept there and used again. Needs Chromium, Playwright and Linux.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.large_photos import large_photos
from benchmarks.served import Served, chromium, memory_mb, memory_peak_mb, served
from scene_model.config import PROJECT_DIR

MEMORY_LIMIT_MB, TAG_LIMIT_S = 200, 30
_LOOK_S, _SETTLE_S = 0.1, 3.0
_PATIENCE_MS = 1_000_000


def begin(page: Page, server: Served, photos: list[Path]) -> str:
    """Choose the photos on the page, as a visitor does; returns the upload's id."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(photos)
    while True:
        uploads = _asked(server, "")
        if uploads:
            return str(uploads[-1]["id"])
        time.sleep(_LOOK_S)


def whole(browser: Browser, folder: Path, photos: list[Path]) -> bool:
    """Upload all of them; True when the limits hold."""
    size_mb = sum(path.stat().st_size for path in photos) / 1e6
    with served(SCENE_LIBRARY=str(folder)) as server:
        page = _opened(browser, server)
        before_mb, started = memory_mb(server.process_id), time.perf_counter()
        with memory_peak_mb(server.process_id) as peak_mb:
            upload = begin(page, server, photos)
            while (told := _asked(server, upload))["arrived"] < len(photos):
                time.sleep(_LOOK_S)
            arrived = time.perf_counter()
            while (told := _asked(server, upload))["done"] < len(photos):
                time.sleep(_LOOK_S)
            tagged = time.perf_counter()
            page.get_by_text(f"{len(photos):,} of {len(photos):,} photos tagged").wait_for()
        page.close()
    rise_mb, wait_s, took_s = peak_mb[0] - before_mb, tagged - arrived, tagged - started
    is_clean = _verified(folder, len(photos) - told["skipped"])
    print(
        f"{len(photos):,} photos, {size_mb:,.0f} MB in {took_s:.0f} s: {len(photos) / took_s:.1f} "
        f"photos/s, {size_mb / took_s:.0f} MB/s; {told['skipped']} skipped\n"
        f"memory {before_mb:.0f} MB before, {peak_mb[0]:.0f} at most: rose by {rise_mb:.0f} MB "
        f"(limit {MEMORY_LIMIT_MB})\n"
        f"last photo tagged {wait_s:.1f} s after it arrived (limit {TAG_LIMIT_S})",
        flush=True,
    )
    return (
        rise_mb <= MEMORY_LIMIT_MB
        and wait_s <= TAG_LIMIT_S
        and is_clean
        and not told["skipped"]
        and not told["known"]
    )


def cancelled(browser: Browser, folder: Path, photos: list[Path]) -> bool:
    """Cancel when half of them are there; True when the library is clean then."""
    with served(SCENE_LIBRARY=str(folder)) as server:
        page = _opened(browser, server)
        upload = begin(page, server, photos)
        while _asked(server, upload)["arrived"] < len(photos) // 2:
            time.sleep(_LOOK_S)
        page.get_by_role("button", name="Cancel").first.click()
        page.get_by_text(re.compile("Cancelled: ")).wait_for()
        told = _asked(server, upload)
        page.close()
    left = [p for name in ("incoming", "new") for p in (folder / name).rglob("*")]
    kept = told["done"] - told["skipped"]
    is_clean = _verified(folder, kept)
    print(f"cancelled half-way: {kept:,} photos kept, {len(left)} files of uploads left")
    return is_clean and not left and told["state"] == "cancelled"


def _opened(browser: Browser, server: Served) -> Page:
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(server.address)
    page.get_by_role("button", name="Choose photos").wait_for()
    time.sleep(_SETTLE_S)
    return page


def _asked(server: Served, path: str) -> Any:
    address = f"{server.address}/api/uploads{'/' if path else ''}{path}"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def _verified(folder: Path, photos: int) -> bool:
    """Tell whether `library verify` finds nothing wrong, and so many photos."""
    verify, stats = _command(folder, "verify"), _command(folder, "stats", "--json")
    held = int(json.loads(stats.stdout)["photos"])
    print(f"library verify: {verify.returncode}, {held:,} photos; {photos:,} expected")
    if verify.returncode:
        print(verify.stdout[-2000:])
    return verify.returncode == 0 and held == photos


def _command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scene_model", "library", *words, "--library", str(folder)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="where to keep the photos")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        photos = large_photos(options.folder or work / "photos", options.photos)
        with chromium() as browser:
            held = whole(browser, work / "whole", photos)
            is_clean = cancelled(browser, work / "cancelled", photos)
        return 0 if held and is_clean else 1
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
