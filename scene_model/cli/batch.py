"""``batch SOURCE OUT``: tag millions of photos into a Parquet dataset; goes on where it stopped."""

import argparse
import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

from scene_model.cli.scan import positive
from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import MAX_WORKERS, Settings
from scene_model.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, BatchError
from scene_model.scale.batch_run import BatchProgress, BatchResult, BatchRun
from scene_model.scale.drivers.driver import Driver
from scene_model.scale.drivers.local import LocalDriver
from scene_model.scale.drivers.ray import RayDriver

_ENGINES = ("local", "ray")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder (subfolders too), s3:// gs:// or az:// prefix, a list of paths and URLs "
        "(.parquet .csv .jsonl .txt), a WebDataset .tar, or the URL of any of them",
    )
    parser.add_argument(
        "out", metavar="OUT", help="folder, or s3:// gs:// or az:// prefix, of the Parquet files"
    )
    parser.add_argument(
        "--engine", choices=_ENGINES, default="local", help="where it runs (default: local)"
    )
    parser.add_argument("--address", metavar="A", help="of a running Ray cluster; with ray alone")
    parser.add_argument(
        "--concurrency",
        type=positive,
        metavar="N",
        help="photos at a time (default: SCENE_WORKERS); with ray: workers",
    )
    parser.add_argument(
        "--no-embeddings", action="store_true", help="leave out the column `embedding`"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run the batch; returns the exit code."""
    is_local = options.engine == "local"
    if is_local and options.concurrency is not None:
        if options.concurrency > MAX_WORKERS:
            raise BatchError(
                f"--concurrency is {options.concurrency:,}; the limit is {MAX_WORKERS}. More "
                "machines run more at a time: `--engine ray`."
            )
        settings = settings.model_copy(update={"workers": options.concurrency})
    with ProgressLine("photos") as line:

        def show(progress: BatchProgress) -> None:
            errors = progress.errors_by_code
            line.show(progress.done, progress.total, sum(errors.values()), codes_text(errors))

        batch = BatchRun(
            options.source,
            options.out,
            settings,
            with_embeddings=not options.no_embeddings,
            on_progress=show,
        )
        result = batch.run(_driver(options, batch), threading.Event())
    _print(result, options)
    if not result.is_complete:
        return EXIT_INTERRUPTED
    return EXIT_SOME_FAILED if result.errors_by_code else EXIT_DONE


def _driver(options: argparse.Namespace, batch: BatchRun) -> Driver:
    if options.engine == "ray":
        return RayDriver(options.address, options.concurrency)
    if options.address is not None:
        raise BatchError(f"--address {options.address!r} needs `--engine ray`.")
    return LocalDriver(batch.count_row)


def _print(result: BatchResult, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps({"out": options.out, **vars(result), **_figures(result)}))
    else:
        already = f"; {result.already_done:,} were done before" if result.already_done else ""
        print(
            f"{counted(result.done, 'photo')} tagged{already}. {printable(options.out)} has "
            f"{counted(result.rows, 'row')}."
        )
    if result.ignored:
        print(
            f"{counted(result.ignored, 'file')} ignored: not named like pictures, or listed twice.",
            file=sys.stderr,
        )
    if result.errors_by_code:
        failed = sum(result.errors_by_code.values())
        print(
            f"{failed:,} of {counted(result.rows, 'row')} failed: "
            f"{codes_text(result.errors_by_code)}. The column `error` says why.",
            file=sys.stderr,
        )


def _figures(result: BatchResult) -> dict[str, Any]:
    rate = result.done / result.seconds if result.seconds else 0.0
    return {"seconds": round(result.seconds, 3), "photos_per_s": round(rate, 2)}


def codes_text(errors_by_code: Mapping[str, int]) -> str:
    """Return errors by code, the most frequent first: ``3 not_found, 1 timed_out``."""
    ordered = sorted(errors_by_code.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number:,} {code}" for code, number in ordered)
