"""Compare an unfinished job with the archives and folders that are to be added now."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from scene_model.ingest.incoming import IncomingBatch, listed_files


class Coverage(Enum):
    """Which part of some sources a job has: exactly these, only some of them, or other files."""

    SAME = "same"
    SOME = "some"
    NONE = "none"


def covered_by(batch: IncomingBatch, sources: Sequence[Path]) -> Coverage:
    """Return how the files of an unfinished job lie in sources."""
    if not batch.is_export:
        return Coverage.NONE
    files = [Path(file.source) for file in listed_files(batch.folder) if file.source is not None]
    places = {_source_of(file, sources) for file in set(files)}
    if None in places or not files:
        return Coverage.NONE
    return Coverage.SAME if places == set(sources) else Coverage.SOME


def _source_of(file: Path, sources: Sequence[Path]) -> Path | None:
    return next((s for s in sources if s == file or s in file.parents), None)
