"""``python -m scene_model classify|sort|undo|library|...``: arguments in, exit code out."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from scene_model import __version__
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, SceneError


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
        exit_code: int = options.run(options)
        return exit_code
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


class _CommandParser(argparse.ArgumentParser):
    """Parser of one command; the command's modules are imported when it is used.

    define: adds the arguments, and as the default of ``run`` what the command does with them.
    """

    def __init__(self, define: Callable[[argparse.ArgumentParser], None], **options: Any) -> None:
        super().__init__(**options)
        self._define = define
        self._is_defined = False

    def parse_known_args(self, *arguments: Any, **options: Any) -> Any:
        if not self._is_defined:
            self._is_defined = True
            self._define(self)
        return super().parse_known_args(*arguments, **options)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description="Tag photos by scene, search them, and sort them into folders."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_CommandParser)
    commands.add_parser(
        "classify", define=_classify, help="tag photos without adding them to the library"
    )
    commands.add_parser(
        "library", define=_library, help="add to, search, check and back up the library"
    )
    commands.add_parser("watch", define=_watch, help="add new photos of folders as they arrive")
    commands.add_parser("sort", define=_sort, help="sort the photos of one folder into another")
    what = (
        "put the photos of a folder into folders of trips and their days, other photos by month, "
        "and clutter apart"
    )
    commands.add_parser(
        "organise", define=_organise, help=what, description=f"{what.capitalize()}."
    )
    for name, define, what in (
        ("undo", _undo, "undo the last sort into a folder"),
        ("resume", _resume, "continue an interrupted sort or undo"),
    ):
        commands.add_parser(name, define=define, help=what, description=what)
    what = "tag the photos of a folder, an object store or a list into a Parquet dataset"
    commands.add_parser(
        "batch", define=_batch, help=what, description=f"{what[0].upper()}{what[1:]}."
    )
    commands.add_parser("fit", define=_fit, help="train your own classes on class folders")
    commands.add_parser("models", define=_models, help="list, add, choose and remove models")
    commands.add_parser("serve", define=_serve, help="serve the pages and the REST API")
    commands.add_parser(
        "token", define=_token, help="create a token for access from another computer"
    )
    return parser


def _classify(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import classify

    classify.add_arguments(parser)
    _run_with_settings(parser, classify.run)


def _library(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli.library import command as library

    library.add_arguments(parser)
    _run_with_settings(parser, library.run)


def _watch(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import watch

    watch.add_arguments(parser)
    _run_with_settings(parser, watch.run)


def _sort(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import sort

    sort.add_sort_arguments(parser)
    _run_with_settings(parser, _naming_damage(sort.sort))


def _organise(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import sort

    sort.add_organise_arguments(parser)
    _run_with_settings(parser, _naming_damage(sort.sort))


def _undo(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import sort

    sort.add_undo_arguments(parser)
    _run_with_settings(parser, _naming_damage(sort.undo))


def _resume(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import sort

    sort.add_dest_arguments(parser)
    _run_with_settings(parser, _naming_damage(sort.resume))


def _batch(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import batch

    batch.add_arguments(parser)
    _run_with_settings(parser, batch.run)


def _fit(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import fit

    fit.add_arguments(parser)
    _run_with_settings(parser, fit.run)


def _models(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli.models import command as models

    models.add_arguments(parser)
    _run_with_settings(parser, models.run)


def _serve(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import serve

    serve.add_arguments(parser)
    _run_with_settings(parser, serve.run)


def _token(parser: argparse.ArgumentParser) -> None:
    from scene_model.cli import token

    token.add_arguments(parser)
    _run_with_settings(parser, token.run)


_Run = Callable[[argparse.Namespace, Settings], int]


def _run_with_settings(parser: argparse.ArgumentParser, run: _Run) -> None:
    parser.set_defaults(run=lambda options: run(options, Settings.from_environment()))


def _naming_damage(run: _Run) -> _Run:
    """Let an error of SQLite name the damaged library."""
    from scene_model.maintenance.database_check import damage_named

    def run_naming_damage(options: argparse.Namespace, settings: Settings) -> int:
        with damage_named(settings.library.expanduser()):
            return run(options, settings)

    return run_naming_damage
