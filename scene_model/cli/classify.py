"""``classify PATH...``: tag photos where they lie; one line a photo, nothing stored."""

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.classifier.tagging import Tag, top_tags
from scene_model.cli.scan import Found, Scan, path, positive, require_any
from scene_model.cli.terminal import ProgressLine, printable, say_end
from scene_model.config import Settings
from scene_model.errors import (
    EXIT_DONE,
    EXIT_SOME_FAILED,
    InternalError,
    SceneError,
)
from scene_model.model_choice import open_classifier
from scene_model.jobs.in_order import in_order
from scene_model.photos.decode import read_photo_file

_FIELDS = (
    "file label confidence unsure probabilities class class_source tags objects taken_at "
    "bundle error"
).split()


@dataclass(frozen=True)
class Outcome:
    """One file's look, or the error it ended in."""

    path: Path
    look: Prediction | None
    error: SceneError | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("paths", nargs="+", type=path, metavar="PATH", help="photo or folder")
    parser.add_argument("--recursive", action="store_true", help="go into folders of folders")
    parser.add_argument(
        "--head",
        help="label set to answer by (default: the one the model files photos by; scenes in the "
        "model that comes with the program)",
    )
    parser.add_argument(
        "--top", type=positive, default=3, metavar="N", help="labels in the table (default: 3)"
    )
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object a line")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Classify all files in input order; returns the exit code."""
    require_any(options.paths)
    classifier = open_classifier(settings)
    chosen = classifier.bundle.class_head if options.head is None else options.head
    head = classifier.head(chosen)
    scan = Scan(options.recursive)
    failed = done = 0
    look = partial(_look, classifier=classifier)
    with ProgressLine("photos") as progress:
        for outcome in in_order(scan.files(options.paths), look, settings.workers):
            done += 1
            failed += outcome.error is not None
            if options.jsonl:
                line = json.dumps(_record(outcome, classifier, head.id))
            else:
                line = _table_line(outcome, head.id, classifier, options.top)
            print(line, flush=True)
            progress.show(done, failed=failed)
    say_end(done, failed, scan.ignored)
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def _look(found: Found, classifier: Classifier) -> Outcome:
    if found.problem is not None:
        return Outcome(found.path, None, found.problem)
    try:
        data = read_photo_file(found.path, classifier.limits)
        return Outcome(found.path, classifier.predict(data), None)
    except SceneError as error:
        return Outcome(found.path, None, error)
    except Exception as error:  # one bad item never fails the others
        wrapped = InternalError(f"Unforeseen: {type(error).__name__}: {error}")
        return Outcome(found.path, None, wrapped)


def _record(outcome: Outcome, classifier: Classifier, head_id: str) -> dict[str, Any]:
    """The contract's JSON object; a failed file has null in every field but three."""
    look, error = outcome.look, outcome.error
    record: dict[str, Any] = dict.fromkeys(_FIELDS)
    # json.dumps escapes the surrogates of names that are no UTF-8; os.fsencode turns them back.
    record["file"] = str(outcome.path)
    record["bundle"] = classifier.bundle_id
    if look is None:
        assert error is not None  # noqa: S101 - an outcome holds one of the two
        record["error"] = {"code": error.code, "message": error.message}
        return record
    answer = look.head_predictions.by_head[head_id]
    record |= {
        "label": answer.label,
        "confidence": answer.confidence,
        "unsure": answer.unsure,
        "probabilities": dict(
            zip(
                classifier.head(head_id).labels.ids,
                (float(p) for p in answer.probabilities),
                strict=True,
            )
        ),
        "class": look.head_predictions.photo_class.label,
        "class_source": look.head_predictions.photo_class.source,
        "tags": _tag_list(look.head_predictions.tags),
        "objects": _tag_list(look.head_predictions.objects),
        "taken_at": look.metadata.taken_at,
    }
    return record


def _tag_list(tags: list[Tag]) -> list[dict[str, Any]]:
    return [{"label": tag.label, "score": tag.score} for tag in tags]


def _table_line(outcome: Outcome, head_id: str, classifier: Classifier, top: int) -> str:
    name = printable(str(outcome.path))
    if outcome.look is None:
        assert outcome.error is not None  # noqa: S101 - an outcome holds one of the two
        return f"{name}\t{outcome.error.code}: {printable(outcome.error.message)}"
    answer = outcome.look.head_predictions.by_head[head_id]
    best = top_tags(answer.probabilities, classifier.head(head_id).labels, top)
    said = ", ".join(f"{tag.label} {tag.score:.0%}" for tag in best)
    doubt = " (unsure)" if answer.unsure else ""
    return f"{name}\t{outcome.look.head_predictions.photo_class.label}\t{said}{doubt}"
