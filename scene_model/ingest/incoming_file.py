"""One file of a job that adds files: what was said about it before it is read."""

from dataclasses import dataclass
from typing import Any

from scene_model.jobs.job import Skipped
from scene_model.library.imported_facts import ImportedFacts


@dataclass(frozen=True)
class IncomingFile:
    """One file of a job.

    name: the sender's name for it; only ever shown, never used as a path.
    file: its name inside the job's folder. uploaded_at: ISO 8601 with offset.
    file_bytes: the announced size, for a file that is sent after the list. shown_path: its path
    in the folder that was dropped; only ever shown.
    source: its path on this computer, if it is to be read there. by_reference: no copy is made.
    mtime_ns: of a file in a watched folder, its time of change when it was scanned; ``file_bytes``
    is then its size at that time.
    member: of a file in the archive ``source``, its number there. modified_at: of that file, its
    time of change, local, ISO 8601. facts: what another program stored about it. photo_id: a photo
    of the library that the facts are about, where no file comes with them. refusal: why it is not
    read at all. awaited: the key of facts that an earlier part had for it. is_from_inbox: whether
    ``source`` is in an inbox, which submits it again when the job did not end. is_archive: whether
    it was sent to be read as an archive.
    """

    name: str
    file: str
    uploaded_at: str
    file_bytes: int | None = None
    shown_path: str = ""
    source: str | None = None
    by_reference: bool = False
    mtime_ns: int | None = None
    member: int | None = None
    modified_at: str | None = None
    facts: ImportedFacts | None = None
    photo_id: str | None = None
    refusal: Skipped | None = None
    awaited: tuple[str, str] | None = None
    is_from_inbox: bool = False
    is_archive: bool = False

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "IncomingFile":
        """Read what `asdict` and JSON made of a file; raises TypeError."""
        facts, refusal = row.pop("facts", None), row.pop("refusal", None)
        awaited = row.pop("awaited", None)
        return cls(
            **row,
            facts=None if facts is None else ImportedFacts.from_json(facts),
            refusal=None if refusal is None else Skipped(**refusal),
            awaited=None if awaited is None else (str(awaited[0]), str(awaited[1])),
        )

    @property
    def is_of_export(self) -> bool:
        """Whether it has what only the files of archives and exported folders have."""
        return any(
            value is not None for value in (self.member, self.facts, self.photo_id, self.refusal)
        )

    @property
    def is_local(self) -> bool:
        """Whether nothing of it is sent: it is read on this computer, or is no file."""
        return self.source is not None or self.photo_id is not None or self.refusal is not None
