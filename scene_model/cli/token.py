"""``token NAME``: make what lets a program, or a person at a browser, in from another computer."""

import argparse
import sys

from scene_model.errors import EXIT_DONE
from scene_model.visitors.tokens import new_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", metavar="NAME", help="whose token it is: letters, digits, '.-_'")


def run(options: argparse.Namespace) -> int:
    """Print a new token, and what SCENE_API_TOKENS is to hold of it; nothing is stored."""
    token, entry = new_token(options.name)
    print(f"token: {token}")
    print(f"entry: {entry}")
    print(
        "The token is shown this once: give it to its holder. Add the entry to SCENE_API_TOKENS, "
        "after a comma where others stand, and restart the server.",
        file=sys.stderr,
    )
    return EXIT_DONE
