"""``python -m scene_model classify|sort|undo|library|...``: arguments in, exit code out."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from scene_model import __version__
from scene_model.cli import classify, fit, library, serve, sort, token
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, SceneError
from scene_model.maintenance.database_check import damage_named

_SORTING = {"sort": sort.sort, "undo": sort.undo, "resume": sort.resume}


def main(arguments: Sequence[str] | None = None, program: str = "python -m scene_model") -> int:
    """Run one command.

    program: what it was started as, for its messages.
    Returns 0 done, 2 wrong usage, 3 some items failed, 130 interrupted, 1 anything else.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name the terminal cannot write is escaped; it must not end the run.
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    parser = _parser(program)
    try:
        options = parser.parse_args(arguments)
    except SystemExit as end:  # argparse has printed the error
        return int(end.code or 0)
    try:
        if options.command == "token":
            return token.run(options)
        settings = Settings.from_environment()
        if options.command == "classify":
            return classify.run(options, settings)
        if options.command == "library":
            return library.run(options, settings)
        if options.command == "fit":
            return fit.run(options, settings)
        if options.command in _SORTING:
            with damage_named(settings.library.expanduser()):
                return _SORTING[options.command](options, settings)
        return serve.run(options, settings)
    except SceneError as error:
        print(f"{parser.prog}: {error.message}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted; finished work is kept", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`, say) closed the pipe; prevent an error at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except OSError as error:
        print(f"{parser.prog}: {error.strerror or error}", file=sys.stderr)
        return EXIT_FAILED


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description="Tag photos by scene, search them, and sort them into folders."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    classify.add_arguments(
        commands.add_parser("classify", help="tag photos without adding them to the library")
    )
    library.add_arguments(
        commands.add_parser("library", help="add to, search, check and back up the library")
    )
    sort.add_sort_arguments(
        commands.add_parser("sort", help="sort the photos of one folder into another")
    )
    for name, what in (
        ("undo", "undo the last sort into a folder"),
        ("resume", "continue an interrupted sort or undo"),
    ):
        sort.add_dest_arguments(commands.add_parser(name, help=what, description=what))
    fit.add_arguments(commands.add_parser("fit", help="train your own classes on class folders"))
    serve.add_arguments(commands.add_parser("serve", help="serve the pages and the REST API"))
    token.add_arguments(
        commands.add_parser("token", help="create a token for access from another computer")
    )
    return parser
