"""Run the app in a separate process, measure its memory, and start a browser."""

import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_model.config import PROJECT_DIR

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_BROWSER_NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_SAMPLE_S = 0.05


@contextmanager
def made_library(folder: Path | None, make: Callable[..., None], *arguments: Any) -> Iterator[Path]:
    """Make a library with ``make(folder, *arguments)`` if it is missing; yields its folder.

    folder: None means a temporary folder. The library is made in a separate process, so that its
    memory is not measured.
    """
    with tempfile.TemporaryDirectory() as temporary:
        library_dir = folder or Path(temporary) / "library"
        if not (library_dir / "library.db").exists():
            maker = multiprocessing.get_context("spawn").Process(
                target=make, args=(library_dir, *arguments)
            )
            maker.start()
            maker.join()
        yield library_dir


@dataclass(frozen=True)
class Served:
    """A running server."""

    address: str
    process_id: int


@contextmanager
def served(
    log: Path | None = None, max_open_files: int | None = None, **environment: str
) -> Iterator[Served]:
    """Run the app with some environment variables, on a free port if SCENE_PORT is not among them.

    log: file for what it prints. max_open_files: the limit of its process; Unix only.
    """
    port = int(environment.get("SCENE_PORT") or _free_port())
    command = [sys.executable, "-m", "scene_model", "serve", "--port", str(port)]
    if max_open_files is not None:
        command = ["sh", "-c", f'ulimit -n {max_open_files} && exec "$@"', "sh", *command]
    with (log or Path(os.devnull)).open("a") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield Served(address, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/api/health", timeout=5).close()  # noqa: S310
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the server did not start")


@contextmanager
def chromium(*arguments: str) -> Iterator["Browser"]:
    """Start a headless browser, with further arguments of its command line."""
    # Only the extra `browser` has it; `make test` starts servers without it.
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, _BROWSER_NAMES)), None)
    if executable is None:
        raise SystemExit("Chromium is not installed. On Debian: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=[*_ARGUMENTS, *arguments]
        )
        yield browser
        browser.close()


def memory_mb(process_id: int) -> float:
    """Resident memory of a process and its children, in MB of 10^6 bytes; Linux only."""
    task = Path(f"/proc/{process_id}")
    try:
        pages = int((task / "statm").read_text().split()[1])
        children = (task / f"task/{process_id}/children").read_text().split()
    except FileNotFoundError:
        return 0.0  # it has ended
    own = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return own + sum(memory_mb(int(child)) for child in children)


@contextmanager
def memory_peak_mb(process_id: int) -> Iterator[list[float]]:
    """Sample a process tree's memory; yields a list whose only item is the peak so far."""
    peak, is_over = [memory_mb(process_id)], threading.Event()

    def watch() -> None:
        while not is_over.wait(_SAMPLE_S):
            peak[0] = max(peak[0], memory_mb(process_id))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()
