"""``sort``, ``organise``, ``undo`` and ``resume``: sort photos into folders, and revert it."""

import argparse
import json
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from scene_model.cli.scan import path
from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, FolderRefused, SceneError
from scene_model.export.sorting.classification import BY_CLASS, BY_TRIP, default_layout
from scene_model.export.sorting.journal import last_kind
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, ORGANISED_LAYOUT, Layout
from scene_model.export.sorting.plan import Kind, Plan
from scene_model.export.sorting.preparation import (
    Preparation,
    checked_folders,
    checked_source,
    prepare,
    prepare_for_store,
)
from scene_model.export.sorting.transaction import (
    Outcome,
    resume_sort,
    sort_files,
    undo_sort,
)
from scene_model.scale.store_sort.sort_objects import is_store_url
from scene_model.scale.store_sort.store_sort import StoreSort
from scene_model.services import follow_into, follow_to_store, open_classification

_DONE = {Kind.COPY: "copied", Kind.MOVE: "moved", Kind.HARDLINK: "linked"}


def add_sort_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``sort``."""
    _add_folders(parser)
    parser.add_argument(
        "--by",
        default=BY_CLASS,
        metavar="class|group|HEAD|album|trip",
        help="folders by class (default), by group, by the labels of a head, by album, or by trip",
    )
    parser.add_argument("--where", default="", metavar="QUERY", help="sort only these photos")
    parser.add_argument(
        "--layout",
        metavar="TEMPLATE",
        help=f"path of each file below DEST (default: {DEFAULT_LAYOUT}), such as "
        "{taken:%%Y}/{taken:%%m}/{class}/{name}; further fields: {group}, {album}, {trip}, "
        "{dated_trip} (2024-07 Lisbon and Sintra), {day} (01 Sintra), {camera}, {place}, {city}, "
        "{country}, {clutter}. Several templates with | between them: the first counts that has a "
        "value for each of its fields",
    )
    _add_output(parser)


def add_organise_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``organise``: a sort by trips, whose layout is given."""
    _add_folders(parser)
    _add_output(parser)
    parser.set_defaults(by=BY_TRIP, where="", layout=ORGANISED_LAYOUT)


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=path, metavar="SOURCE", help="folder with the photos")
    parser.add_argument(
        "dest",
        type=_folder_or_prefix,
        metavar="DEST",
        help="folder to sort them into, or s3://, gs:// or az:// prefix",
    )
    kinds = parser.add_mutually_exclusive_group()
    for kind, summary in (
        (Kind.COPY, "copy the files (default)"),
        (Kind.MOVE, "move the files; `undo DEST` moves them back"),
        (Kind.HARDLINK, "create hard links, which take no disk space"),
    ):
        kinds.add_argument(
            f"--{kind}",
            dest="kind",
            action="store_const",
            const=kind,
            default=Kind.COPY,
            help=summary,
        )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object per line")


def add_dest_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``undo`` and ``resume``."""
    parser.add_argument(
        "dest",
        type=_folder_or_prefix,
        metavar="DEST",
        help="folder, or s3://, gs:// or az:// prefix, that photos were sorted into",
    )
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object per line")


def add_undo_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``undo``."""
    add_dest_arguments(parser)
    parser.add_argument(
        "--source",
        type=path,
        metavar="FOLDER",
        help="with a prefix that another computer sorted to: the folder here that stands for its "
        "SOURCE",
    )


def _folder_or_prefix(text: str) -> Path | str:
    """Parse a DEST; a URL stays text, because a path would lose its second slash."""
    return text if is_store_url(text) else path(text)


def sort(options: argparse.Namespace, settings: Settings) -> int:
    """Scan, plan and, unless it is a dry run, sort; returns the exit code."""
    store = _store(options, settings)
    if store is None:
        checked_folders(options.source, options.dest)  # fail before loading the model
    else:
        checked_source(options.source)
    layout = Layout(options.layout or default_layout(options.by))
    with (
        open_classification(settings, options.by, options.where, layout) as classification,
        ProgressLine("photos classified") as progress,
    ):
        shared_arguments = (classification, layout, [settings.library], progress.show)
        if store is None:
            prepared = prepare(options.source, options.dest, *shared_arguments)
        else:
            prepared = prepare_for_store(
                options.source, store.dest, store.existing(), *shared_arguments
            )
    plan, printer = prepared.plan, _Printer(options.jsonl, prepared.plan)
    for untouched in plan.untouched:
        printer.add(
            untouched.path,
            None,
            "stays" if untouched.error else "skip",
            untouched.reason,
            untouched.error,
        )
    if options.dry_run:
        for step in plan.steps:
            printer.add(step.source, step.target, f"would {options.kind}", plan.reason(step), None)
    else:
        if store is None:
            steps = sort_files(plan, options.kind, prepared.folders, follow=follow_into(settings))
        else:
            steps = store.sort(plan, options.kind, prepared.folders)
        _print_steps(steps, printer, options.kind, len(plan.steps), options.dest, options.jsonl)
    _print_summary(printer, prepared, options)
    return EXIT_SOME_FAILED if printer.failed else EXIT_DONE


def undo(options: argparse.Namespace, settings: Settings) -> int:
    """Undo the last sort into DEST; returns the exit code."""
    store = _store(options, settings)
    if store is None:
        if options.source is not None:
            raise FolderRefused(f"--source {options.source} is for object stores alone.")
        kind = last_kind(options.dest.expanduser())
        steps = undo_sort(options.dest, follow=follow_into(settings))
    else:
        source = None if options.source is None else checked_source(options.source)
        kind, steps = store.kind(), store.undo(source)
    printer = _run_on_dest(options, steps, "back")
    print(_undo_summary(printer, kind), file=sys.stderr)
    return EXIT_SOME_FAILED if printer.failed else EXIT_DONE


def resume(options: argparse.Namespace, settings: Settings) -> int:
    """Resume a sort or an undo after an interruption; returns the exit code."""
    store = _store(options, settings)
    if store is None:
        steps = resume_sort(options.dest, follow=follow_into(settings))
    else:
        steps = store.resume()
    printer = _run_on_dest(options, steps, "done")
    print(f"{counted(printer.done, 'file')} done{_failures(printer)}.", file=sys.stderr)
    return EXIT_SOME_FAILED if printer.failed else EXIT_DONE


def _store(options: argparse.Namespace, settings: Settings) -> StoreSort | None:
    """Open DEST if it is in an object store; None for a folder of this computer."""
    if not isinstance(options.dest, str):
        return None
    if getattr(options, "kind", None) is Kind.HARDLINK:
        raise FolderRefused(
            f"--hardlink: {options.dest} is in an object store, which has no links to files of "
            "this computer. Use --copy or --move."
        )
    return StoreSort(options.dest, settings.sorts, follow=follow_to_store(settings))


def _run_on_dest(
    options: argparse.Namespace, steps: Generator[Outcome, None, None], action: str
) -> "_Printer":
    printer = _Printer(options.jsonl, None)
    _print_steps(steps, printer, action, None, options.dest, options.jsonl)
    return printer


def _undo_summary(printer: "_Printer", kind: Kind | None) -> str:
    if kind is Kind.COPY:
        result = f"{counted(printer.done, 'copy', 'copies')} removed"
    elif kind is Kind.HARDLINK:
        result = f"{counted(printer.done, 'link')} removed"
    else:
        result = f"{counted(printer.done, 'file')} moved back"
    return f"{result}{_failures(printer)}."


def _failures(printer: "_Printer") -> str:
    return f"; {printer.failed:,} failed, with the reason on each line" if printer.failed else ""


def _print_steps(
    steps: Generator[Outcome, None, None],
    printer: "_Printer",
    action: str,
    total: int | None,
    dest: Path | str,
    is_jsonl: bool,
) -> None:
    """Print each step when it is done; after an interruption the journal allows resuming."""
    # On a terminal only failures are printed: thousands of lines would hide them.
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
        print(f"\nRun `resume {name}` to continue, or `undo {name}` to revert.", file=sys.stderr)
        raise


def _pairs(steps: Iterable[Outcome]) -> Iterator[tuple[Any, SceneError | None]]:
    for outcome in steps:
        yield outcome.step, outcome.error


class _Printer:
    """Prints one line per file and counts the results."""

    def __init__(self, is_jsonl: bool, plan: Plan | None) -> None:
        self._is_jsonl, self._plan = is_jsonl, plan
        self.done = self.failed = self.skipped = 0

    def reason(self, step: Any) -> str:
        return "" if self._plan is None else self._plan.reason(step)

    def count(self, error: SceneError | None) -> None:
        self.failed += error is not None
        self.done += error is None

    def add(
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
            # json.dumps escapes the surrogates of names that are not UTF-8.
            error_json = None if error is None else {"code": error.code, "message": error.message}
            line = {"file": file, "target": target, "action": action, "reason": reason}
            print(json.dumps(line | {"error": error_json}))
        elif error is not None:
            print(f"{printable(file)}\t{error.code}: {printable(error.message)}")
        else:
            arrow = "" if target is None else printable(target)
            print(f"{printable(file)}\t{arrow}\t{action}\t{printable(reason)}")


def _print_summary(printer: _Printer, prepared: Preparation, options: argparse.Namespace) -> None:
    verb = f"to {options.kind}" if options.dry_run else _DONE[options.kind]
    parts = [f"{counted(printer.done, 'file')} {verb}"]
    parts += [f"{printer.skipped:,} skipped"] if printer.skipped else []
    parts += [f"{printer.failed:,} failed, with the reason on each line"] if printer.failed else []
    parts += [f"{prepared.ignored:,} ignored (not photos)"] if prepared.ignored else []
    parts += [f"{counted(prepared.links, 'link')} not followed"] if prepared.links else []
    print("; ".join(parts) + ".", file=sys.stderr)
    if printer.done and not options.dry_run:
        name = printable(str(options.dest))
        print(f"Run `python -m scene_model undo {name}` to revert.", file=sys.stderr)
