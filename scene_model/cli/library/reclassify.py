"""``library reclassify``: tag photos again that another model tagged."""

import argparse
import contextlib
import json
from dataclasses import asdict
from typing import Any

from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.jobs.job import Job
from scene_model.learning.retag_preview import RetagPreview, retag_preview
from scene_model.services import Services, open_services

_POLL_S = 0.2


def reclassify(options: argparse.Namespace, settings: Settings) -> int:
    """Print what would change, then re-tag the photos that another model tagged."""
    with contextlib.closing(open_services(settings, resume=False)) as services:
        preview = retag_preview(services.library, services.classifier)
        is_text = not (options.json or options.jsonl)
        if is_text:
            print(_retag_preview_text(preview), flush=True)
        if options.dry_run:
            if not is_text:
                print(json.dumps(_reclassify_record(services, preview, None)))
            return EXIT_DONE
        job = services.jobs.retag()
        _follow(job)
        progress = job.progress()
        if is_text:
            for item in progress.skipped:
                print(f"{printable(item.name)}\t{item.code}: {printable(item.message)}")
            print(f"{counted(progress.done - len(progress.skipped), 'photo')} tagged again.")
        else:
            print(json.dumps(_reclassify_record(services, preview, job)))
        services.copy_database()
    return EXIT_SOME_FAILED if progress.skipped else EXIT_DONE


def _follow(job: Job) -> None:
    with ProgressLine("photos") as progress:
        try:
            while not job.wait(_POLL_S):
                state = job.progress()
                progress.show(state.done, state.total, len(state.skipped))
        except KeyboardInterrupt:
            job.cancel()  # each photo is one transaction; the next run does the remaining photos
            job.wait()
            raise


def _retag_preview_text(preview: RetagPreview) -> str:
    if not preview.total:
        return "All photos are tagged by the model in use."
    verb = "was" if preview.total == 1 else "were"
    lines = [f"{counted(preview.total, 'photo')} {verb} tagged by another model."]
    if preview.total > preview.unknown:
        lines.append(
            f"{preview.changed:,} of {preview.total - preview.unknown:,} would change: "
            f"{preview.class_changed:,} their class, {preview.tags_changed:,} their tags."
        )
    if preview.unknown:
        lines.append(
            f"{preview.unknown:,} have embeddings of another network; their changes are known only "
            "after they are tagged again."
        )
    return " ".join(lines)


def _reclassify_record(
    services: Services, preview: RetagPreview, job: Job | None
) -> dict[str, Any]:
    """The command's JSON object: the preview, and the results of the job if it ran."""
    record: dict[str, Any] = {"bundle": services.classifier.bundle_id, "forecast": asdict(preview)}
    if job is None:
        return record | {"done": 0, "failed": []}
    progress = job.progress()
    failed = [asdict(item) for item in progress.skipped]
    return record | {"done": progress.done - len(failed), "failed": failed}
