"""A second listener for phones in the local network, beside the server on 127.0.0.1.

It serves the upload page for phones and the WebDAV inbox, and nothing else. It listens on one
address of this computer while a code for that address is in use, and is closed when the last one is
over.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import uvicorn

from scene_model.errors import PhoneUnreachable, SceneError
from scene_model.ingest.phone.codes import PhoneCodes

_CHECK_S = 30.0
# For transfers that are running, and then for the thread.
_CLOSE_TIMEOUT_S, _END_TIMEOUT_S = 2, 8.0
# A phone keeps six connections open.
_MAX_CONNECTIONS = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Listening:
    server: uvicorn.Server
    thread: threading.Thread
    port: int


class LanListener:
    """Listens where codes ask for it; thread-safe."""

    def __init__(self, codes: PhoneCodes, port: int) -> None:
        """Listen nowhere yet. port: the preferred one, so that a phone finds the page again."""
        self._codes, self._port = codes, port
        self._app_of: Callable[[str], Any] | None = None
        self._protocol: Any = "auto"
        self._lock = threading.Lock()
        self._listening: dict[str, _Listening] = {}
        self._supervisor: threading.Thread | None = None
        self._is_closed = False

    def serve(self, app_of: Callable[[str], Any], protocol: Any = "auto") -> None:
        """Set what is served, and listen for the codes of an earlier run that are in use.

        app_of: returns the ASGI application for an address. protocol: uvicorn's HTTP class.
        """
        self._app_of, self._protocol = app_of, protocol
        for address in self._addresses():
            try:
                self.open(address)
            except SceneError as error:
                logger.warning("phones cannot reach this computer: %s", error.message)
        with self._lock:
            self._supervise()

    def open(self, address: str) -> int:
        """Listen on an address, unless it does already; returns the port.

        Close it by ending the codes of the address. Raises PhoneUnreachable.
        """
        with self._lock:
            if address not in self._listening:
                self._listening[address] = self._start(address)
            self._supervise()
            return self._listening[address].port

    def port_of(self, address: str) -> int | None:
        """Return the port on an address; None where nothing listens."""
        listening = self._listening.get(address)
        return None if listening is None else listening.port

    def close(self) -> None:
        """Listen nowhere any more."""
        self._is_closed = True
        with self._lock:
            for address in list(self._listening):
                self._stop(address)

    def _addresses(self) -> frozenset[str]:
        return frozenset(code.address for code in self._codes.active() if code.address)

    def _supervise(self) -> None:
        """Start the thread that follows the codes, if any are in use; the caller has the lock."""
        if self._supervisor is None and (self._listening or self._addresses()):
            self._supervisor = threading.Thread(
                target=self._follow_codes, name="phone-listener", daemon=True
            )
            self._supervisor.start()

    def _follow_codes(self) -> None:
        """Close what no code uses any more, and open what this computer could not open before.

        A laptop that comes home gets its address again.
        """
        version = 0
        while not self._is_closed:
            version = self._codes.wait_for_change(version, _CHECK_S)
            with self._lock:
                addresses = self._addresses()
                for address in set(self._listening) - addresses:
                    self._stop(address)
                for address in addresses - set(self._listening):
                    with suppress(SceneError):
                        self._listening[address] = self._start(address)
                if not addresses:
                    self._supervisor = None
                    return

    def _start(self, address: str) -> _Listening:
        if self._app_of is None:
            raise PhoneUnreachable("This process serves pages only, so that no phone can reach it.")
        listener = self._bind(address)
        config = uvicorn.Config(
            self._app_of(address),
            http=self._protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_CLOSE_TIMEOUT_S,
        )
        server, port = uvicorn.Server(config), int(listener.getsockname()[1])

        def run() -> None:
            with listener:
                server.run(sockets=[listener])

        thread = threading.Thread(target=run, name=f"phone-{address}", daemon=True)
        thread.start()
        return _Listening(server, thread, port)

    def _bind(self, address: str) -> socket.socket:
        """Bind the preferred port, or any free one."""
        problem: OSError | None = None
        for port in (self._port, 0):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                if os.name == "posix":
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, port))
                listener.listen(128)
            except OSError as error:
                listener.close()
                problem = error
            else:
                return listener
        reason = "" if problem is None else f": {problem.strerror}"
        raise PhoneUnreachable(
            f"Cannot listen on {address}{reason}. Choose another address of this computer."
        ) from problem

    def _stop(self, address: str) -> None:
        listening = self._listening[address]
        listening.server.should_exit = True
        listening.thread.join(_CLOSE_TIMEOUT_S + _END_TIMEOUT_S)
        del self._listening[address]
