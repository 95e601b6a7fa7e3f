"""The library's upkeep on the command line: stats, verify, backup, restore."""

import argparse
import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from scene_model.cli.terminal import ProgressLine, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, BundleError, BundleNotFound
from scene_model.learning.retag import retag
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.backup_file import BackupManifest
from scene_model.maintenance.problems import Problem
from scene_model.maintenance.repair import RecomputeEmbedding
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import open_services
from scene_model.statistics.totals import library_statistics


def stats(options: argparse.Namespace, settings: Settings) -> int:
    """Count what the library holds."""
    with Library(settings.library) as library:
        found = library_statistics(library)
        folder = library.folder
    if _is_json(options):
        said = asdict(found)
        said["bytes"] = said.pop("file_bytes")
        print(json.dumps({"library": str(folder), **said}))
        return EXIT_DONE
    print(f"Library    {printable(str(folder))}")
    print(f"Photos     {found.photos:,}, {found.unsure:,} unsure, {found.edited:,} edited")
    print(f"Trash      {found.trash:,}")
    if found.referenced:
        print(f"Referenced {found.referenced:,}")
    for label, count in found.by_class.items():
        print(f"  {printable(label)}\t{count:,}")
    for bundle, count in found.bundles.items():
        print(f"Tagged by  {printable(bundle)}\t{count:,}")
    for name, size in found.file_bytes.items():
        print(f"On disk    {name}\t{size / 1e6:,.1f} MB")
    return EXIT_DONE


def verify_library(options: argparse.Namespace, settings: Settings) -> int:
    """Check the library; 0 when nothing is left, 3 when something is."""
    progress = ProgressLine("photos checked")
    mending = _mending(settings) if options.repair else contextlib.nullcontext()
    with Library(settings.library) as library, mending as recompute_embedding, progress:
        found = verify(
            library,
            options.repair,
            settings.workers,
            progress.show,
            recompute_embedding=recompute_embedding,
        )
    if options.json:
        problems = [_problem_record(problem) for problem in found.problems]
        is_clean = not found.unrepaired
        print(json.dumps({"photos": found.photo_count, "clean": is_clean, "problems": problems}))
    elif options.jsonl:
        for problem in found.problems:
            print(json.dumps(_problem_record(problem)))
    else:
        for problem in found.problems:
            print(f"{problem.code}\t{printable(problem.message)}")
        if found.orphans_dir is not None:
            print(f"What belongs to no photo was moved to {printable(str(found.orphans_dir))}.")
        print(_verified_text(found.photo_count, len(found.problems), len(found.unrepaired)))
    return EXIT_SOME_FAILED if found.unrepaired else EXIT_DONE


def backup(options: argparse.Namespace, settings: Settings) -> int:
    """Write a backup; 3 when an original was not as it should be."""
    progress = ProgressLine("photos")
    with Library(settings.library) as library, progress:
        done = write_backup(library, options.file, options.with_references, progress.show)
    if _is_json(options):
        said = {"file": str(done.file), "bytes": done.file_bytes, **_listed_record(done.manifest)}
        print(json.dumps(said))
    else:
        size = f"{done.file_bytes / 1e6:,.1f} MB"
        print(f"{done.manifest.photos:,} photos, {size}, in {printable(str(done.file))}.")
        _say_odd(done.manifest)
    return EXIT_SOME_FAILED if done.manifest.missing or done.manifest.changed else EXIT_DONE


def restore(options: argparse.Namespace, settings: Settings) -> int:
    """Bring a library back; 3 when the backup lacked an original."""
    progress = ProgressLine("files")
    with progress:
        done = restore_backup(options.file, settings.library, options.replace, progress.show)
    aside = None if done.moved_aside is None else str(done.moved_aside)
    if _is_json(options):
        said = {"library": str(done.folder), "moved_aside": aside, **_listed_record(done.manifest)}
        print(json.dumps(said))
    else:
        print(f"{done.manifest.photos:,} photos restored to {printable(str(done.folder))}.")
        if aside is not None:
            print(f"What was there before is in {printable(aside)}.")
        _say_odd(done.manifest)
    return EXIT_SOME_FAILED if done.manifest.missing or done.manifest.changed else EXIT_DONE


def _is_json(options: argparse.Namespace) -> bool:
    return bool(options.json or options.jsonl)


@contextlib.contextmanager
def _mending(settings: Settings) -> Iterator[RecomputeEmbedding | None]:
    """What mends an embedding; None where there is no model to do it."""
    try:
        services = open_services(settings, resume_batch=False)
    except BundleError:
        yield None
        return

    def look(photo_id: str) -> None:
        photo, classifier = services.library.photo(photo_id), services.classifier
        if photo.bundle != classifier.bundle_id:
            raise BundleNotFound(f"It was tagged by {photo.bundle}; `library reclassify` mends it.")
        retag(services.library, classifier, photo_id)

    try:
        yield look
    finally:
        services.close()


def _problem_record(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "photo": problem.photo,
        "file": problem.file and str(problem.file),
        "repaired": problem.is_repaired,
        "message": problem.message,
    }


def _verified_text(photo_count: int, problem_count: int, left_count: int) -> str:
    photos = f"{photo_count:,} photos checked"
    if not problem_count:
        return f"{photos}; all is well."
    if not left_count:
        return f"{photos}; {problem_count:,} problems, all repaired."
    return f"{photos}; {problem_count:,} problems, {left_count:,} left."


def _listed_record(manifest: BackupManifest) -> dict[str, Any]:
    return {
        "photos": manifest.photos,
        "references": len(manifest.references),
        "missing": list(manifest.missing),
        "changed": list(manifest.changed),
    }


def _say_odd(manifest: BackupManifest) -> None:
    if manifest.references:
        print(
            f"{len(manifest.references):,} originals lie outside the library and are not in the "
            "backup."
        )
    for photo_id in manifest.missing:
        print(f"{photo_id}\toriginal_missing: not in the backup")
    for photo_id in manifest.changed:
        print(f"{photo_id}\toriginal_changed: in the backup as it is")
