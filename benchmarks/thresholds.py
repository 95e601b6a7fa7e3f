"""Time a threshold preview and saving the thresholds on a library of 100,000 photos.

    python -m benchmarks.thresholds [--photos 100000]

Makes the library as `benchmarks.large_library` does, reads the class head's scores, computes the
preview of a slider move, and saves: most photos then leave their class. The generated embeddings
match no class, so the change cannot be repeated; each run makes a new library.
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

from benchmarks.large_library import build
from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.learning.thresholds import class_scores, preview_thresholds
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.embedding_files import file_name
from scene_model.library.store import Library
from scene_model.services import open_services

READ_LIMIT_S, PREVIEW_LIMIT_S, SAVE_LIMIT_S = 4.0, 0.1, 10.0
Result = TypeVar("Result")


def timed(name: str, limit_s: float, work: Callable[[], Result]) -> tuple[Result, bool]:
    """Call ``work`` and print its seconds; returns its result and whether the limit holds."""
    started = time.perf_counter()
    result = work()
    took = time.perf_counter() - started
    print(f"{name:<44} {took:6.2f} s   limit {limit_s:g} s   {'ok' if took <= limit_s else 'SLOW'}")
    return result, took <= limit_s


def as_tagged_by(library: Library, classifier: Classifier) -> None:
    """Mark the generated photos as tagged by the current model."""
    provenance = classifier.provenance
    file = file_name(provenance.backbone, classifier.bundle.backbone.embedding_size)
    (generated,) = {path.stem for path in (library.folder / "embeddings").glob("*.f16")}
    library.embeddings.path(generated).rename(library.embeddings.path(file))
    with library.database.writer.begin() as connection:
        connection.execute(
            update(photos).values(
                bundle=provenance.bundle, backbone=provenance.backbone, embedding_file=file
            )
        )


def measure(folder: Path) -> bool:
    """Read the scores, preview, save; True when every limit holds."""
    services = open_services(Settings(library=folder, workers=2))
    library, classifier = services.library, services.classifier
    as_tagged_by(library, classifier)
    head = classifier.class_head
    chosen = dict.fromkeys(head.labels.ids, 0.9)
    scores, is_read_in_time = timed(
        "reading the class head's scores", READ_LIMIT_S, lambda: class_scores(library, classifier)
    )
    preview, is_preview_in_time = timed(
        "a move of the slider",
        PREVIEW_LIMIT_S,
        lambda: preview_thresholds(scores, classifier, chosen),
    )
    print(
        f"    of {len(scores.ids):,} photos, {len(preview.enters):,} enter, "
        f"{len(preview.leaves):,} leave"
    )
    choice = services.model_choice
    _, is_saved_in_time = timed("saving", SAVE_LIMIT_S, lambda: choice.use_thresholds(chosen))
    services.close()
    return is_read_in_time and is_preview_in_time and is_saved_in_time


def main() -> int:
    """Make the library in a separate process, and measure."""
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
