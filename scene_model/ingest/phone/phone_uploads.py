"""Uploads by phones: what a code may send, and what became of each file.

A code has its own uploads, of the engine that the pages use too. It learns the results of its own
files and nothing else about the library.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scene_model.errors import JobNotFound, QuotaExceeded, UploadBusy, UploadOver
from scene_model.ingest.announced import Announced
from scene_model.ingest.phone.codes import PhoneCode, PhoneCodes
from scene_model.ingest.runner import JobRunner
from scene_model.ingest.uploads import Uploads
from scene_model.jobs.job import Job, Outcome

# Uploads of one code that still expect files: several phones may use the same code.
MAX_OPEN = 8
# Each costs a line in the file of the codes, also if it was given up.
MAX_UPLOADS = 200
_MAX_KEPT_RESULTS = 200
_NOT_SENT = "upload_incomplete"


@dataclass(frozen=True)
class PhoneLimits:
    """What one code may send."""

    files: int
    file_bytes: int


@dataclass(frozen=True)
class PhoneLibrary:
    """The parts of a library that receive photos."""

    uploads: Uploads
    jobs: JobRunner


class FileState(StrEnum):
    """What became of a file: added, in the library before, or refused."""

    ADDED = "added"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True)
class FileResult:
    """The result of a file; code and message say why it was refused."""

    number: int
    state: FileState
    code: str = ""
    message: str = ""


class PhoneUploads:
    """The uploads of all codes of one server; thread-safe."""

    def __init__(self, codes: PhoneCodes, limits: PhoneLimits) -> None:
        """Begin without uploads; those of an earlier run are found by the ids in the codes."""
        self._codes, self._limits = codes, limits
        self._lock, self._results_lock = threading.Lock(), threading.Lock()
        # Kept when a job has ended, since phones ask for results later.
        self._results: dict[str, Mapping[str, Outcome]] = {}

    def announce(self, code_id: str, library: PhoneLibrary, files: Sequence[Announced]) -> Job:
        """Begin an upload.

        Raises PhoneCodeError, UploadBusy, QuotaExceeded, or as `Uploads.announce`.
        """
        library.uploads.end_idle()
        with self._lock:
            code = self._codes.require_active(code_id)
            self._require_room(code, library, files)
            job = library.uploads.announce(files)
            self._codes.add_upload(code.id, job.id)
            self._results_of(library, job.id)
            return job

    def job(self, code: PhoneCode, library: PhoneLibrary, upload_id: str) -> Job:
        """Return an upload of a code; raises JobNotFound, also for uploads of others."""
        if upload_id not in code.uploads:
            raise JobNotFound("This code has no upload with this id.")
        return library.jobs.job(upload_id)

    def results(self, library: PhoneLibrary, upload_id: str, after: int) -> list[FileResult]:
        """Return the results of an upload in the order they were recorded, without the first ones.

        Those of files that were processed before a restart of the server are missing, once the
        upload has ended. after: how many the caller has.
        """
        rows = list(self._results_of(library, upload_id).items())[after:]
        return [_result(int(file), outcome) for file, outcome in rows]

    def begin_file(self, code: PhoneCode, library: PhoneLibrary, upload_id: str, n: int) -> int:
        """Count a file before it is received; returns its bytes. Call `file_failed` if it fails.

        Raises JobNotFound or UploadOver.
        """
        self.job(code, library, upload_id)
        self._results_of(library, upload_id)  # while the upload runs
        file_bytes = library.uploads.announced_bytes(upload_id, n)
        self._codes.count(code.id, 1, file_bytes)
        return file_bytes

    def file_failed(self, code: PhoneCode, file_bytes: int) -> None:
        """Take a file off that was counted by `begin_file`."""
        self._codes.count(code.id, -1, -file_bytes)

    def require_accepted(self, code: PhoneCode, upload_id: str, number: int) -> None:
        """Check that a file was accepted that was received while its upload may have ended.

        Raises PhoneCodeError or UploadOver.
        """
        outcome = self._results.get(upload_id, {}).get(f"{number:06d}")
        if outcome is None or outcome.skipped is None or outcome.skipped.code != _NOT_SENT:
            return
        self._codes.require_active(code.id)
        raise UploadOver("This upload has ended and accepts no more files. Begin another.")

    def end_code(
        self, code_id: str, owner: str, library_of: Callable[[], PhoneLibrary | None]
    ) -> None:
        """End a code, and its uploads; what has arrived is kept.

        library_of: opens the library; None when the owner has none any more.
        """
        with self._lock:
            code = self._codes.end(code_id, owner)
        library = None if code is None or not code.uploads else library_of()
        if code is None or library is None:
            return
        for upload_id in code.uploads:
            if library.uploads.missing(upload_id):
                library.uploads.end(upload_id)

    def _results_of(self, library: PhoneLibrary, upload_id: str) -> Mapping[str, Outcome]:
        results = self._results.get(upload_id)
        batch = library.jobs.batch(upload_id) if results is None else None
        if batch is not None:
            with self._results_lock:
                for oldest in list(self._results)[: len(self._results) + 1 - _MAX_KEPT_RESULTS]:
                    del self._results[oldest]
                results = self._results.setdefault(upload_id, batch.results)
        return results or {}

    def _require_room(
        self, code: PhoneCode, library: PhoneLibrary, files: Sequence[Announced]
    ) -> None:
        if len(code.uploads) >= MAX_UPLOADS:
            raise QuotaExceeded(
                f"{MAX_UPLOADS:,} uploads were begun with this code, the limit. Make a new code on "
                "the computer."
            )
        missing = [library.uploads.missing(upload_id) for upload_id in code.uploads]
        is_open = [items for items in missing if items]
        if len(is_open) >= MAX_OPEN:
            raise UploadBusy(
                f"{MAX_OPEN} uploads with this code still expect files, the limit. Finish one of "
                "them, or make a new code on the computer."
            )
        expected = [item.file_bytes or 0 for items in missing for item in items]
        count = code.files + len(expected) + len(files)
        file_bytes = code.file_bytes + sum(expected) + sum(file.file_bytes for file in files)
        if count > self._limits.files:
            raise QuotaExceeded(
                f"One code accepts {self._limits.files:,} files (SCENE_PHONE_MAX_FILES), and these "
                f"would be {count:,}. Make a new code on the computer, or choose fewer."
            )
        if file_bytes > self._limits.file_bytes:
            raise QuotaExceeded(
                f"One code accepts {self._limits.file_bytes / 1e9:,.1f} GB "
                f"(SCENE_PHONE_MAX_BYTES), and these would be {file_bytes / 1e9:,.1f} GB. Make a "
                "new code on the computer, or choose fewer."
            )


def _result(number: int, outcome: Outcome) -> FileResult:
    if outcome.skipped is not None:
        skipped = outcome.skipped
        return FileResult(number, FileState.REFUSED, skipped.code, skipped.public_message)
    return FileResult(number, FileState.KNOWN if outcome.was_known else FileState.ADDED)
