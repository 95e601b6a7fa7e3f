"""``sort SOURCE DEST``, ``undo DEST``, ``resume DEST``: folders put in order, and back."""

import argparse
import json
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from scene_model.cli.scan import path
from scene_model.cli.terminal import ProgressLine, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, SceneError
from scene_model.export.sorting.classification import BY_ALBUM, BY_CLASS
from scene_model.export.sorting.layout import ALBUM_LAYOUT, DEFAULT_LAYOUT, Layout
from scene_model.export.sorting.plan import Kind, Plan
from scene_model.export.sorting.preparation import Preparation, checked_folders, prepare
from scene_model.export.sorting.transaction import (
    Outcome,
    resume_sort,
    sort_files,
    undo_sort,
)
from scene_model.services import follow_into, open_classification

_DONE = {Kind.COPY: "copied", Kind.MOVE: "moved", Kind.HARDLINK: "linked"}


def add_sort_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``sort``."""
    parser.add_argument("source", type=path, metavar="SOURCE", help="folder of photos")
    parser.add_argument("dest", type=path, metavar="DEST", help="folder to put them into")
    kinds = parser.add_mutually_exclusive_group()
    for kind, what in (
        (Kind.COPY, "copy the files (default)"),
        (Kind.MOVE, "move the files; `undo DEST` moves them back"),
        (Kind.HARDLINK, "give the files a second name, which takes no room"),
    ):
        kinds.add_argument(
            f"--{kind}", dest="kind", action="store_const", const=kind, default=Kind.COPY, help=what
        )
    parser.add_argument(
        "--by",
        default=BY_CLASS,
        metavar="class|HEAD|album",
        help="what the folders are: classes (default), the labels of a head, or albums",
    )
    parser.add_argument("--where", default="", metavar="QUERY", help="sort only these photos")
    parser.add_argument(
        "--layout",
        metavar="TEMPLATE",
        help=f"where files go below DEST (default: {DEFAULT_LAYOUT}), e.g. "
        "{taken:%%Y}/{taken:%%m}/{class}/{name}; {album} and {camera} too",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object a line")


def add_dest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``undo`` and ``resume``."""
    parser.add_argument("dest", type=path, metavar="DEST", help="folder that was sorted into")
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object a line")


def sort(options: argparse.Namespace, settings: Settings) -> int:
    """Scan, plan, and unless it is a dry run, act; returns the exit code."""
    checked_folders(options.source, options.dest)  # before the model is opened
    layout = Layout(options.layout or (ALBUM_LAYOUT if options.by == BY_ALBUM else DEFAULT_LAYOUT))
    with (
        open_classification(
            settings, options.by, options.where, layout.uses_album
        ) as classification,
        ProgressLine("photos looked at") as progress,
    ):
        prepared = prepare(
            options.source, options.dest, classification, layout, [settings.library], progress.show
        )
    plan, printer = prepared.plan, _Printer(options.jsonl, prepared.plan)
    for left in plan.untouched:
        printer.say(left.path, None, "stays" if left.error else "skip", left.reason, left.error)
    if options.dry_run:
        for step in plan.steps:
            printer.say(step.source, step.target, f"would {options.kind}", plan.reason(step), None)
    else:
        steps = sort_files(plan, options.kind, prepared.folders, follow=follow_into(settings))
        _carry_out(steps, printer, options.kind, len(plan.steps), options.dest, options.jsonl)
    _say_end(printer, prepared, options)
    return EXIT_SOME_FAILED if printer.failed else EXIT_DONE


def undo(options: argparse.Namespace, settings: Settings) -> int:
    """Bring back what was; returns the exit code."""
    return _back_or_on(options, undo_sort(options.dest, follow=follow_into(settings)), "back")


def resume(options: argparse.Namespace, settings: Settings) -> int:
    """Go on after a crash; returns the exit code."""
    return _back_or_on(options, resume_sort(options.dest, follow=follow_into(settings)), "done")


def _back_or_on(
    options: argparse.Namespace, steps: Generator[Outcome, None, None], action: str
) -> int:
    printer = _Printer(options.jsonl, None)
    _carry_out(steps, printer, action, None, options.dest, options.jsonl)
    print(f"{printer.done:,} files {action}, {printer.failed:,} stay.", file=sys.stderr)
    return EXIT_SOME_FAILED if printer.failed else EXIT_DONE


def _carry_out(
    steps: Generator[Outcome, None, None],
    printer: "_Printer",
    action: str,
    total: int | None,
    dest: Path,
    is_jsonl: bool,
) -> None:
    """Print each step as it is taken; an interruption leaves a journal to go on by."""
    # On a terminal a hundred thousand lines would hide the one that matters.
    is_brief = not is_jsonl and sys.stdout.isatty()
    try:
        with ProgressLine("files") as progress, closing(steps):
            for number, (step, error) in enumerate(_pairs(steps), 1):
                printer.count(error)
                if error is not None or not is_brief:
                    printer.show(step.source, step.target, action, printer.reason(step), error)
                progress.show(number, total, printer.failed)
    except KeyboardInterrupt:
        name = printable(str(dest))
        print(f"\n`resume {name}` goes on; `undo {name}` takes back.", file=sys.stderr)
        raise


def _pairs(steps: Iterable[Outcome]) -> Iterator[tuple[Any, SceneError | None]]:
    for outcome in steps:
        yield outcome.step, outcome.error


class _Printer:
    """Prints a line a file, and counts."""

    def __init__(self, is_jsonl: bool, plan: Plan | None) -> None:
        self._is_jsonl, self._plan = is_jsonl, plan
        self.done = self.failed = self.skipped = 0

    def reason(self, step: Any) -> str:
        return "" if self._plan is None else self._plan.reason(step)

    def count(self, error: SceneError | None) -> None:
        self.failed += error is not None
        self.done += error is None

    def say(
        self, file: str, target: str | None, action: str, reason: str, error: SceneError | None
    ) -> None:
        self.failed += error is not None
        self.skipped += error is None and target is None
        self.done += error is None and target is not None
        self.show(file, target, action, reason, error)

    def show(
        self, file: str, target: str | None, action: str, reason: str, error: SceneError | None
    ) -> None:
        if self._is_jsonl:
            # json.dumps escapes the surrogates of names that are no UTF-8.
            told = None if error is None else {"code": error.code, "message": error.message}
            line = {"file": file, "target": target, "action": action, "reason": reason}
            print(json.dumps(line | {"error": told}))
        elif error is not None:
            print(f"{printable(file)}\t{error.code}: {printable(error.message)}")
        else:
            arrow = "" if target is None else printable(target)
            print(f"{printable(file)}\t{arrow}\t{action}\t{printable(reason)}")


def _say_end(printer: _Printer, prepared: Preparation, options: argparse.Namespace) -> None:
    what = f"to {options.kind}" if options.dry_run else _DONE[options.kind]
    said = [f"{printer.done:,} files {what}"]
    said += [f"{printer.skipped:,} skipped"] if printer.skipped else []
    said += [f"{printer.failed:,} failed, each line says why"] if printer.failed else []
    said += [f"{prepared.ignored:,} ignored: no photos"] if prepared.ignored else []
    said += [f"{prepared.links:,} links not followed"] if prepared.links else []
    print("; ".join(said) + ".", file=sys.stderr)
    if printer.done and not options.dry_run:
        name = printable(str(options.dest))
        print(f"`python -m scene_model undo {name}` brings back what was.", file=sys.stderr)
