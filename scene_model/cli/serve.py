"""``serve``: the pages and the REST API in one server."""

import argparse
import os
import sys

import uvicorn

from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import EXIT_DONE

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ALL_SEE = "everyone who reaches this computer sees the library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, help="port to listen on (default: 8501)")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Serve until interrupted."""
    host, port = options.host or settings.host, options.port or settings.port
    if host not in _LOOPBACK:
        who = "every visitor gets a private library" if settings.is_shared else _ALL_SEE
        print(
            f"Listening on {host}: {who}. Name the hosts it may be addressed by in "
            "SCENE_ALLOWED_HOSTS.",
            file=sys.stderr,
        )
    print(f"Scene Gallery: http://{host}:{port}", file=sys.stderr)
    settings.keep_for_children()
    # Streamlit looks for its configuration and its pages beside app.py.
    os.chdir(PROJECT_DIR)
    uvicorn.run("app:app", host=host, port=port, log_level="warning", app_dir=str(PROJECT_DIR))
    return EXIT_DONE
