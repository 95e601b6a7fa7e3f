"""``library dates``: list the dates of photos, and set those that are missing or doubtful."""

import argparse
import datetime
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from scene_model.cli.terminal import counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, UsageError
from scene_model.library.dates.date_edits import (
    accept_dates,
    dates_of_camera,
    shifted_dates,
)
from scene_model.library.dates.date_rows import DateRows, read_date_rows
from scene_model.library.dates.doubtful import Doubt, DoubtfulDate, find_doubtful_dates
from scene_model.library.store import Library
from scene_model.maintenance.daily_copy import DailyCopies
from scene_model.photos.dates import SOURCES, PhotoDate, source_word
from scene_model.photos.durations import read_shift, shift_text

_REASONS = {
    Doubt.MISSING: "no date",
    Doubt.DEFAULT: "start of a camera's clock",
    Doubt.FUTURE: "in the future",
    Doubt.NAME: "far from the date in its name",
    Doubt.CLOCK: "the camera's clock is off",
}
_DOUBTFUL_CONFIDENCE = 0.3


def dates(options: argparse.Namespace, settings: Settings) -> int:
    """List dates and proposals; with ``--apply``, set those that are sure enough, as one edit."""
    with Library(settings.library) as library:
        description = "Dates corrected"
        if options.shift is None:
            report = find_doubtful_dates(library, datetime.date.today())
            rows, doubtful = report.rows, {item.photo_id: item for item in report.doubtful}
        else:
            camera, seconds = _camera_and_shift(options.shift)
            rows, doubtful = read_date_rows(library), _shifted(library, camera, seconds)
            description = f"Dates of {camera} shifted by {shift_text(seconds)}"
        proposals = {
            photo_id: item.proposal
            for photo_id, item in doubtful.items()
            if item.proposal is not None and item.proposal.confidence >= options.min_confidence
        }
        applied = proposals if options.apply else {}
        count = accept_dates(library, applied, description).photo_count if applied else 0
        if count and settings.database_copies:
            DailyCopies(library.folder, settings.database_copies).copy_if_due()
        if options.json or options.jsonl:
            is_shift = options.shift is not None
            _print_records(_records(rows, doubtful, applied, is_shift), bool(options.json))
        else:
            _print_table(list(doubtful.values()), len(proposals), count, options.apply)
    return EXIT_DONE


def _camera_and_shift(text: str) -> tuple[str, int]:
    camera, _, shift = text.rpartition("=")
    seconds = read_shift(shift)
    if not camera or seconds is None:
        raise UsageError(
            f"{text!r} is no camera with a shift. Write the name of the camera, an equals sign, "
            "and days, hours, minutes or seconds: 'Canon EOS 40D=+7h'.",
            code="invalid_shift",
        )
    return camera, seconds


def _shifted(library: Library, camera: str, seconds: int) -> dict[str, DoubtfulDate]:
    before = dates_of_camera(library, camera)
    proposals = shifted_dates(before, seconds)
    names = {record.id: record.name for record in library.records(before)}
    return {
        photo_id: DoubtfulDate(photo_id, names[photo_id], taken_at, Doubt.CLOCK, proposal)
        for photo_id, taken_at in before.items()
        if (proposal := proposals[photo_id])
    }


def _records(
    rows: DateRows,
    doubtful: Mapping[str, DoubtfulDate],
    applied: Mapping[str, PhotoDate],
    only_doubtful: bool,
) -> Iterator[dict[str, Any]]:
    """Yield each photo's date, or the one proposed, with its source and how sure it is."""
    for index, photo_id in enumerate(rows.ids):
        item = doubtful.get(photo_id)
        if item is None and only_doubtful:
            continue
        proposal = None if item is None else item.proposal
        source = rows.sources[index] if proposal is None else proposal.source
        confidence = rows.confidences[index] if proposal is None else proposal.confidence
        if item is not None and proposal is None:
            confidence = min(confidence, _DOUBTFUL_CONFIDENCE)
        done = applied.get(photo_id)
        yield {
            "id": photo_id,
            "file": rows.files[index],
            "taken_at": done.taken_at if done is not None else rows.taken_at[index] or None,
            "source": source_word(source),
            "confidence": round(float(confidence), 3),
            "proposed": None if proposal is None else proposal.taken_at,
        }


def _print_records(records: Iterator[dict[str, Any]], is_one_list: bool) -> None:
    lines = map(json.dumps, records)
    if is_one_list:
        print("[" + ",\n".join(lines) + "]")
        return
    for line in lines:
        print(line)


def _print_table(
    doubtful: list[DoubtfulDate], sure_count: int, applied_count: int, is_apply: bool
) -> None:
    for item in doubtful:
        proposal = item.proposal
        proposed = "left open"
        if proposal is not None:
            word = SOURCES[proposal.source].word
            proposed = f"{proposal.taken_at}\t{word}, {proposal.confidence:.0%}"
        now = item.taken_at or "-"
        print(f"{printable(item.name)}\t{now}\t{_REASONS[item.doubt]}\t{proposed}")
    text = f"{counted(len(doubtful), 'missing or doubtful date')}"
    if is_apply:
        text += f"; {applied_count:,} set. Undo it on any page."
    elif sure_count:
        text += f"; --apply sets {sure_count:,} of them."
    else:
        text += "."
    print(text, file=sys.stderr)
