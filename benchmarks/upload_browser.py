"""Upload 1,000 photos of 4 MB through the page in a browser; then again, cancelled half-way.

Measures the rise of the server's memory, the time between the arrival of the last photo and its
tags, and the rate. After the cancel, `library verify` checks the library.

    python -m benchmarks.upload_browser [--photos 1000] [--folder DIR]

With --folder the photos are stored there and reused. Needs Chromium, Playwright and Linux.
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
_POLL_S, _SETTLE_S = 0.1, 3.0
_PATIENCE_MS = 1_000_000


def start_upload(page: Page, server: Served, photos: list[Path]) -> str:
    """Choose the photos on the page; returns the upload's id."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(photos)
    while True:
        uploads = _status(server, "")
        if uploads:
            return str(uploads[-1]["id"])
        time.sleep(_POLL_S)


def upload_all(browser: Browser, folder: Path, photos: list[Path]) -> bool:
    """Upload all photos and print the measurements; True when the limits hold."""
    size_mb = sum(path.stat().st_size for path in photos) / 1e6
    with served(SCENE_LIBRARY=str(folder)) as server:
        page = _opened(browser, server)
        before_mb, started = memory_mb(server.process_id), time.perf_counter()
        with memory_peak_mb(server.process_id) as peak_mb:
            upload = start_upload(page, server, photos)
            while (progress := _status(server, upload))["arrived"] < len(photos):
                time.sleep(_POLL_S)
            arrived = time.perf_counter()
            while (progress := _status(server, upload))["done"] < len(photos):
                time.sleep(_POLL_S)
            tagged = time.perf_counter()
            page.get_by_text(f"{len(photos):,} of {len(photos):,} photos tagged").wait_for()
        page.close()
    rise_mb, wait_s, took_s = peak_mb[0] - before_mb, tagged - arrived, tagged - started
    is_clean = _verified(folder, len(photos) - progress["skipped"])
    print(
        f"{len(photos):,} photos, {size_mb:,.0f} MB in {took_s:.0f} s: {len(photos) / took_s:.1f} "
        f"photos/s, {size_mb / took_s:.0f} MB/s; {progress['skipped']} skipped\n"
        f"memory {before_mb:.0f} MB before, peak {peak_mb[0]:.0f} MB: rose by {rise_mb:.0f} MB "
        f"(limit {MEMORY_LIMIT_MB})\n"
        f"last photo tagged {wait_s:.1f} s after it arrived (limit {TAG_LIMIT_S})",
        flush=True,
    )
    return (
        rise_mb <= MEMORY_LIMIT_MB
        and wait_s <= TAG_LIMIT_S
        and is_clean
        and not progress["skipped"]
        and not progress["known"]
    )


def upload_and_cancel(browser: Browser, folder: Path, photos: list[Path]) -> bool:
    """Cancel when half of the photos have arrived; True when the library is then clean."""
    with served(SCENE_LIBRARY=str(folder)) as server:
        page = _opened(browser, server)
        upload = start_upload(page, server, photos)
        while _status(server, upload)["arrived"] < len(photos) // 2:
            time.sleep(_POLL_S)
        page.get_by_role("button", name="Cancel").first.click()
        page.get_by_text(re.compile("Cancelled: ")).wait_for()
        progress = _status(server, upload)
        page.close()
    left = [p for name in ("incoming", "new") for p in (folder / name).rglob("*")]
    saved = progress["done"] - progress["skipped"]
    is_clean = _verified(folder, saved)
    print(f"cancelled half-way: {saved:,} photos saved, {len(left)} files of uploads left")
    return is_clean and not left and progress["state"] == "cancelled"


def _opened(browser: Browser, server: Served) -> Page:
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(server.address)
    page.get_by_role("button", name="Choose photos").wait_for()
    time.sleep(_SETTLE_S)
    return page


def _status(server: Served, path: str) -> Any:
    address = f"{server.address}/api/uploads{'/' if path else ''}{path}"
    with urllib.request.urlopen(address, timeout=60) as response:  # noqa: S310
        return json.load(response)


def _verified(folder: Path, photos: int) -> bool:
    """True when `library verify` finds no fault and the library has that many photos."""
    verify, stats = _command(folder, "verify"), _command(folder, "stats", "--json")
    count = int(json.loads(stats.stdout)["photos"])
    print(f"library verify: {verify.returncode}, {count:,} photos; {photos:,} expected")
    if verify.returncode:
        print(verify.stdout[-2000:])
    return verify.returncode == 0 and count == photos


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
    parser.add_argument("--folder", type=Path, help="where to store the photos")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        photos = large_photos(options.folder or work / "photos", options.photos)
        with chromium() as browser:
            holds = upload_all(browser, work / "whole", photos)
            is_clean = upload_and_cancel(browser, work / "cancelled", photos)
        return 0 if holds and is_clean else 1
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
