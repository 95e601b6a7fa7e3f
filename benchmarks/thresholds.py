"""Try another threshold on a library of 100,000 photos and keep it, and time that.

    python -m benchmarks.thresholds [--photos 100000]

Makes the library as `benchmarks.library_100k` does, reads what the class head said, moves the
slider and saves: most photos then leave. Made embeddings show nothing that the head knows, so that
none comes back: each run takes a library of its own.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import update

from benchmarks.library_100k import build
from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.learning.thresholds import class_scores, preview_thresholds
from scene_model.library.embeddings import file_name
from scene_model.library.schema import photos
from scene_model.library.store import Library
from scene_model.services import open_services

READ_LIMIT_S, PREVIEW_LIMIT_S, KEEP_LIMIT_S = 4.0, 0.1, 10.0
Answer = TypeVar("Answer")


def timed(what: str, limit_s: float, work: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Do it, say how long it took, and tell whether that is within the limit."""
    started = time.perf_counter()
    answer = work()
    took = time.perf_counter() - started
    print(f"{what:<44} {took:6.2f} s   limit {limit_s:g} s   {'ok' if took <= limit_s else 'SLOW'}")
    return answer, took <= limit_s


def as_tagged_by(library: Library, classifier: Classifier) -> None:
    """Let the made library be one that the model in use has tagged."""
    seen = classifier.provenance
    file = file_name(seen.backbone, classifier.bundle.backbone.embedding_size)
    (made,) = {path.stem for path in (library.folder / "embeddings").glob("*.f16")}
    library.embeddings.path(made).rename(library.embeddings.path(file))
    with library.database.writer.begin() as connection:
        connection.execute(
            update(photos).values(bundle=seen.bundle, backbone=seen.backbone, embedding_file=file)
        )


def measure(folder: Path) -> bool:
    """Read, look, keep; True when every limit holds."""
    services = open_services(Settings(library=folder, workers=2))
    library, classifier = services.library, services.classifier
    as_tagged_by(library, classifier)
    head = classifier.heads[classifier.bundle.class_head]
    chosen = dict.fromkeys(head.labels.ids, 0.9)
    scores, held = timed(
        "reading what the class head said", READ_LIMIT_S, lambda: class_scores(library, classifier)
    )
    told, is_quick = timed(
        "a move of the slider",
        PREVIEW_LIMIT_S,
        lambda: preview_thresholds(scores, classifier, chosen),
    )
    print(
        f"    of {len(scores.ids):,} photos, {len(told.enters):,} enter, {len(told.leaves):,} leave"
    )
    _, is_kept = timed("saving", KEEP_LIMIT_S, lambda: services.use_thresholds(chosen))
    services.close()
    return held and is_quick and is_kept


def main() -> int:
    """Make the library where it is missing, in a process of its own, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "library"
        maker = multiprocessing.get_context("spawn").Process(
            target=build, args=(folder, options.photos)
        )
        maker.start()
        maker.join()
        return 0 if measure(folder) else 1


if __name__ == "__main__":
    sys.exit(main())
