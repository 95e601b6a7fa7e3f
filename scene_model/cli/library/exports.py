"""``library add`` with archives and exported folders: Google Takeout, iCloud, ZIP, TAR."""

import queue
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.ingest.archives.plan import ExportPlan, plan_export
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.jobs.job import Job, Outcome
from scene_model.services import Services

_POLL_S = 0.2


@dataclass(frozen=True)
class AddedFile:
    """One file of an export, with its result."""

    path: Path
    outcome: Outcome


def add_exports(
    services: Services, paths: Sequence[Path], by_reference: bool
) -> Iterator[AddedFile]:
    """Add archives and exported folders as one export; yields each file when it is done.

    A run that was killed is resumed where it stopped, if the same archives are named. An interrupt
    ends after the photos in work, with what is done in its albums.
    """
    sources = [path.expanduser().absolute() for path in paths]
    done: queue.SimpleQueue[AddedFile] = queue.SimpleQueue()

    def listener(file: IncomingFile, outcome: Outcome) -> None:
        done.put(AddedFile(_shown(file), outcome))

    job = services.jobs.resume_export(sources, listener)
    if job is not None:
        already = job.progress().done
        print(f"Resuming: {already:,} of {job.progress().total:,} done.", file=sys.stderr)
    else:
        with ProgressLine("files listed") as progress:
            plan = plan_export(services.library, sources, by_reference, progress.show)
        print_plan(plan)
        job = services.jobs.submit_export(plan, listener)
    yield from _files_of(job, done)


def print_plan(plan: ExportPlan) -> None:
    """Print on stderr what is in an export, and what is left out."""
    contents = [counted(plan.photos, "photo")]
    if plan.videos:
        contents.append(counted(plan.videos, "video"))
    if plan.albums:
        contents.append(counted(len(plan.albums), "album"))
    notes = [f"{', '.join(contents)} in {counted(len(plan.sources), 'part')}."]
    if plan.left_out:
        notes.append(f"{counted(plan.left_out, 'file')} in the trash or locked: left out.")
    if plan.edit_files:
        notes.append(
            f"{counted(plan.edit_files, '.AAE file')} ignored: edits that only Apple's programs "
            "read."
        )
    if plan.ignored:
        notes.append(f"{counted(plan.ignored, 'other file')} ignored.")
    if plan.completed:
        notes.append(f"{counted(plan.completed, 'photo')} in the library will be completed.")
    for note in notes:
        print(note, file=sys.stderr)


def _files_of(job: Job, done: "queue.SimpleQueue[AddedFile]") -> Iterator[AddedFile]:
    try:
        while True:
            is_over = job.wait(0)
            try:
                yield done.get(timeout=0 if is_over else _POLL_S)
            except queue.Empty:
                if is_over:
                    return
    except (KeyboardInterrupt, GeneratorExit):
        job.cancel()
        job.wait()
        raise


def _shown(file: IncomingFile) -> Path:
    """Return the path of a file for the output: in an archive, that of the archive before it."""
    if file.source is None:
        return Path(printable(file.shown_path or file.name))
    return Path(file.source) if file.member is None else Path(file.source) / file.shown_path
