"""The results of ended jobs, stored so that a page can show them after a restart."""

import json
import logging
import re
from dataclasses import asdict
from pathlib import Path

from scene_model.jobs.job import Job, JobKind, JobState, Progress, Skipped
from scene_model.library.files.file_system import FileSystem

MAX_RESULTS = 200
_JOB_ID = re.compile(r"[0-9a-f]{32}")

logger = logging.getLogger(__name__)


class JobResults:
    """The newest results in one folder: one JSON file for each job."""

    def __init__(self, folder: Path, new_dir: Path, file_system: FileSystem) -> None:
        """new_dir: a folder on the same file system, for files being written."""
        self._folder, self._new_dir, self._file_system = folder, new_dir, file_system

    def save(self, job: Job) -> None:
        """Store the result of a job; when that fails, the result is lost at the next restart."""
        progress = job.progress()
        text = json.dumps({"kind": job.kind} | asdict(progress))
        try:
            self._file_system.write_whole(self._path(job.id), text.encode("utf-8"), self._new_dir)
            for path in self._newest_first()[MAX_RESULTS:]:
                self._file_system.remove(path)
        except OSError as error:
            logger.warning("the result of job %s cannot be stored: %s", job.id, error.strerror)

    def find(self, job_id: str) -> Job | None:
        """Return a job that has ended; None when no readable result is stored."""
        if not _JOB_ID.fullmatch(job_id):
            return None
        try:
            row = json.loads(self._path(job_id).read_text(encoding="utf-8"))
            kind, state = JobKind(row.pop("kind")), JobState(row.pop("state"))
            skipped = tuple(Skipped(**item) for item in row.pop("skipped"))
            photo_ids = tuple(row.pop("photo_ids"))
            progress = Progress(state=state, skipped=skipped, photo_ids=photo_ids, **row)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return Job.of_result(job_id, kind, progress)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
