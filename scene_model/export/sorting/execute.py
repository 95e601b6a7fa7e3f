"""Carrying a plan out, step by step; a crash leaves each file at one of its two places."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from scene_model.errors import (
    ChangedSince,
    FileSkipped,
    LeadSkipped,
    NameTooLong,
    OtherDisk,
    SourceVanished,
    TargetFull,
    TargetReadOnly,
    TargetTaken,
)
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import Journal
from scene_model.export.sorting.plan import Kind, Step
from scene_model.photos.hashes import file_content_hash

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_TIME_STEP_NS = 2_000_000_000  # FAT keeps times no closer
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


def execute(
    journal: Journal, is_resumed: bool = False
) -> Iterator[tuple[Step, FileSkipped | None]]:
    """Take the steps of an open journal; yield each with the error that kept its file away.

    is_resumed: some may have been taken already, which the disk tells.
    Raises OSError where the journal itself cannot be written any more.
    """
    folders = _made_folders(journal)
    stayed: set[int] = set()
    for step in journal.steps:
        error: FileSkipped | None = None
        is_there = False
        try:
            if step.lead in stayed:
                raise LeadSkipped(
                    f"It belongs to {os.path.basename(journal.steps[step.lead].source)}, "
                    "which stays where it is."
                )
            broken = folders.get(os.path.dirname(step.target)) if folders else None
            if broken is not None:
                raise broken
            take(step, journal.kind, journal.file_system, is_resumed)
            is_there = True
            _check_arrival(step)
        except OSError as problem:
            error = in_words(problem, step)
        except FileSkipped as problem:
            error = problem
        if not is_there:
            stayed.add(step.number)
        journal.note("done" if is_there else "failed", step.number)
        yield step, error


def take(step: Step, kind: Kind, file_system: SortFileSystem, is_resumed: bool) -> None:
    """Take one step; raises FileSkipped or OSError."""
    try:
        source = os.lstat(step.source)
    except (FileNotFoundError, NotADirectoryError):
        if is_resumed and kind is Kind.MOVE and is_moved(step):
            return
        raise SourceVanished(
            f"{step.source} is not there any more; it was when the sort was planned."
        ) from None
    if not _is_same(source, step):
        raise ChangedSince(
            f"{step.source} was changed after the sort was planned. It stays; sort again."
        )
    if is_resumed and os.path.lexists(step.target):
        _finish(step, kind, file_system, source)
    elif kind is Kind.HARDLINK:
        file_system.link_new(step.source, step.target)
    elif kind is Kind.COPY:
        file_system.copy_new(step.source, step.target, part_of(step.target, step), step.sha256)
    else:
        _move(step, file_system)


def _check_arrival(step: Step) -> None:
    """Look whether the file that is there now is what was planned; raises ChangedSince."""
    arrived = os.lstat(step.target)
    if arrived.st_size != step.bytes or abs(arrived.st_mtime_ns - step.mtime_ns) >= _TIME_STEP_NS:
        raise ChangedSince(
            f"{step.target} is there, but was changed on the way: something writes to it. Look at "
            "it."
        )


def part_of(target: str, step: Step) -> str:
    """Where a copy grows: in the target's folder, short enough for any name."""
    return os.path.join(os.path.dirname(target), f".scene-sort-{step.number}.part")


def is_moved(step: Step) -> bool:
    """Tell whether a step's file lies at its target: as it was, or changed since by somebody."""
    try:
        return os.lstat(step.target).st_ino == step.inode or is_as_planned(step.target, step)
    except OSError:
        return False


def is_as_planned(path: str, step: Step) -> bool:
    """Tell whether the file of a step lies at a path: the same one, or the same content."""
    try:
        found = os.lstat(path)
        if found.st_size != step.bytes:
            return False
        return _is_same(found, step) or file_content_hash(Path(path)) == step.sha256
    except OSError:
        return False


def in_words(error: OSError, step: Step) -> FileSkipped:
    """Say why the operating system did not take a step."""
    why = error.strerror or type(error).__name__
    if isinstance(error, FileExistsError):
        return TargetTaken(
            f"{step.target} came to be there after the sort was planned; it is not overwritten. "
            "Sort again."
        )
    if error.errno in _FULL:
        return TargetFull(
            f"There is no room for {step.target} ({step.bytes / 1e6:,.1f} MB). Free some, then "
            "`resume`."
        )
    if error.errno in _FORBIDDEN:
        return TargetReadOnly(
            f"{step.target} may not be written, or {step.source} not be read or taken away: {why}. "
            "Change the permissions, then `resume`."
        )
    if error.errno == errno.ENAMETOOLONG:
        return NameTooLong(f"{step.target} is a longer path than the file system takes.")
    if error.errno == errno.EXDEV:
        return OtherDisk(
            f"{step.source} lies on another file system than {step.target}: a hard link cannot "
            "lead there. Use --copy."
        )
    if isinstance(error, FileNotFoundError):
        return SourceVanished(f"{step.source}, or the folder it was to go to, is not there: {why}.")
    return FileSkipped(f"{step.source} could not be put at {step.target}: {why}.")


def _made_folders(journal: Journal) -> dict[str, OSError]:
    """Make the plan's folders; returns those that could not be, with the reason."""
    broken: dict[str, OSError] = {}
    for folder in journal.folders:
        above = broken.get(os.path.dirname(folder))
        try:
            if above is not None:
                raise above
            journal.file_system.make_one_folder(folder)
        except OSError as error:
            broken[folder] = error
    return broken


def _is_same(found: os.stat_result, step: Step) -> bool:
    return (
        found.st_size == step.bytes
        and found.st_mtime_ns == step.mtime_ns
        and found.st_ino == step.inode
    )


def _move(step: Step, file_system: SortFileSystem) -> None:
    try:
        file_system.rename_new(step.source, step.target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        file_system.copy_new(step.source, step.target, part_of(step.target, step), step.sha256)
        _let_go(step.source, step.target, file_system)


def _let_go(source: str, copy: str, file_system: SortFileSystem) -> None:
    """Remove what was copied; where that is forbidden, the copy goes again."""
    try:
        file_system.remove(Path(source))
    except OSError:
        file_system.remove(Path(copy))
        raise


def _finish(step: Step, kind: Kind, file_system: SortFileSystem, source: os.stat_result) -> None:
    """Go on where a crash came in the middle of a step; raises TargetTaken where it did not."""
    target = os.lstat(step.target)
    is_one = os.path.samestat(source, target)
    is_copy = (
        not is_one
        and kind is not Kind.HARDLINK
        # Times are copied before a copy gets its name.
        and abs(target.st_mtime_ns - step.mtime_ns) < _TIME_STEP_NS
        and is_as_planned(step.target, step)
    )
    if kind is Kind.COPY and is_copy or kind is Kind.HARDLINK and is_one:
        return
    if kind is Kind.MOVE and (is_one or is_copy and source.st_dev != target.st_dev):
        file_system.flush_folder(Path(step.target).parent)
        file_system.remove(Path(step.source))
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), step.target)
