"""One REST batch: its job, the prediction of each file, and the stored result."""

import datetime
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scene_model.api.schemas import BatchItem, ItemError, JobStatus, Summary
from scene_model.errors import SceneError
from scene_model.jobs.job import Job, JobKind, JobState, Outcome, reported_error, skipped_outcome

RESULT_NAME = "result.json"

ClassifyFile = Callable[[Path, str], BatchItem]

logger = logging.getLogger(__name__)


@dataclass
class Batch:
    """A batch of this process; thread-safe.

    items: the prediction or error of each file; None while it is not processed. unwritten: the
    final status, only if it could not be written to disk.
    """

    folder: Path
    names: Sequence[str]
    lifetime_s: float
    unwritten: JobStatus | None = None
    job: Job = field(init=False)
    items: list[BatchItem | None] = field(init=False)

    def __post_init__(self) -> None:
        """Make the job and a place for each file's item."""
        self.job = Job(self.folder.name, JobKind.CLASSIFY, len(self.names))
        self.items = [None] * len(self.names)

    @property
    def id(self) -> str:
        """The job's id."""
        return self.job.id

    @property
    def is_running(self) -> bool:
        """Whether the job has not ended."""
        return self.job.is_running

    def cancel(self) -> None:
        """Stop after the files in work; finished files keep their predictions."""
        self.job.cancel()

    def classify(
        self, number: int, upload_error: SceneError | None, classify_file: ClassifyFile
    ) -> Outcome:
        """Classify a file and store its item; upload_error: why it was not received, if so."""
        name, path = self.names[number], file_path(self.folder, number)
        try:
            if upload_error is not None:
                raise upload_error
            self.items[number] = classify_file(path, name)
        except Exception as error:
            problem = reported_error(error)
            self.items[number] = failed_item(name, problem)
            path.unlink(missing_ok=True)
            return skipped_outcome(name, problem)
        return Outcome()

    def status(self) -> JobStatus:
        """Return the progress of a running batch."""
        items = [item for item in self.items if item is not None]
        return JobStatus(
            job_id=self.id,
            state=JobState.RUNNING,
            total=len(self.names),
            done=len(items),
            failed=sum(item.error is not None for item in items),
            summary=summary_of(len(self.names), items),
        )

    def write_result(self) -> None:
        """Write the final status to disk; keep it in memory if that fails."""
        expires = datetime.datetime.now().astimezone() + datetime.timedelta(seconds=self.lifetime_s)
        results = [
            _cancelled_item(name) if item is None else item
            for name, item in zip(self.names, self.items, strict=True)
        ]
        final = self.status().model_copy(
            update={
                "state": self.job.progress().state,
                "results": results,
                "expires_at": expires.isoformat(timespec="seconds"),
            }
        )
        try:
            temporary = self.folder / f"{RESULT_NAME}.new"
            temporary.write_text(final.model_dump_json(), encoding="utf-8")
            temporary.replace(self.folder / RESULT_NAME)
        except OSError as error:
            logger.error("the result of batch %s cannot be stored: %s", self.id, error.strerror)
            self.unwritten = final


def file_path(folder: Path, number: int) -> Path:
    """Return the path of a batch's file by its number."""
    return folder / f"{number:06d}"


def summary_of(total: int, items: Sequence[BatchItem]) -> Summary:
    """Count the items by class, most frequent first."""
    classes = Counter(item.class_ for item in items if item.class_ is not None)
    return Summary(total=total, by_class=dict(classes.most_common()))


def failed_item(name: str, error: SceneError) -> BatchItem:
    """Make the item of a file that has no prediction."""
    return BatchItem(filename=name, error=ItemError(code=error.code, message=error.public_message))


def _cancelled_item(name: str) -> BatchItem:
    error = ItemError(code="cancelled", message="The batch was cancelled before this file.")
    return BatchItem(filename=name, error=error)
