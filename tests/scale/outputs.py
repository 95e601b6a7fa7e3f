"""Outputs whose parts are made without a model."""

from pathlib import Path

from scene_model.classifier.prediction_record import RECORD_FIELDS
from scene_model.scale.items import Chunk, SourceItem
from scene_model.scale.part_job import PartSummary
from scene_model.scale.part_store import FolderParts, PartStore
from scene_model.scale.parts import BatchModel, PartRow, part_bytes, part_table

MODEL = BatchModel("photos", "model-1", "network-1", "scenes", ("sea", "sky"), True)


def row_of(item: SourceItem, code: str | None = None) -> PartRow:
    record = dict.fromkeys(RECORD_FIELDS) | {"file": item.location, "bundle": MODEL.bundle}
    if code is not None:
        record["error"] = {"code": code, "message": "It failed."}
    return PartRow(record, None, None, item.version, "0" * 64, 100, 7, None)


def write_part(
    store: PartStore, items: list[SourceItem], codes: dict[str, str] | None = None
) -> PartSummary:
    """Write the rows of items as a worker does; codes: errors by location."""
    codes = codes or {}
    rows = [row_of(item, codes.get(item.location)) for item in items]
    name = Chunk(tuple(items)).part_name
    store.write(name, part_bytes(part_table(rows, MODEL)))
    errors = {code: list(codes.values()).count(code) for code in codes.values()}
    return PartSummary(name, len(rows), errors, 100 * len(rows), 0.1)


class Crash(BaseException):
    """The end of the program."""


class CrashingParts(FolderParts):
    """A folder whose program ends before one of the steps that change it, counted from 1."""

    def __init__(self, folder: Path, step: int | None) -> None:
        super().__init__(folder)
        self.step, self.steps = step, 0

    def write(self, name: str, data: bytes) -> None:
        self._before()
        super().write(name, data)

    def remove(self, name: str) -> None:
        self._before()
        super().remove(name)

    def _before(self) -> None:
        self.steps += 1
        if self.steps == self.step:
            raise Crash
