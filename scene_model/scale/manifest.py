"""The manifest of an output: which parts are done, of which model, with what figures."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scene_model import __version__
from scene_model.errors import BatchError
from scene_model.scale.part_store import PartStore
from scene_model.scale.parts import BatchModel

MANIFEST_FILE = "_manifest.json"


@dataclass(frozen=True)
class PartEntry:
    """A finished part. errors_by_code: of its rows."""

    rows: int
    errors_by_code: Mapping[str, int] = field(default_factory=dict)
    bytes_read: int = 0


@dataclass
class Manifest:
    """The finished parts by name; `is_complete` once a run has read its whole source.

    seconds: that all runs took together.
    """

    model: BatchModel
    parts: dict[str, PartEntry] = field(default_factory=dict)
    is_complete: bool = False
    started_at: str = ""
    updated_at: str = ""
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """The rows of all parts."""
        return sum(part.rows for part in self.parts.values())

    @property
    def errors_by_code(self) -> dict[str, int]:
        """The rows with an error of all parts, by code, the most frequent first."""
        total: Counter[str] = Counter()
        for part in self.parts.values():
            total.update(part.errors_by_code)
        return dict(total.most_common())

    def as_bytes(self) -> bytes:
        """Return the JSON text: figures first, then a line for each part."""
        errors_by_code = self.errors_by_code
        head = {
            "program": f"scene-gallery {__version__}",
            "model": self.model.as_json(),
            "complete": self.is_complete,
            "started_at": self.started_at,
            "updated_at": self.updated_at,
            "rows": self.rows,
            "errors": sum(errors_by_code.values()),
            "errors_by_code": errors_by_code,
            "bytes_read": sum(part.bytes_read for part in self.parts.values()),
            "seconds": round(self.seconds, 3),
        }
        lines = [
            "  " + json.dumps({"name": name, **vars(self.parts[name])})
            for name in sorted(self.parts)
        ]
        text = json.dumps(head, indent=1)[:-2] + ',\n "parts": [\n'
        return (text + ",\n".join(lines) + "\n ]\n}\n").encode()

    @classmethod
    def of_bytes(cls, data: bytes, location: str) -> "Manifest":
        """Read a manifest; raises BatchError."""
        try:
            values: dict[str, Any] = json.loads(data)
            parts = {
                str(part.pop("name")): PartEntry(**part) for part in map(dict, values["parts"])
            }
            times = {name: str(values[name]) for name in ("started_at", "updated_at")}
            model, seconds = values["model"], float(values["seconds"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BatchError(
                f"{location}/{MANIFEST_FILE} is damaged: {error}. Remove it and run the batch "
                "again: whole parts are taken over.",
                code="batch_damaged",
            ) from error
        return cls(
            BatchModel.of_json(model), parts, bool(values.get("complete")), **times, seconds=seconds
        )


def read_manifest(store: PartStore) -> Manifest | None:
    """Read an output's manifest; None where there is none. Raises BatchError."""
    data = store.read(MANIFEST_FILE)
    return None if data is None else Manifest.of_bytes(data, store.location)
