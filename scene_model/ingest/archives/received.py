"""Archives that were uploaded: they are kept until their photos are added, then removed.

LIBRARY/archives/UPLOAD/000000/takeout-001.zip …

All archives of one upload are read together, as parts of one export.
"""

import logging
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from scene_model.ingest.archives.plan import ExportPlan, plan_export
from scene_model.ingest.incoming import IncomingBatch, listed_files
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE
from scene_model.library.store import Library

FOLDER_NAME = "archives"
_MAX_NAME = 150

logger = logging.getLogger(__name__)


def keep_archive(library: Library, batch: IncomingBatch, file: IncomingFile) -> None:
    """Move an archive that has arrived to the others of its upload; raises OSError."""
    # A folder each: archives of different folders may have one name.
    folder = _folder(library, batch.id) / file.file
    library.file_system.make_folder(folder, PRIVATE_FOLDER_MODE)
    target = folder / _stored_name(file)
    # After a kill it may be there already.
    if batch.path(file).exists() or not target.exists():
        library.file_system.before_step("rename", target)
        batch.path(file).replace(target)
        library.file_system.flush_folder(folder)


def plan_received(library: Library, batch: IncomingBatch) -> ExportPlan | None:
    """Plan to add the archives of an upload; None when none of them has arrived."""
    paths = sorted(_folder(library, batch.id).glob("*/*"))
    return plan_export(library, paths) if paths else None


def remove_received(library: Library, batch: IncomingBatch) -> None:
    """Remove the archives that the files of an ended job came from, if they were uploaded."""
    if batch.is_export:
        for folder in _upload_folders(library, listed_files(batch.folder)):
            library.file_system.remove_folder(folder)


def remove_upload(library: Library, batch: IncomingBatch) -> None:
    """Remove the archives of an upload from which nothing is added."""
    library.file_system.remove_folder(_folder(library, batch.id))


def remove_forgotten(library: Library) -> None:
    """Remove archives that no job needs any more, of any process: a kill may have left them."""
    root = library.folder / FOLDER_NAME
    if not root.is_dir():
        return
    needed = set[Path]()
    for batch_folder in library.incoming_dir.iterdir():
        needed.add(_folder(library, batch_folder.name))
        try:
            needed |= _upload_folders(library, listed_files(batch_folder))
        except (FileNotFoundError, NotADirectoryError):
            continue  # a lock file, or a job that has just ended
        except (OSError, ValueError, TypeError) as error:
            logger.warning("archives are kept, since a job cannot be read: %s", error)
            return
    for folder in root.iterdir():
        if folder not in needed:
            library.file_system.remove_folder(folder)


def _upload_folders(library: Library, files: Iterable[IncomingFile]) -> set[Path]:
    """Return the folders of the uploads whose archives files come from."""
    root = library.folder / FOLDER_NAME
    sources = {Path(file.source) for file in files if file.source is not None}
    return {path.parents[1] for path in sources if root in path.parents}


def _folder(library: Library, upload_id: str) -> Path:
    return library.folder / FOLDER_NAME / upload_id


def _stored_name(file: IncomingFile) -> str:
    """Return a safe name that keeps what tells parts of an export, and the kind of archive."""
    name = PurePosixPath(file.name).name
    safe = "".join(c if c.isalnum() or c in " ._-()" else "_" for c in name)[-_MAX_NAME:]
    return safe.lstrip(". ")
