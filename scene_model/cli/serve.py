"""``serve``: the pages and the REST API in one server."""

import argparse
import os
import sys

import uvicorn

from scene_model.cli.prompt_http import PromptHTTP
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import EXIT_DONE
from scene_model.visitors.tokens import Tokens

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


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
    tokens = Tokens.read(settings.api_tokens)
    if host not in _LOOPBACK:
        print(_who_may_come(host, settings, tokens), file=sys.stderr)
    print(f"Scene Gallery: http://{host}:{port}", file=sys.stderr)
    settings.keep_for_children()
    # Streamlit looks for its configuration and its pages beside app.py.
    os.chdir(PROJECT_DIR)
    uvicorn.run(
        "app:app",
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        app_dir=str(PROJECT_DIR),
        http=PromptHTTP,
        # What is told of the server itself: nothing.
        server_header=False,
    )
    return EXIT_DONE


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
