"""``library sidecars|keywords|dataset``: exchange tags with other programs, write data sets."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable

from scene_model.cli.scan import Scan, require_any
from scene_model.cli.terminal import counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.export.dataset import TRAIN, VALIDATION, write_dataset
from scene_model.export.sidecar_sync import SidecarResult, import_keywords, write_sidecars
from scene_model.services import open_services


def sidecars(options: argparse.Namespace, settings: Settings) -> int:
    """Write XMP sidecars for the photos that match a query."""
    services = open_services(settings, resume=False)
    try:
        ids = services.gallery().ids(options.query)
        written = write_sidecars(
            services.library, services.vocabulary, ids, options.into, options.dates
        )
        return _print_results(written, options)
    finally:
        services.close()


def keywords(options: argparse.Namespace, settings: Settings) -> int:
    """Import keywords of other programs as a person's tags, and their ratings."""
    require_any(options.paths)
    services = open_services(settings, resume=False)
    try:
        files = (input_file.path for input_file in Scan(options.recursive).files(options.paths))
        limits = services.classifier.limits
        code = _print_results(
            import_keywords(services.library, services.gallery().vocabulary, files, limits), options
        )
        services.copy_database()
        return code
    finally:
        services.close()


def dataset(options: argparse.Namespace, settings: Settings) -> int:
    """Write class folders for training."""
    services = open_services(settings, resume=False)
    parts: Counter[str] = Counter()
    failed = 0
    try:
        ids = services.gallery().ids(options.query)
        folder = options.folder.expanduser().absolute()
        for item in write_dataset(services.library, ids, folder, options.val):
            if item.error is None:
                parts[item.part] += 1
                continue
            failed += 1
            print(f"{item.photo_id}\t{item.error.code}: {item.error.message}", file=sys.stderr)
    finally:
        services.close()
    record = {"folder": str(options.folder), "train": parts[TRAIN], "val": parts[VALIDATION]}
    if options.json or options.jsonl:
        print(json.dumps(record))
    else:
        train, validation = parts[TRAIN], parts[VALIDATION]
        print(f"{counted(train, 'photo')} for training, {validation:,} for validation.")
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def _print_results(results: Iterable[SidecarResult], options: argparse.Namespace) -> int:
    failed, lines = 0, []
    for result in results:
        failed += result.error is not None
        error = (
            None
            if result.error is None
            else {"code": result.error.code, "message": result.error.message}
        )
        line = {
            "file": str(result.file),
            "sidecar": result.sidecar and str(result.sidecar),
            "tags": list(result.tags),
            "rating": result.rating,
            "error": error,
        }
        if options.json:
            lines.append(line)
        elif options.jsonl:
            print(json.dumps(line))
        elif result.error is not None:
            print(
                f"{printable(str(result.file))}\t"
                f"{result.error.code}: {printable(result.error.message)}"
            )
        else:
            imported = [*result.tags, *_rating_text(result.rating)]
            text = str(result.sidecar) if result.sidecar else ", ".join(imported) or "nothing new"
            print(f"{printable(str(result.file))}\t{printable(text)}")
    if options.json:
        print(json.dumps(lines))
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def _rating_text(rating: int | None) -> list[str]:
    return [] if rating is None else [f"rating {rating}" if rating else "no rating"]
