"""Servers of the app, each on a port of its own, that can be stopped, killed and started again."""

import multiprocessing
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest

from scene_model.config import PROJECT_DIR
from scene_model.ingest.phone.addresses import LanAddress

# The variable by which a test gives its server an address in a network.
LAN_ADDRESS = "TEST_LAN_ADDRESS"

# Forked from a process that has the app's modules loaded, a server starts in a quarter of the time.
QUICKEST_START = "forkserver" if sys.platform != "win32" else "spawn"
multiprocessing.get_context(QUICKEST_START).set_forkserver_preload(["tests.browser.loaded_app"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """The app as ``streamlit run app.py`` serves it, on a port of its own.

    folder: gets the server's log and, unless the environment names another, its library.
    start_method: of its process; "spawn" for one that shares no memory with others.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        start_method: str = QUICKEST_START,
        **environment: str,
    ) -> None:
        self._port = free_port() if port is None else port
        self.base_url = f"http://127.0.0.1:{self._port}"
        self._log = folder / "server.log"
        self._context = multiprocessing.get_context(start_method)
        self._environment = os.environ | {"SCENE_LIBRARY": str(folder / "library")} | environment
        self._process: BaseProcess | None = None

    @property
    def process_id(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def log_text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.is_file() else ""

    def start(self) -> None:
        self._process = self._context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(self._port, self._log, self._environment)
        )
        # Streamlit's AppTest leaves a page as the main module, which the process would run.
        with patch.dict(sys.modules, {"__main__": ModuleType("__main__")}):
            self._process.start()
        _wait_until_healthy(self.base_url, self._process, self._log)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._wait_for_end()

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._wait_for_end()

    def _wait_for_end(self) -> None:
        assert self._process is not None
        self._process.join(30)
        assert self._process.exitcode is not None, "the server did not end"


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start a server; stop it in the end, also when it did not start."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _serve(port: int, log: Path, environment: Mapping[str, str]) -> None:
    """Serve the app in this process, with all it prints appended to a log."""
    with log.open("ab") as output:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(output.fileno(), stream.fileno())
    os.chdir(PROJECT_DIR)
    os.environ.clear()
    os.environ.update(environment)
    if lan_address := environment.get(LAN_ADDRESS):
        _pretend_network(lan_address)
    # Imported here: only the processes of servers need it.
    from streamlit.web import cli

    sys.argv = ["streamlit", "run", "app.py"]
    cli.main(["run", "app.py", "--server.headless", "true", "--server.port", str(port)])


def _pretend_network(address: str) -> None:
    """Let the pages offer an address to phones, as on a computer in a network."""
    from pages.sections.phone import from_phone

    def addresses() -> list[LanAddress]:
        return [LanAddress(address, "a test's network")]

    from_phone.__dict__["lan_addresses"] = addresses


def _wait_until_healthy(base_url: str, process: BaseProcess, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.is_alive():
        try:
            urllib.request.urlopen(f"{base_url}/api/health", timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the server did not start:\n{log.read_text()}")
