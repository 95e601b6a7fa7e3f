"""``library rebuild``: make a library's database again from its copies and its originals."""

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, SceneError
from scene_model.export.sidecar_sync import import_keywords
from scene_model.ingest.ingest_photo import ingest_file
from scene_model.learning.retag import retag
from scene_model.library.new_photos import settle
from scene_model.maintenance.rebuild import (
    RebuiltOriginal,
    StartedRebuild,
    add_missing_rows,
    finish_rebuild,
    forget_moved_embeddings,
    start_rebuild,
    without_embedding,
)
from scene_model.services import Services, open_services


def rebuild(options: argparse.Namespace, settings: Settings) -> int:
    """Rebuild the database; returns 3 when an original still has no row."""
    started = start_rebuild(settings.library.expanduser(), not options.without_copies)
    services, progress = (
        open_services(settings, resume=False, is_rebuilding=True),
        ProgressLine("originals"),
    )
    try:
        with progress:
            outcomes = list(
                add_missing_rows(services.library, lambda path: _add(services, path), progress.show)
            )
        failed = [outcome for outcome in outcomes if outcome.error is not None]
        _recompute_embeddings(services)
        forget_moved_embeddings(services.library)
        settle(services.library)
        photo_count = services.library.count() + services.library.count(trashed=True)
    finally:
        services.close()
    finish_rebuild(services.library.folder)
    if options.json or options.jsonl:
        print(json.dumps(_record(services.library.folder, started, photo_count, outcomes)))
    else:
        _print(started, photo_count, len(outcomes) - len(failed))
    for outcome in failed:
        if outcome.error is not None:
            message = printable(outcome.error.message)
            print(f"{outcome.file}\t{outcome.error.code}: {message}", file=sys.stderr)
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def _add(services: Services, path: Path) -> None:
    """Classify an original in its place, and read the tags in it and in a sidecar beside it."""
    modified_at = datetime.datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    ingest_file(
        services.library,
        services.classifier,
        path,
        modified_at.isoformat(timespec="milliseconds"),
        name=f"{path.stem[:12]}{path.suffix}",
    )
    limits = services.classifier.limits
    for result in import_keywords(services.library, services.vocabulary, [path], limits):
        if result.error is not None:
            raise result.error


def _recompute_embeddings(services: Services) -> None:
    for photo_id in without_embedding(services.library):
        try:
            retag(services.library, services.classifier, photo_id)
        except SceneError as error:
            print(f"{photo_id}\t{error.code}: {printable(error.message)}", file=sys.stderr)


def _record(
    folder: Path, started: StartedRebuild, photo_count: int, outcomes: list[RebuiltOriginal]
) -> dict[str, Any]:
    return {
        "library": str(folder),
        "copy": started.copy and str(started.copy),
        "moved_aside": started.moved_aside and str(started.moved_aside),
        "photos": photo_count,
        "added": sum(outcome.error is None for outcome in outcomes),
        "failed": [
            {
                "file": str(outcome.file),
                "error": {"code": outcome.error.code, "message": outcome.error.message},
            }
            for outcome in outcomes
            if outcome.error is not None
        ],
    }


def _print(started: StartedRebuild, photo_count: int, added_count: int) -> None:
    if started.copy is not None:
        print(f"The database is that of {printable(started.copy.name)}.")
    if started.moved_aside is not None:
        print(f"The previous database was moved to {printable(str(started.moved_aside))}.")
    print(f"{counted(photo_count, 'photo')}; {added_count:,} added from originals without a row.")
    if added_count:
        print(
            "Added photos are called by their hash. Tags that people gave them are those in the "
            "photos and in sidecars beside them; `library keywords` reads sidecars elsewhere."
        )
