"""``serve``: the pages and the REST API in one server."""

import argparse
import errno
import os
import signal
import socket
import sys
import threading
import time
import webbrowser

import uvicorn

from scene_model.cli.prompt_http import HeadTimeoutProtocol
from scene_model.config import SITE_DIR, Settings
from scene_model.errors import EXIT_DONE, EXIT_FAILED
from scene_model.library.database.database_file import (
    DATABASE_NAME,
    require_database,
    require_database_file,
)
from scene_model.visitors.folder_lock import visitors_lock
from scene_model.visitors.open_files import raise_open_file_limit
from scene_model.visitors.proxies import TrustedProxies
from scene_model.visitors.tokens import Tokens

_START_TIMEOUT_S = 120
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_HERE_TOO = (
    "SCENE_API_TOKENS is set, so this computer needs a token too; SCENE_TRUST_LOOPBACK=true lets "
    "it in without one."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, help="port to listen on (default: 8501)")
    parser.add_argument("--open", action="store_true", help="open the pages in the browser")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Serve until interrupted; 1 where the address cannot be listened on.

    Raises InvalidSetting for invalid tokens or proxies, LibraryUnavailable for a library whose
    database is missing or damaged, and VisitorsInUse while another server uses their folder.
    """
    host, port = options.host or settings.host, options.port or settings.port
    tokens = Tokens.read(settings.api_tokens)
    TrustedProxies.read(settings.trusted_proxies)
    if not settings.is_shared:
        library = settings.library.expanduser()
        require_database(library)
        require_database_file(library / DATABASE_NAME)
    with visitors_lock(settings):
        pass  # The app takes it when it starts; here, before seconds go into loading.
    problem = _problem_with_address(host, port)
    if problem is not None:
        print(problem, file=sys.stderr)
        return EXIT_FAILED
    if host not in _LOOPBACK:
        print(_who_may_come(host, settings, tokens), file=sys.stderr)
    elif tokens.hashes and not settings.is_shared and not settings.trust_loopback:
        print(_HERE_TOO, file=sys.stderr)
    print(f"Scene Gallery: {_url(host, port)}", file=sys.stderr)
    if options.open:
        threading.Thread(target=open_browser, args=(host, port), daemon=True).start()
    raise_open_file_limit()
    settings.keep_for_children()
    # Streamlit reads .streamlit/config.toml (no usage statistics, this computer only) of the
    # working directory, and would read a stranger's where it was started.
    os.chdir(SITE_DIR)
    # When it has closed, Uvicorn sends itself the signal that ended it: systemd takes that for a
    # clean end, and the exit code of an interrupted command for a failure.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    uvicorn.run(
        "app:app",
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        app_dir=str(SITE_DIR),
        http=HeadTimeoutProtocol,
        # `ProxyHeaders` reads them, from the proxies of SCENE_TRUSTED_PROXIES alone.
        proxy_headers=False,
        # What is told of the server itself: nothing.
        server_header=False,
    )
    return EXIT_DONE


def _problem_with_address(host: str, port: int) -> str | None:
    """Try to bind the address, before seconds go into loading; None when it is free."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in addresses:
            with socket.socket(family, kind, protocol) as probe:
                if os.name == "posix":
                    # As the server binds: a connection that is just closing is no obstacle.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except socket.gaierror:
        return f"There is no address {host!r}. Give --host a name or address of this computer."
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return (
                f"Port {port} of {host} is in use by another program, maybe another Scene "
                f"Gallery. Stop that one, or choose another port: --port {_other_port(port)}"
            )
        if error.errno == errno.EACCES:
            return f"You may not listen on port {port}. Choose one above 1023: --port 8501"
        return f"Cannot listen on port {port} of {host}: {error.strerror}."
    return None


def _other_port(port: int) -> int:
    return port + 1 if port < 65535 else 8501


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def open_browser(host: str, port: int) -> None:
    """Open the pages once the server listens; nothing where there is no graphical browser."""
    target = "127.0.0.1" if host in _ANY_ADDRESS else host
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((target, port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
            continue
        try:
            browser = webbrowser.get()
        except webbrowser.Error:
            return
        # A GenericBrowser that does not run in the background is one for terminals (lynx, w3m).
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(_url(target, port))
        return


def _who_may_come(host: str, settings: Settings, tokens: Tokens) -> str:
    if settings.is_shared:
        who = "everyone who reaches this computer gets a library of their own"
    elif tokens.hashes:
        who = f"those who have one of {len(tokens.hashes)} tokens see the library"
    else:
        who = (
            "only this computer is let in, since SCENE_API_TOKENS is empty; "
            "`python -m scene_model token NAME` makes a token for others"
        )
    return f"Listening on {host}: {who}. SCENE_ALLOWED_HOSTS names the hosts it answers to."
