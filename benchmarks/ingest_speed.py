"""Add 96 photos of 12 megapixels to a library, beside classifying the same files.

Each round classifies the files as `scene-gallery classify` does, then adds them to new libraries by
reference and by copy, as `scene-gallery library add` and the pages do. The plain way is to classify
alone; the ratio says what keeping a photo costs on top: hash, copy, thumbnail, rows.

    python -m benchmarks.ingest_speed [--rounds 3] [--photos 96]
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from benchmarks.photos import PHOTOS, SIZE, make_photos
from scene_model.classifier.classify import Classifier
from scene_model.config import PROJECT_DIR, Settings
from scene_model.jobs.in_order import in_order
from scene_model.photos.decode import read_photo_file
from scene_model.services import Services, open_services


def write_photos(folder: Path, count: int) -> list[Path]:
    """Write so many different files: the photos of `make_photos`, each copy with a comment."""
    paths = []
    photos = make_photos(PROJECT_DIR / "tests" / "assets")
    for number in range(count):
        data = photos[number % PHOTOS]
        comment = b"%08d" % number
        # After the first marker: a comment segment of its own, which changes the content hash.
        head = data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        path = folder / f"{number:04}.jpg"
        path.write_bytes(head + data[2:])
        paths.append(path)
    Image.open(io.BytesIO(paths[0].read_bytes())).load()
    return paths


def classify(classifier: Classifier, paths: Sequence[Path], workers: int) -> None:
    """Classify the files as the command does."""

    def predict(path: Path) -> str:
        data = read_photo_file(path, classifier.limits)
        return classifier.predict(data).head_predictions.photo_class.label

    assert len(list(in_order(iter(paths), predict, workers))) == len(paths)  # noqa: S101


def add(services: Services, paths: Sequence[Path], by_reference: bool) -> None:
    """Add the files to the library, and wait for the end."""
    job = services.jobs.submit_paths(paths, by_reference)
    job.wait(600)
    progress = job.progress()
    assert not progress.known and not progress.skipped, progress.skipped  # noqa: S101


def rate(count: int, work: Callable[[], None]) -> tuple[float, float]:
    """Photos a second of wall time, and milliseconds of processor time a photo."""
    before, started = time.process_time(), time.perf_counter()
    work()
    return count / (time.perf_counter() - started), 1000 * (time.process_time() - before) / count


def main() -> None:
    """Print the rates of each round, and the median ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=96)
    options = parser.parse_args()
    workers = os.cpu_count() or 1
    ratios: dict[str, list[float]] = {"reference": [], "copy": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        paths = write_photos(folder / "photos", options.photos)
        total = sum(path.stat().st_size for path in paths) / 1e6
        print(f"{len(paths)} photos of {SIZE[0]}×{SIZE[1]}, {total:.0f} MB, {workers} workers")
        for number in range(options.rounds + 1):
            rates = {}
            for kind in ("classify", "reference", "copy"):
                library = folder / f"{kind}-{number}"
                services = open_services(Settings(library=library, workers=workers))
                try:
                    classifier = services.model.classifier
                    classify(classifier, paths[: 2 * workers], workers)
                    if kind == "classify":
                        work = partial(classify, classifier, paths, workers)
                    else:
                        work = partial(add, services, paths, kind == "reference")
                    rates[kind] = rate(len(paths), work)
                finally:
                    services.close()
            if number == 0:
                continue  # warms up the files and the modules
            for kind, values in ratios.items():
                values.append(rates[kind][0] / rates["classify"][0])
            print(
                "   ".join(
                    f"{kind} {per_s:6.1f} photos/s ({cpu_ms:4.1f} ms)"
                    for kind, (per_s, cpu_ms) in rates.items()
                )
                + "".join(f"   {kind} {values[-1]:.0%}" for kind, values in ratios.items()),
                flush=True,
            )
    print(
        "median: "
        + ", ".join(f"by {kind} {statistics.median(values):.0%}" for kind, values in ratios.items())
    )


if __name__ == "__main__":
    main()
