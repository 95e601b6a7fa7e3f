"""Send 200 photos of 5 MB from a phone's browser over a connection that is cut ten times.

Checks that each photo is in the library once, byte for byte, and prints the rate and how much was
sent again. Half of the cuts last so long that the page stops and has to go on by itself.

    python -m benchmarks.phone [--photos 200] [--cuts 10] [--folder DIR]

With --folder the photos are stored there and reused. Needs Chromium and Playwright.
"""

import argparse
import hashlib
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.large_photos import large_photos
from benchmarks.served import chromium, served
from scene_model.ingest.phone.codes import PhoneCodes
from scene_model.library.store import Library
from tests.cut_relay import CutRelay

PHOTO_BYTES = 5_000_000
_HERE, _LONG_CUT_S, _PATIENCE_MS = "127.0.0.1", 8.0, 1_000_000


def phone_photos(folder: Path, count: int) -> list[Path]:
    """Make photos of 5 MB: those of `large_photos`, with zeros after the end of the picture."""
    paths = large_photos(folder, count)
    for path in paths:
        missing = PHOTO_BYTES - path.stat().st_size
        if missing > 0:
            with path.open("ab") as file:
                file.write(bytes(missing))
    return paths


def send(browser: Browser, library: Path, photos: list[Path], cuts: int) -> float:
    """Send the photos with evenly spread cuts; returns the seconds that it took."""
    total = sum(path.stat().st_size for path in photos)
    cut_after = [total * (i + 1) // (cuts + 1) for i in range(cuts)]
    _, token = PhoneCodes(library).make("", 86_400, _HERE)
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        port = probe.getsockname()[1]
    relay = CutRelay((_HERE, port), cut_after, [_LONG_CUT_S * (i % 2) for i in range(cuts)])
    with served(SCENE_LIBRARY=str(library), SCENE_PHONE_PORT=str(port)):
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
        )
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(f"http://{_HERE}:{relay.port}/phone/#{token}")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose photos").click()
        started = time.perf_counter()
        chooser.value.set_files(photos)
        page.get_by_text("Done: ").first.wait_for()
        took_s = time.perf_counter() - started
        summary = page.locator("#summary").inner_text()
        context.close()
    relay.close()
    print(
        f"{len(photos):,} photos, {total / 1e6:,.0f} MB in {took_s:.0f} s with {relay.cuts} cuts: "
        f"{total / took_s / 1e6:.0f} MB/s; {summary}\n"
        f"sent again after cuts: {max(0, relay.sent_bytes - total) / 1e6:.1f} MB",
        flush=True,
    )
    return took_s


def is_whole(library: Path, photos: list[Path]) -> bool:
    """True when the library holds each photo once, byte for byte, and nothing else."""
    expected = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in photos)
    with Library(library) as opened:
        records = list(opened.records(opened.find()))
        stored = sorted(
            hashlib.sha256(opened.original_location(photo).read_bytes()).hexdigest()
            for photo in records
        )
    print(f"{len(stored):,} photos in the library, the same as sent: {stored == expected}")
    return stored == expected


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where to store the photos")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        photos = phone_photos(options.folder or work / "photos", options.photos)
        with chromium() as browser:
            send(browser, work / "library", photos, options.cuts)
        return 0 if is_whole(work / "library", photos) else 1
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
