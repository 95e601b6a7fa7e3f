"""Execute a plan step by step; after a crash each file is at its source or at its target.

Each step names its files relative to the folders of its source and its target, which are held open.
"""

import errno
import os
import stat
from collections.abc import Iterator

from scene_model.errors import FileSkipped
from scene_model.export.sorting.file_system import SortFileSystem, has_content, is_beginning
from scene_model.export.sorting.journal import Journal
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.files.held_folder import Entry

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
    folder_errors = _make_folders(journal)
    skipped: dict[int, str] = {}
    for step in journal.steps:
        error: FileSkipped | None = None
        note = "failed"
        try:
            if step.lead in skipped:
                note = skipped[step.lead]
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
            # The target's folder is refreshed after the step, to report a link in its place.
            source, target = journal.source(step), journal.target_tree.entry(step.target, False)
            execute_step(journal, step, source, target, is_resumed)
            note = "done"
            _verify_target(step, target)
        except OSError as os_error:
            error = translate_os_error(os_error, step)
            if is_resumed and isinstance(os_error, NotADirectoryError) and note != "done":
                note = ""  # a link hides whether the step was done before the crash
        except FileSkipped as skip:
            error = skip
        if note != "done":
            skipped[step.number] = note
        if note:
            journal.note(note, step.number)
        yield step, error


def execute_step(
    journal: Journal, step: Step, source: Entry, target: Entry, is_resumed: bool
) -> None:
    """Execute one step; raises FileSkipped or OSError."""
    kind, file_system = journal.kind, journal.file_system
    try:
        status = source.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if is_resumed and kind is Kind.MOVE and is_moved(target, step):
            return
        raise _source_missing(error, step) from None
    if not _is_unchanged(status, step):
        raise FileSkipped(
            f"{step.source} was changed after the sort was planned, so it was not sorted. Sort "
            "again.",
            code="changed_since",
        )
    if is_resumed and kind is not Kind.HARDLINK:
        remove_part(journal, step, target, source)
    if is_resumed and target.exists():
        _finish_step(journal, step, source, target)
    elif kind is Kind.HARDLINK:
        file_system.link_new(source, target)
    elif kind is Kind.COPY:
        _copy(journal, step, source, target)
    else:
        _move(journal, step, source, target)


def _source_missing(error: OSError, step: Step) -> FileSkipped:
    if isinstance(error, FileNotFoundError):
        return FileSkipped(
            f"{step.source} no longer exists; it did when the sort was planned.",
            code="source_vanished",
        )
    return FileSkipped(
        f"{error.filename} was replaced by a symbolic link or a file after the sort was planned, "
        f"so {step.source} was not sorted. Sort again.",
        code="changed_since",
    )


def _verify_target(step: Step, entry: Entry) -> None:
    """Check the target's size and time against the plan; raises FileSkipped or OSError.

    A link that has taken the place of the target's folder is reported.
    """
    entry.folder.refresh()
    target = entry.lstat()
    if target.st_size != step.bytes or abs(target.st_mtime_ns - step.mtime_ns) >= _TIME_STEP_NS:
        raise FileSkipped(
            f"{step.target} was sorted, but changed meanwhile: another program writes to it. Check "
            "the file.",
            code="changed_since",
        )


def remove_part(journal: Journal, step: Step, target: Entry, whole: Entry) -> None:
    """Remove what a crash left of the copy of ``whole`` to ``target``; raises OSError.

    Earlier versions used names that anybody could use: such a file is removed only if its content
    is the beginning of the copied file.
    """
    part, old_part = journal.part(target, step), journal.old_part(target, step)
    if part.exists():
        journal.file_system.remove_entry(part)
    if old_part is not None and is_beginning(old_part, whole):
        journal.file_system.remove_entry(old_part)


def is_moved(target: Entry, step: Step) -> bool:
    """Whether a step's file is at its target, unchanged or edited since.

    Raises NotADirectoryError when the target's folder is a link.
    """
    try:
        return target.lstat().st_ino == step.inode or is_as_planned(target, step)
    except NotADirectoryError:
        raise
    except OSError:
        return False


def is_as_planned(entry: Entry, step: Step) -> bool:
    """Whether a path holds the file of a step: the same file, or the same content."""
    try:
        status = entry.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != step.bytes:
            return False
        return _is_unchanged(status, step) or has_content(entry, step.sha256)
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
    if isinstance(error, NotADirectoryError):
        return FileSkipped(
            f"{error.filename} is a symbolic link or a file, which a sort does not follow. Move it "
            "away and try again.",
            code="target_taken",
        )
    if isinstance(error, FileNotFoundError):
        return FileSkipped(
            f"{step.source}, or its target folder, does not exist: {reason}.",
            code="source_vanished",
        )
    return FileSkipped(f"{step.source} could not be sorted to {step.target}: {reason}.")


def _make_folders(journal: Journal) -> dict[str, OSError | FileSkipped]:
    """Create the plan's folders; returns the error of each that could not be created."""
    errors: dict[str, OSError | FileSkipped] = {}
    for folder in journal.folders:
        parent_error = errors.get(os.path.dirname(folder))
        try:
            if parent_error is not None:
                raise parent_error
            journal.file_system.make_folder_if_absent(journal.target_tree.entry(folder))
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


def _copy(journal: Journal, step: Step, source: Entry, target: Entry) -> None:
    part = journal.part(target, step)
    journal.file_system.copy_new(source, target, part, step.sha256)


def _move(journal: Journal, step: Step, source: Entry, target: Entry) -> None:
    try:
        journal.file_system.rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(journal, step, source, target)
        _remove_source(source, target, journal.file_system)


def _remove_source(source: Entry, copy: Entry, file_system: SortFileSystem) -> None:
    """Remove the source of a copied file; if that fails, remove the copy."""
    try:
        file_system.remove_entry(source)
    except OSError:
        file_system.remove_entry(copy)
        raise


def _finish_step(journal: Journal, step: Step, source: Entry, target: Entry) -> None:
    """Complete a step that a crash cut off; raises FileExistsError for a foreign target."""
    kind, source_status, status = journal.kind, source.lstat(), target.lstat()
    is_same_file = os.path.samestat(source_status, status)
    is_copy = (
        not is_same_file
        and kind is not Kind.HARDLINK
        # Times are copied before a copy gets its name.
        and abs(status.st_mtime_ns - step.mtime_ns) < _TIME_STEP_NS
        and is_as_planned(target, step)
    )
    if kind is Kind.COPY and is_copy or kind is Kind.HARDLINK and is_same_file:
        return
    if kind is Kind.MOVE and (is_same_file or is_copy and source_status.st_dev != status.st_dev):
        journal.file_system.flush_entries(target.folder)
        journal.file_system.remove_entry(source)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), step.target)
