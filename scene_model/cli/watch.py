"""``watch DIR...``: add new photos of folders to the library until interrupted."""

import argparse
import json
import queue
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scene_model.cli.scan import path, seconds
from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, FolderNotWatchable
from scene_model.ingest.watch.folder_state import FolderState, FolderStatus
from scene_model.ingest.watch.folder_watcher import Pace, Surroundings
from scene_model.ingest.watch.watched_folders import (
    WatchedFolder,
    WatchedFolders,
    require_apart,
    require_readable,
)
from scene_model.ingest.watch.watches import Watches
from scene_model.jobs.job import Outcome
from scene_model.maintenance.database_check import damage_named
from scene_model.services import Services, open_services

_POLL_S = 0.2
_STANDING = (FolderStatus.WAITING, FolderStatus.UNREADABLE)
# With --once, nobody waits a minute for a file that is damaged.
_ONCE = Pace(old_s=5.0)


@dataclass(frozen=True)
class _DoneFile:
    path: str
    outcome: Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "folders", nargs="+", type=path, metavar="DIR", help="folder, with everything below it"
    )
    parser.add_argument(
        "--library",
        type=path,
        metavar="DIR",
        help="library folder (default: SCENE_LIBRARY, or the user's data folder)",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--copy", action="store_true", help="copy the photos to the library (the default)"
    )
    way.add_argument(
        "--reference", action="store_true", help="reference the photos in place instead of copying"
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        metavar="S",
        help="scan every S seconds instead of listening to events; large folders less often",
    )
    parser.add_argument(
        "--once", action="store_true", help="add the photos that are there now, then end"
    )
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object per file")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Watch until interrupted, or with --once until everything is added."""
    if options.library is not None:
        settings = settings.model_copy(update={"library": options.library})
    settings.require_personal("watch folders of the server's disk")
    paths = list(dict.fromkeys(folder.expanduser().absolute() for folder in options.folders))
    for number, folder in enumerate(paths):
        require_readable(folder)
        require_apart(folder, paths[:number])
    with damage_named(settings.library.expanduser()):
        services = open_services(settings, resume=False)
        try:
            return _watch(options, services, paths)
        finally:
            services.close()


def _watch(options: argparse.Namespace, services: Services, paths: Sequence[Path]) -> int:
    folders = _registered(WatchedFolders(services.library), paths, options)
    resumed = services.jobs.resume()
    done = queue.SimpleQueue[_DoneFile]()
    watches = Watches(
        services.library,
        services.jobs,
        _pace(options),
        Surroundings(open_events=None) if options.interval else Surroundings(),
        lambda _folder, file, outcome: done.put(_DoneFile(file, outcome)),
    )
    printer = _Printer(services, options.jsonl)
    try:
        if options.once:
            for job in resumed:
                job.wait()
        for folder in folders:
            watches.begin(folder)
        if sys.stderr.isatty() and not options.once:
            names = ", ".join(printable(str(folder.path)) for folder in folders)
            print(f"Watching {names}. Ctrl-C ends it.", file=sys.stderr)
        with ProgressLine("files") as progress:
            states = _follow(watches, folders, done, printer, progress, options.once)
    finally:
        watches.close()
        printer.print_all(done)
        services.copy_database()
    return _exit_code(states, printer)


def _registered(
    folders: WatchedFolders, paths: Sequence[Path], options: argparse.Namespace
) -> list[WatchedFolder]:
    """Put the folders on the library's list, paused for the server unless they are there."""
    registered = []
    for folder_path in paths:
        folders.require_watchable(folder_path)
        existing = folders.find(WatchedFolder(folder_path, False).id)
        by_reference = options.reference or (
            not options.copy and existing is not None and existing.by_reference
        )
        is_paused = existing is None or existing.is_paused
        folder = WatchedFolder(folder_path, by_reference, is_paused)
        if folder != existing:
            folders.save(folder)
        registered.append(folder)
    return registered


def _pace(options: argparse.Namespace) -> Pace:
    pace = _ONCE if options.once else Pace()
    if options.interval is None:
        return pace
    quiet_s = min(pace.quiet_s, options.interval)
    return replace(pace, scan_s=options.interval, quiet_s=quiet_s)


def _follow(
    watches: Watches,
    folders: Sequence[WatchedFolder],
    done: "queue.SimpleQueue[_DoneFile]",
    printer: "_Printer",
    progress: ProgressLine,
    once: bool,
) -> list[FolderState]:
    """Print what is done, and what stands in the way of a folder once each time it changes.

    Returns the last states with --once; otherwise only Ctrl-C ends it.
    """
    messages: dict[str, str] = {}
    while True:
        is_idle = watches.is_idle()
        printer.print_all(done)
        states = [(folder, watches.state(folder)) for folder in folders]
        for folder, state in states:
            message = state.message or state.note
            if message and messages.get(folder.id) != message:
                print(f"{printable(str(folder.path))}: {printable(message)}", file=sys.stderr)
            messages[folder.id] = message
            if once and state.status is FolderStatus.ELSEWHERE:
                raise FolderNotWatchable(
                    f"Another process watches {folder.path} for this library.",
                    code="folder_watched",
                )
        pending = sum(state.pending for _, state in states)
        progress.show(printer.done, printer.done + pending or None, printer.failed)
        stands_still = all(state.status in _STANDING for _, state in states)
        if once and (is_idle or stands_still):
            return [state for _, state in states]
        time.sleep(_POLL_S)


class _Printer:
    """Prints one line per file that is done."""

    def __init__(self, services: Services, as_json: bool) -> None:
        self._library, self._as_json = services.library, as_json
        self.done = self.failed = 0

    def print_all(self, done: "queue.SimpleQueue[_DoneFile]") -> None:
        while not done.empty():
            file = done.get()
            self.done += 1
            self.failed += file.outcome.skipped is not None
            print(self._json(file) if self._as_json else self._line(file), flush=True)

    def _class(self, photo_id: str | None) -> str | None:
        photos = self._library.records([photo_id] if photo_id else [])
        return next((photo.photo_class for photo in photos), None)

    def _json(self, file: _DoneFile) -> str:
        outcome = file.outcome
        problem = outcome.skipped
        return json.dumps(
            {
                "file": file.path,
                "id": outcome.photo_id,
                "known": outcome.was_known if problem is None else None,
                "class": self._class(outcome.photo_id),
                "error": problem and {"code": problem.code, "message": problem.message},
            }
        )

    def _line(self, file: _DoneFile) -> str:
        name, outcome = printable(file.path), file.outcome
        if outcome.skipped is not None:
            return f"{name}\t{outcome.skipped.code}: {printable(outcome.skipped.message)}"
        suffix = "\tknown" if outcome.was_known else ""
        photo_class = printable(self._class(outcome.photo_id) or "")
        return f"{name}\t{outcome.photo_id}\t{photo_class}{suffix}"


def _exit_code(states: Sequence[FolderState], printer: _Printer) -> int:
    for original in (file for state in states for file in state.missing):
        print(f"{printable(original)}\toriginal_missing: it is not there", file=sys.stderr)
    pending = sum(state.pending for state in states)
    if pending:
        print(f"{counted(pending, 'file')} not added yet; run it again.", file=sys.stderr)
    if printer.failed:
        print(f"{counted(printer.failed, 'file')} failed.", file=sys.stderr)
    is_left = pending or any(state.status in _STANDING for state in states)
    return EXIT_SOME_FAILED if printer.failed or is_left else EXIT_DONE
