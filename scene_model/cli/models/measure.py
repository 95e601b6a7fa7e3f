"""``models measure``: compare a model with the one in use before it may tag anything."""

import argparse
import json
import sys

from scene_model.classifier.classify import Classifier
from scene_model.cli.models.comparison_output import comparison_record, summary_lines, table_lines
from scene_model.cli.scan import path, positive
from scene_model.cli.terminal import ProgressLine, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, TooFewExamples
from scene_model.jobs.in_order import in_order
from scene_model.learning.compared_photos import (
    UNDECIDED_SAMPLE,
    Comparer,
    PhotoToCompare,
    decided_photos,
    labelled_files,
    photos_per_s,
    undecided_photos,
)
from scene_model.learning.model_comparison import ComparedPhoto, FailedPhoto, ModelComparison
from scene_model.library.store import Library
from scene_model.model_choice import named_bundle
from scene_model.services import open_comparison

_DEFAULT_PHOTOS = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", metavar="NAME", help="as `models list` shows it, or its folder")
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=path,
        help="compare on this folder of class folders, instead of the classes that people chose "
        "in the library",
    )
    parser.add_argument(
        "--photos",
        metavar="N",
        type=positive,
        default=_DEFAULT_PHOTOS,
        help="compare on at most this many, chosen at random (default: %(default)s)",
    )
    parser.add_argument("--library", metavar="DIR", type=path, help="the library's folder")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON document")
    output.add_argument("--table", action="store_true", help="list the photos that would change")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Compare and print the result; 3 where photos could not be read."""
    if options.library is not None:
        settings = settings.model_copy(update={"library": options.library})
    with open_comparison(settings, named_bundle(settings, options.name)) as (
        current,
        candidate,
        library,
    ):
        comparer = Comparer(current, candidate, library, by_head=options.folder is not None)
        to_compare = _photos(options, comparer, library)
        comparison = _compare(comparer, to_compare, settings.workers)
        _print(options, comparison, (current, candidate))
    for failed in comparison.failed:
        line = f"skipped {failed.name}: {failed.error.code}: {failed.error.message}"
        print(printable(line), file=sys.stderr)
    return EXIT_SOME_FAILED if comparison.failed else EXIT_DONE


def _photos(
    options: argparse.Namespace, comparer: Comparer, library: Library | None
) -> list[PhotoToCompare]:
    if options.folder is not None:
        files = labelled_files(options.folder, options.photos)
        comparer.require_any_word(files, options.folder)
        return files
    decided = [] if library is None else decided_photos(library, options.photos)
    if library is None or not decided:
        raise TooFewExamples(
            "Nobody chose the class of a photo in the library, so there is nothing to compare "
            "with. Correct some photos, for instance on the page Review, or name a labelled "
            "folder: --folder DIR."
        )
    return [*decided, *undecided_photos(library, min(UNDECIDED_SAMPLE, options.photos))]


def _compare(comparer: Comparer, to_compare: list[PhotoToCompare], workers: int) -> ModelComparison:
    compared, failed = list[ComparedPhoto](), list[FailedPhoto]()
    with ProgressLine("photos compared") as progress:
        for result in in_order(iter(to_compare), comparer.compare, workers):
            if isinstance(result, FailedPhoto):
                failed.append(result)
            else:
                compared.append(result)
            progress.show(len(compared) + len(failed), len(to_compare), len(failed))
    return ModelComparison(compared, failed)


def _print(
    options: argparse.Namespace,
    comparison: ModelComparison,
    models: tuple[Classifier, Classifier],
) -> None:
    names, rates = (models[0].bundle_id, models[1].bundle_id), photos_per_s(models)
    if options.json:
        print(json.dumps(comparison_record(comparison, names, rates), ensure_ascii=False))
        return
    if options.table:
        print("\n".join(table_lines(comparison.changed)))
    for line in summary_lines(comparison, names, rates, options.folder is None):
        # Below a table, the summary must not be mistaken for its rows.
        print(line, file=sys.stderr if options.table else sys.stdout)
