"""``library sidecars|keywords|dataset``: tags out to other programs, and in from them."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable

from scene_model.cli.scan import Scan, require_any
from scene_model.cli.terminal import printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.export.dataset import TRAIN, VALIDATION, write_dataset
from scene_model.export.sidecar_sync import SidecarResult, import_keywords, write_sidecars
from scene_model.services import open_services


def sidecars(options: argparse.Namespace, settings: Settings) -> int:
    """Write XMP sidecars of the photos of a query."""
    services = open_services(settings, resume=False)
    try:
        ids = services.gallery().ids(options.query)
        written = write_sidecars(services.library, services.vocabulary, ids, options.into)
        return _say(written, options)
    finally:
        services.close()


def keywords(options: argparse.Namespace, settings: Settings) -> int:
    """Take keywords that other programs wrote for people's tags."""
    require_any(options.paths)
    services = open_services(settings, resume=False)
    try:
        files = (found.path for found in Scan(options.recursive).files(options.paths))
        limits = services.classifier.limits
        return _say(import_keywords(services.library, services.vocabulary, files, limits), options)
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
        for placed in write_dataset(services.library, ids, folder, options.val):
            if placed.error is None:
                parts[placed.part] += 1
                continue
            failed += 1
            print(
                f"{placed.photo_id}\t{placed.error.code}: {placed.error.message}", file=sys.stderr
            )
    finally:
        services.close()
    said = {"folder": str(options.folder), "train": parts[TRAIN], "val": parts[VALIDATION]}
    if options.json or options.jsonl:
        print(json.dumps(said))
    else:
        print(f"{parts[TRAIN]:,} photos to train with, {parts[VALIDATION]:,} to check with.")
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def _say(travelled: Iterable[SidecarResult], options: argparse.Namespace) -> int:
    failed, lines = 0, []
    for one in travelled:
        failed += one.error is not None
        told = None if one.error is None else {"code": one.error.code, "message": one.error.message}
        line = {
            "file": str(one.file),
            "sidecar": one.sidecar and str(one.sidecar),
            "tags": list(one.tags),
            "error": told,
        }
        if options.json:
            lines.append(line)
        elif options.jsonl:
            print(json.dumps(line))
        elif one.error is not None:
            print(f"{printable(str(one.file))}\t{one.error.code}: {printable(one.error.message)}")
        else:
            what = str(one.sidecar) if one.sidecar else ", ".join(one.tags) or "nothing new"
            print(f"{printable(str(one.file))}\t{printable(what)}")
    if options.json:
        print(json.dumps(lines))
    return EXIT_SOME_FAILED if failed else EXIT_DONE
