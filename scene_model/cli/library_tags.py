"""``library sidecars`` and ``library keywords``: tags out to other programs, and in from them."""

import argparse
import json
from collections.abc import Iterable

from scene_model.cli.scan import Scan, require_any
from scene_model.cli.terminal import printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.export.travelling_tags import Travelled, import_keywords, write_sidecars
from scene_model.services import open_services


def sidecars(options: argparse.Namespace, settings: Settings) -> int:
    """Write XMP sidecars of the photos of a query."""
    services = open_services(settings, take_up=False)
    try:
        ids = services.gallery().ids(options.query)
        written = write_sidecars(services.library, services.vocabulary, ids, options.into)
        return _say(written, options)
    finally:
        services.close()


def keywords(options: argparse.Namespace, settings: Settings) -> int:
    """Take keywords that other programs wrote for people's tags."""
    require_any(options.paths)
    services = open_services(settings, take_up=False)
    try:
        files = (found.path for found in Scan(options.recursive).files(options.paths))
        limits = services.classifier.limits
        return _say(import_keywords(services.library, services.vocabulary, files, limits), options)
    finally:
        services.close()


def _say(travelled: Iterable[Travelled], options: argparse.Namespace) -> int:
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
