"""``classify PATH...``: tag photos and videos without storing them; one line each."""

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.classifier.prediction_record import error_record, prediction_record
from scene_model.classifier.tagging import top_tags
from scene_model.cli.scan import InputFile, Scan, path, positive, require_any
from scene_model.cli.terminal import ProgressLine, print_summary, printable
from scene_model.config import Settings
from scene_model.errors import (
    EXIT_DONE,
    EXIT_SOME_FAILED,
    InternalError,
    SceneError,
)
from scene_model.jobs.in_order import in_order
from scene_model.model_files import open_classifier, open_decoders
from scene_model.photos.content import read_content


@dataclass(frozen=True)
class Outcome:
    """One file's prediction, or its error."""

    path: Path
    prediction: Prediction | None
    error: SceneError | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "paths", nargs="+", type=path, metavar="PATH", help="photo, video or folder"
    )
    parser.add_argument("--recursive", action="store_true", help="include subfolders")
    parser.add_argument(
        "--head",
        help="label set to predict (default: the one that decides the class; `scenes` in the model "
        "included with the program)",
    )
    parser.add_argument(
        "--top", type=positive, default=3, metavar="N", help="labels in the table (default: 3)"
    )
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object per line")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Classify all files, in input order; returns the exit code."""
    require_any(options.paths)
    classifier = open_classifier(settings, open_decoders(settings))
    head = classifier.class_head if options.head is None else classifier.head(options.head)
    scan = Scan(options.recursive)
    failed = done = 0
    predict = partial(_predict, classifier=classifier)
    with ProgressLine("photos") as progress:
        for outcome in in_order(scan.files(options.paths), predict, settings.workers):
            done += 1
            failed += outcome.error is not None
            if options.jsonl:
                line = json.dumps(_record(outcome, classifier, head.id))
            else:
                line = _table_line(outcome, head.id, classifier, options.top)
            print(line, flush=True)
            progress.show(done, failed=failed)
    print_summary(done, failed, scan.ignored)
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def _predict(input_file: InputFile, classifier: Classifier) -> Outcome:
    if input_file.error is not None:
        return Outcome(input_file.path, None, input_file.error)
    try:
        content = read_content(input_file.path, classifier.limits, with_hash=False)
        return Outcome(input_file.path, classifier.predict(content), None)
    except SceneError as error:
        return Outcome(input_file.path, None, error)
    except Exception as error:  # one bad item never fails the others
        wrapped = InternalError(f"Unforeseen: {type(error).__name__}: {error}")
        return Outcome(input_file.path, None, wrapped)


def _record(outcome: Outcome, classifier: Classifier, head_id: str) -> dict[str, Any]:
    """The JSON object of a file."""
    # json.dumps escapes the surrogates of names that are not UTF-8; os.fsencode restores them.
    file = str(outcome.path)
    if outcome.prediction is None:
        assert outcome.error is not None  # noqa: S101 - an outcome has one of the two
        return error_record(file, classifier, outcome.error)
    return prediction_record(file, classifier, head_id, outcome.prediction)


def _table_line(outcome: Outcome, head_id: str, classifier: Classifier, top: int) -> str:
    name = printable(str(outcome.path))
    if outcome.prediction is None:
        assert outcome.error is not None  # noqa: S101 - an outcome has one of the two
        return f"{name}\t{outcome.error.code}: {printable(outcome.error.message)}"
    head_prediction = outcome.prediction.head_predictions.by_head[head_id]
    best = top_tags(head_prediction.probabilities, classifier.head(head_id).labels, top)
    text = ", ".join(f"{tag.label} {tag.score:.0%}" for tag in best)
    suffix = " (unsure)" if head_prediction.unsure else ""
    return f"{name}\t{outcome.prediction.head_predictions.photo_class.label}\t{text}{suffix}"
