"""``token NAME``: create an access token for a program or a browser on another computer."""

import argparse
import sys

from scene_model.config import Settings
from scene_model.errors import EXIT_DONE
from scene_model.visitors.tokens import new_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", metavar="NAME", help="name of the holder: letters, digits, '.-_'")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print a new token and its entry for SCENE_API_TOKENS; stores nothing."""
    token, entry = new_token(options.name, settings.server_prefix)
    print(f"token: {token}")
    print(f"entry: {entry}")
    print(
        "The token is shown only once: give it to its holder. Add the entry to SCENE_API_TOKENS, "
        "separated by a comma from other entries, and restart the server.",
        file=sys.stderr,
    )
    return EXIT_DONE
