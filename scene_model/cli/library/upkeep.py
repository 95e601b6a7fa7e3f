"""``library stats|watched|verify|backup|restore``: maintenance on the command line."""

import argparse
import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from scene_model.classifier.vocabulary import Vocabulary, vocabulary_of
from scene_model.cli.passphrase import new_passphrase, passphrase_of_backup
from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, BundleError, BundleNotFound
from scene_model.ingest.watch.folder_state import FolderState
from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.ingest.watch.watches import stored_state
from scene_model.learning.retag import retag
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.backup_file import BackupManifest
from scene_model.maintenance.database_check import database_problems
from scene_model.maintenance.problems import Problem, VerifyResult
from scene_model.maintenance.repair import RecomputeEmbedding
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import damaged_database, verify
from scene_model.model_choice import open_chosen
from scene_model.services import open_services, original_fetcher
from scene_model.statistics.totals import library_statistics


def stats(options: argparse.Namespace, settings: Settings) -> int:
    """Print the library's statistics."""
    with Library(settings.library) as library:
        result = library_statistics(library, _vocabulary(settings, library))
        folder = library.folder
    if _wants_json(options):
        record = asdict(result)
        record["bytes"] = record.pop("file_bytes")
        print(json.dumps({"library": str(folder), **record}))
        return EXIT_DONE
    print(f"Library    {printable(str(folder))}")
    print(f"Photos     {result.photos:,}, {result.unsure:,} unsure, {result.edited:,} edited")
    print(f"Trash      {result.trash:,}")
    if result.referenced:
        print(f"Referenced {result.referenced:,}")
    for label, count in result.by_class.items():
        print(f"  {printable(label)}\t{count:,}")
    for bundle, count in result.bundles.items():
        print(f"Tagged by  {printable(bundle)}\t{count:,}")
    for name, size in result.file_bytes.items():
        print(f"On disk    {name}\t{size / 1e6:,.1f} MB")
    return EXIT_DONE


def watched(options: argparse.Namespace, settings: Settings) -> int:
    """List the watched folders with what was done with their files."""
    with Library(settings.library) as library:
        folders = WatchedFolders(library)
        rows = [(folder, *stored_state(folders, folder)) for folder in folders.all()]
    if options.json:
        print(json.dumps([_watched_record(*row) for row in rows]))
        return EXIT_DONE
    for folder, state, is_watched in rows:
        if options.jsonl:
            print(json.dumps(_watched_record(folder, state, is_watched)))
            continue
        way = "reference" if folder.by_reference else "copy"
        photos = counted(state.photos, "photo")
        counts = f"{photos}, {state.pending:,} pending, {len(state.failed):,} failed"
        print("\t".join((printable(str(folder.path)), way, str(state.status), counts)))
        for file in state.failed:
            print(f"  {printable(file.path)}\t{file.code}: {printable(file.message)}")
        for original in state.missing:
            print(f"  {printable(original)}\toriginal_missing")
    return EXIT_DONE


def _watched_record(folder: WatchedFolder, state: FolderState, is_watched: bool) -> dict[str, Any]:
    return {
        "path": str(folder.path),
        "way": "reference" if folder.by_reference else "copy",
        "watched": is_watched,
        "paused": folder.is_paused,
        **state.as_row(),
    }


def _vocabulary(settings: Settings, library: Library) -> Vocabulary:
    """Return the words of the library's model; no words without a model."""
    try:
        return vocabulary_of(open_chosen(settings, library)[0].ranked_heads)
    except BundleError:
        return Vocabulary({}, {})


def verify_library(options: argparse.Namespace, settings: Settings) -> int:
    """Check the library; returns 0 without remaining problems, else 3."""
    # Before opening it, which writes where it was made by an earlier version.
    result = damaged_database(settings.library.expanduser())
    if result is None:
        result = _verified(options, settings)
    if options.json:
        problems = [_problem_record(problem) for problem in result.problems]
        is_clean = not result.unrepaired
        remote = {"remote_unchecked": result.remote_unchecked} if result.remote_unchecked else {}
        record = {"photos": result.photo_count, "clean": is_clean, "problems": problems}
        print(json.dumps(record | remote))
    elif options.jsonl:
        for problem in result.problems:
            print(json.dumps(_problem_record(problem)))
    else:
        for problem in result.problems:
            print(f"{problem.code}\t{printable(problem.message)}")
        if result.orphans_dir is not None:
            print(f"Files of no photo were moved to {printable(str(result.orphans_dir))}.")
        print(_verified_text(result.photo_count, len(result.problems), len(result.unrepaired)))
        if result.remote_unchecked:
            originals = counted(result.remote_unchecked, "original")
            print(f"{originals} at URLs not checked; --fetch checks them, too.")
    return EXIT_SOME_FAILED if result.unrepaired else EXIT_DONE


def _verified(options: argparse.Namespace, settings: Settings) -> VerifyResult:
    progress = ProgressLine("photos checked")
    fetch = original_fetcher(settings) if options.fetch else None
    library = Library(settings.library, fetch=fetch)
    with library, progress, contextlib.ExitStack() as opened:
        damage = damaged_database(library.folder, database_problems)
        if damage is not None:
            return damage
        recompute = None
        if options.repair:
            recompute = opened.enter_context(_repair_embeddings(settings, options.fetch))
        return verify(
            library,
            options.repair,
            settings.workers,
            progress.show,
            recompute_embedding=recompute,
            is_database_checked=True,
            fetch_remote=options.fetch,
        )


def backup(options: argparse.Namespace, settings: Settings) -> int:
    """Write a backup; returns 3 when an original was missing or changed."""
    passphrase = new_passphrase(settings) if options.encrypt else None
    progress = ProgressLine("photos")
    with Library(settings.library) as library, progress:
        done = write_backup(
            library, options.file, options.with_references, progress.show, passphrase
        )
    if _wants_json(options):
        record = {"file": str(done.file), "bytes": done.file_bytes, **_listed_record(done.manifest)}
        print(json.dumps(record))
    else:
        size = f"{done.file_bytes / 1e6:,.1f} MB" + (", encrypted" if options.encrypt else "")
        photos = counted(done.manifest.photos, "photo")
        print(f"{photos}, {size}, in {printable(str(done.file))}.")
        _print_originals_not_backed_up(done.manifest)
    return EXIT_SOME_FAILED if done.manifest.missing or done.manifest.changed else EXIT_DONE


def restore(options: argparse.Namespace, settings: Settings) -> int:
    """Restore a library; returns 3 when the backup lacks an original."""
    progress = ProgressLine("files")
    with progress:
        done = restore_backup(
            options.file,
            settings.library,
            options.replace,
            progress.show,
            options.accept_references,
            lambda: passphrase_of_backup(settings),
        )
    aside = None if done.moved_aside is None else str(done.moved_aside)
    if _wants_json(options):
        record = {
            "library": str(done.folder),
            "moved_aside": aside,
            **_listed_record(done.manifest),
        }
        print(json.dumps(record))
    else:
        photos = counted(done.manifest.photos, "photo")
        print(f"{photos} restored to {printable(str(done.folder))}.")
        if aside is not None:
            print(f"The previous folder was moved to {printable(aside)}.")
        _print_originals_not_backed_up(done.manifest)
    return EXIT_SOME_FAILED if done.manifest.missing or done.manifest.changed else EXIT_DONE


def _wants_json(options: argparse.Namespace) -> bool:
    return bool(options.json or options.jsonl)


@contextlib.contextmanager
def _repair_embeddings(settings: Settings, may_fetch: bool) -> Iterator[RecomputeEmbedding | None]:
    """Yield a function that recomputes a photo's embedding; None without a model.

    may_fetch: from originals at URLs, too.
    """
    try:
        services = open_services(settings, resume=False)
    except BundleError:
        yield None
        return

    def recompute(photo_id: str) -> None:
        photo, classifier = services.library.photo(photo_id), services.classifier
        if photo.bundle != classifier.bundle_id:
            raise BundleNotFound(
                f"It was tagged by {photo.bundle}; `library reclassify` repairs it."
            )
        retag(services.library, classifier, photo_id, may_fetch)

    try:
        yield recompute
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
    photos = f"{counted(photo_count, 'photo')} checked"
    if not problem_count:
        return f"{photos}; no problems."
    problems = counted(problem_count, "problem")
    if not left_count:
        return f"{photos}; {problems}, all repaired."
    return f"{photos}; {problems}, {left_count:,} left."


def _listed_record(manifest: BackupManifest) -> dict[str, Any]:
    return {
        "photos": manifest.photos,
        "references": len(manifest.references),
        "missing": list(manifest.missing),
        "changed": list(manifest.changed),
    }


def _print_originals_not_backed_up(manifest: BackupManifest) -> None:
    if manifest.references:
        count = len(manifest.references)
        verb = "is" if count == 1 else "are"
        print(f"{counted(count, 'original')} outside the library {verb} not in the backup.")
    for photo_id in manifest.missing:
        print(f"{photo_id}\toriginal_missing: not in the backup")
    for photo_id in manifest.changed:
        print(f"{photo_id}\toriginal_changed: in the backup with its current content")
