"""``classify PATH...``: tag photos where they lie; one line a photo, nothing stored."""

import argparse
import json
import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene_model.classifier.classify import Classifier, Look
from scene_model.classifier.tagging import Tag, top_tags
from scene_model.config import Settings
from scene_model.errors import (
    EXIT_DONE,
    EXIT_SOME_FAILED,
    InternalError,
    PathNotFound,
    SceneError,
    UnreadableFile,
)
from scene_model.photos.decode import read_photo_file
from scene_model.photos.sniff import has_picture_name
from scene_model.services import open_classifier

_AHEAD_PER_WORKER = 4
_FIELDS = (
    "file label confidence unsure probabilities class class_source tags objects taken_at "
    "bundle error"
).split()


@dataclass(frozen=True)
class Found:
    """A file to try; ``problem`` is set when it is known beforehand that it can't be."""

    path: Path
    problem: SceneError | None = None


@dataclass(frozen=True)
class Outcome:
    """One file's look, or the error it ended in."""

    path: Path
    look: Look | None
    error: SceneError | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("paths", nargs="+", type=_path, metavar="PATH", help="photo or folder")
    parser.add_argument("--recursive", action="store_true", help="go into folders of folders")
    parser.add_argument(
        "--head",
        help="label set to answer by (default: the one the model files photos by; scenes in the "
        "model that comes with the program)",
    )
    parser.add_argument(
        "--top", type=_positive, default=3, metavar="N", help="labels in the table (default: 3)"
    )
    parser.add_argument("--jsonl", action="store_true", help="print one JSON object a line")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Classify all files in input order; returns the exit code."""
    if not any(os.path.lexists(path) for path in options.paths):
        missing = ", ".join(str(path) for path in options.paths)
        raise PathNotFound(f"No such file or folder: {_printable(missing)}.")
    classifier = open_classifier(settings)
    chosen = classifier.bundle.class_head if options.head is None else options.head
    head = classifier.head(chosen)
    scan = Scan(options.recursive)
    failed = done = 0
    for outcome in _outcomes(scan.files(options.paths), classifier, settings.workers):
        done += 1
        failed += outcome.error is not None
        if options.jsonl:
            line = json.dumps(_record(outcome, classifier, head.id))
        else:
            line = _table_line(outcome, head.id, classifier, options.top)
        print(line, flush=True)
        _show_progress(done, failed)
    _say_end(done, failed, scan.ignored)
    return EXIT_SOME_FAILED if failed else EXIT_DONE


class Scan:
    """Finds files: those named always, in folders those with a picture's name."""

    def __init__(self, recursive: bool) -> None:
        """``recursive``: go into folders inside a folder; links to folders are not followed."""
        self._recursive = recursive
        self.ignored = 0

    def files(self, paths: list[Path]) -> Iterator[Found]:
        """Yield files in the order of ``paths``, those of a folder sorted by name."""
        for path in paths:
            try:
                is_folder = path.is_dir()
            except OSError as error:
                yield Found(path, _unreadable(error))
                continue
            if is_folder:
                yield from self._folder(path)
            elif os.path.lexists(path):
                yield Found(path)
            else:
                yield Found(path, PathNotFound("No such file or folder."))

    def _folder(self, folder: Path) -> Iterator[Found]:
        waiting = [iter([folder])]  # not recursion: folders may lie a thousand deep
        while waiting:
            path = next(waiting[-1], None)
            if path is None:
                waiting.pop()
                continue
            try:
                if path == folder or path.is_dir():
                    if path == folder or (self._recursive and not path.is_symlink()):
                        waiting.append(iter(sorted(path.iterdir())))
                # "._name" is what macOS keeps beside a photo on foreign disks, not a photo.
                elif has_picture_name(path) and not path.name.startswith("._"):
                    yield Found(path)
                else:
                    self.ignored += 1
            except OSError as error:
                yield Found(path, _unreadable(error))


def _unreadable(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"It cannot be read: {error.strerror or type(error).__name__}.")


def _outcomes(files: Iterator[Found], classifier: Classifier, workers: int) -> Iterator[Outcome]:
    """Look at files in parallel, a few ahead; yield in input order."""
    pool = ThreadPoolExecutor(workers)
    pending: deque[Future[Outcome]] = deque()
    try:
        for found in files:
            pending.append(pool.submit(_look, found, classifier))
            if len(pending) >= _AHEAD_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _look(found: Found, classifier: Classifier) -> Outcome:
    if found.problem is not None:
        return Outcome(found.path, None, found.problem)
    try:
        data = read_photo_file(found.path, classifier.limits)
        return Outcome(found.path, classifier.look(data), None)
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
    answer = look.answers.by_head[head_id]
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
        "class": look.answers.photo_class.label,
        "class_source": look.answers.photo_class.source,
        "tags": _tag_list(look.answers.tags),
        "objects": _tag_list(look.answers.objects),
        "taken_at": look.metadata.taken_at,
    }
    return record


def _tag_list(tags: list[Tag]) -> list[dict[str, Any]]:
    return [{"label": tag.label, "score": tag.score} for tag in tags]


def _table_line(outcome: Outcome, head_id: str, classifier: Classifier, top: int) -> str:
    name = _printable(str(outcome.path))
    if outcome.look is None:
        assert outcome.error is not None  # noqa: S101 - an outcome holds one of the two
        return f"{name}\t{outcome.error.code}: {_printable(outcome.error.message)}"
    answer = outcome.look.answers.by_head[head_id]
    best = top_tags(answer.probabilities, classifier.head(head_id).labels, top)
    said = ", ".join(f"{tag.label} {tag.score:.0%}" for tag in best)
    doubt = " (unsure)" if answer.unsure else ""
    return f"{name}\t{outcome.look.answers.photo_class.label}\t{said}{doubt}"


def _printable(text: str) -> str:
    """Escape what a terminal would obey or cannot write."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _show_progress(done: int, failed: int) -> None:
    if sys.stderr.isatty():
        note = f", {failed} failed" if failed else ""
        print(f"\r{done} photos{note}", end="", file=sys.stderr, flush=True)


def _say_end(done: int, failed: int, ignored: int) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if ignored:
        print(f"{ignored} files ignored: no pictures by their names.", file=sys.stderr)
    if failed:
        print(f"{failed} of {done} photos failed; each line says why.", file=sys.stderr)
    if not done:
        print("No pictures found.", file=sys.stderr)
