"""Execute a plan step by step; after a crash each file is at its source or at its target."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from scene_model.errors import FileSkipped
from scene_model.export.sorting.file_system import SortFileSystem, is_beginning
from scene_model.export.sorting.journal import Journal
from scene_model.export.sorting.plan import Kind, Step
from scene_model.photos.hashes import file_content_hash

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_TIME_STEP_NS = 2_000_000_000  # the resolution of FAT's times
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


def execute(
    journal: Journal, is_resumed: bool = False
) -> Iterator[tuple[Step, FileSkipped | None]]:
    """Execute the steps of an open journal; yields each with its error or None.

    is_resumed: some steps may be done already, which the state on disk shows.
    Raises OSError when the journal itself cannot be written.
    """
    folders = RealFolders(journal.dest)
    folder_errors = _make_folders(journal, folders)
    skipped: set[int] = set()
    for step in journal.steps:
        error: FileSkipped | None = None
        is_done = False
        try:
            if step.lead in skipped:
                raise FileSkipped(
                    f"It belongs to {os.path.basename(journal.steps[step.lead].source)}, "
                    "which was not sorted.",
                    code="lead_stays",
                )
            folder_error = (
                folder_errors.get(os.path.dirname(step.target)) if folder_errors else None
            )
            if folder_error is not None:
                raise folder_error
            folders.require(step.target)
            execute_step(journal, step, is_resumed)
            is_done = True
            _verify_target(step)
        except OSError as os_error:
            error = translate_os_error(os_error, step)
        except FileSkipped as skip:
            error = skip
        if not is_done:
            skipped.add(step.number)
        journal.note("done" if is_done else "failed", step.number)
        yield step, error


class RealFolders:
    """Checks that no link below DEST leads files elsewhere."""

    def __init__(self, dest: str) -> None:
        """dest: may itself be reached through links."""
        self._dest = dest

    def require(self, target: str) -> None:
        """Raise FileSkipped when a folder between DEST and a target is a link, or not a folder.

        A missing folder is no fault here: the operation reports it.
        """
        folder = os.path.dirname(target)
        while len(folder) > len(self._dest):
            try:
                if not stat.S_ISDIR(os.lstat(folder).st_mode):
                    raise FileSkipped(
                        f"{folder} is a symbolic link or a file, which a sort does not follow. "
                        "Move it away and sort again.",
                        code="target_taken",
                    )
            except (FileNotFoundError, NotADirectoryError):
                pass
            folder = os.path.dirname(folder)


def execute_step(journal: Journal, step: Step, is_resumed: bool) -> None:
    """Execute one step; raises FileSkipped or OSError."""
    kind, file_system = journal.kind, journal.file_system
    try:
        source = os.lstat(step.source)
    except (FileNotFoundError, NotADirectoryError):
        if is_resumed and kind is Kind.MOVE and is_moved(step):
            return
        raise FileSkipped(
            f"{step.source} no longer exists; it did when the sort was planned.",
            code="source_vanished",
        ) from None
    if not _is_unchanged(source, step):
        raise FileSkipped(
            f"{step.source} was changed after the sort was planned, so it was not sorted. Sort "
            "again.",
            code="changed_since",
        )
    if is_resumed and kind is not Kind.HARDLINK:
        remove_part(journal, step, step.target, step.source)
    if is_resumed and os.path.lexists(step.target):
        _finish_step(step, kind, file_system, source)
    elif kind is Kind.HARDLINK:
        file_system.link_new(step.source, step.target)
    elif kind is Kind.COPY:
        _copy(journal, step)
    else:
        _move(journal, step)


def _verify_target(step: Step) -> None:
    """Check the target's size and time against the plan; raises FileSkipped."""
    target = os.lstat(step.target)
    if target.st_size != step.bytes or abs(target.st_mtime_ns - step.mtime_ns) >= _TIME_STEP_NS:
        raise FileSkipped(
            f"{step.target} was sorted, but changed meanwhile: another program writes to it. Check "
            "the file.",
            code="changed_since",
        )


def remove_part(journal: Journal, step: Step, target: str, whole: str) -> None:
    """Remove what a crash left of the copy of ``whole`` to ``target``; raises OSError.

    Earlier versions used names that anybody could use: such a file is removed only if its content
    is the beginning of the copied file.
    """
    part, old_part = journal.part_path(target, step), journal.old_part_path(target, step)
    if os.path.lexists(part):
        journal.file_system.remove(Path(part))
    if old_part is not None and is_beginning(old_part, whole):
        journal.file_system.remove(Path(old_part))


def is_moved(step: Step) -> bool:
    """Whether a step's file is at its target, unchanged or edited since."""
    try:
        return os.lstat(step.target).st_ino == step.inode or is_as_planned(step.target, step)
    except OSError:
        return False


def is_as_planned(path: str, step: Step) -> bool:
    """Whether a path holds the file of a step: the same file, or the same content."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size != step.bytes:
            return False
        return _is_unchanged(status, step) or file_content_hash(Path(path)) == step.sha256
    except OSError:
        return False


def translate_os_error(error: OSError, step: Step) -> FileSkipped:
    """Translate the operating system's error for a step."""
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileExistsError):
        return FileSkipped(
            f"{step.target} was created after the sort was planned; it is not overwritten. Sort "
            "again.",
            code="target_taken",
        )
    if error.errno in _FULL:
        return FileSkipped(
            f"No space left for {step.target} ({step.bytes / 1e6:,.1f} MB). Free some space, then "
            "run `resume`.",
            code="target_full",
        )
    if error.errno in _FORBIDDEN:
        return FileSkipped(
            f"No permission to write {step.target}, or to read or remove {step.source}: {reason}. "
            "Change the permissions, then run `resume`.",
            code="target_read_only",
        )
    if error.errno == errno.ENAMETOOLONG:
        return FileSkipped(
            f"The path {step.target} is too long for the file system.", code="name_too_long"
        )
    if error.errno == errno.EXDEV:
        return FileSkipped(
            f"{step.source} and {step.target} are on different file systems, which a hard link "
            "cannot cross. Use --copy.",
            code="other_disk",
        )
    if isinstance(error, FileNotFoundError):
        return FileSkipped(
            f"{step.source}, or its target folder, does not exist: {reason}.",
            code="source_vanished",
        )
    return FileSkipped(f"{step.source} could not be sorted to {step.target}: {reason}.")


def _make_folders(journal: Journal, folders: RealFolders) -> dict[str, OSError | FileSkipped]:
    """Create the plan's folders; returns the error of each that could not be created."""
    errors: dict[str, OSError | FileSkipped] = {}
    for folder in journal.folders:
        parent_error = errors.get(os.path.dirname(folder))
        try:
            if parent_error is not None:
                raise parent_error
            folders.require(folder)
            journal.file_system.make_folder_if_absent(folder)
        except (OSError, FileSkipped) as error:
            errors[folder] = error
    return errors


def _is_unchanged(status: os.stat_result, step: Step) -> bool:
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_size == step.bytes
        and status.st_mtime_ns == step.mtime_ns
        and status.st_ino == step.inode
    )


def _copy(journal: Journal, step: Step) -> None:
    part = journal.part_path(step.target, step)
    journal.file_system.copy_new(step.source, step.target, part, step.sha256)


def _move(journal: Journal, step: Step) -> None:
    try:
        journal.file_system.rename_new(step.source, step.target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(journal, step)
        _remove_source(step.source, step.target, journal.file_system)


def _remove_source(source: str, copy: str, file_system: SortFileSystem) -> None:
    """Remove the source of a copied file; if that fails, remove the copy."""
    try:
        file_system.remove(Path(source))
    except OSError:
        file_system.remove(Path(copy))
        raise


def _finish_step(
    step: Step, kind: Kind, file_system: SortFileSystem, source: os.stat_result
) -> None:
    """Complete a step that a crash cut off; raises FileExistsError for a foreign target."""
    target = os.lstat(step.target)
    is_same_file = os.path.samestat(source, target)
    is_copy = (
        not is_same_file
        and kind is not Kind.HARDLINK
        # Times are copied before a copy gets its name.
        and abs(target.st_mtime_ns - step.mtime_ns) < _TIME_STEP_NS
        and is_as_planned(step.target, step)
    )
    if kind is Kind.COPY and is_copy or kind is Kind.HARDLINK and is_same_file:
        return
    if kind is Kind.MOVE and (is_same_file or is_copy and source.st_dev != target.st_dev):
        file_system.flush_folder(Path(step.target).parent)
        file_system.remove(Path(step.source))
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), step.target)
