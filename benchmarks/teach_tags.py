"""Teach five tags that no head has, by ten photos each, and ask about all the others.

    python -m benchmarks.teach_tags --data DIR [--seeds 5]

The kinds, by the folder their photos come from in camera36.zip (see its manifest): shop receipts,
printed article pages, sunflowers, motorcycles, and the karst bay of Ha Long. No head has a label
for one of them; what is asked about is every other photo of the 36 camera scenes. Goes through
the library as the page does: photos kept, ten named, the tag learned and saved, its tags read
back. Ends with 1 when the mean F1 is below 0.8.
"""

import argparse
import csv
import io
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from scene_model.config import Settings
from scene_model.gallery.similar import Similar
from scene_model.gallery.taught_tags import forget_taught, keep_lesson, learn_tag
from scene_model.services import Services, open_services

LIMIT, EXAMPLES = 0.8, 10
KINDS = {
    "receipt": ("ICDAR-2019-SROIE/", "/img/"),
    "article page": ("", "DocBank_samples/"),
    "sunflower": ("", "/sunflower/"),
    "motorcycle": ("", "/Motorbikes/", "/motorcycle/"),
    "ha long bay": ("", "/halong_bay/"),
}


def main() -> int:
    """Fill a library, teach, count."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds camera36.zip")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(Settings(library=Path(folder) / "library", workers=2))
        try:
            kinds = _fill(services, options.data / "camera36.zip")
            return 0 if _measure(services, kinds, options.seeds) else 1
        finally:
            services.close()


def _fill(services: Services, path: Path) -> dict[str, list[str]]:
    """Keep every photo of the zip; returns the ids of each kind."""
    with zipfile.ZipFile(path) as archive:
        (manifest,) = (name for name in archive.namelist() if name.endswith("manifest.csv"))
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open(manifest), "utf-8")))
        below = manifest.removesuffix("manifest.csv")
        files = [(row["file"].replace("/", "_"), archive.read(below + row["file"])) for row in rows]
    job = services.jobs.submit(files)
    job.wait()
    ids = {r.name: r.id for r in services.library.records(job.progress().photo_ids)}
    kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for row in rows:
        name = row["file"].replace("/", "_")
        for kind, (repo, *folders) in KINDS.items():
            where = f"{row['source_repo']}/", f"/{row['source_path']}"
            if repo in where[0] and any(part in where[1] for part in folders) and name in ids:
                kinds[kind].append(ids[name])
    print(f"{len(ids):,} photos; " + ", ".join(f"{k}: {len(v)}" for k, v in kinds.items()))
    return {kind: sorted(set(of_kind)) for kind, of_kind in kinds.items()}


def _measure(services: Services, kinds: dict[str, list[str]], seeds: int) -> bool:
    library, means = services.library, []
    for kind, ids in kinds.items():
        scores, found, seconds = [], [], []
        for seed in range(seeds):
            examples = list(np.random.default_rng(seed).choice(ids, EXAMPLES, replace=False))
            started = time.perf_counter()
            lesson = learn_tag(library, services.classifier, kind, examples)
            seconds.append(time.perf_counter() - started)
            scores.append(_f1(lesson.would_tag, set(ids) - set(examples)))
            found.append(lesson.figures.found)
        keep_lesson(library, services.classifier, lesson)
        tagged = set(services.gallery().ids(f'tag:"{kind}"'))
        kept = {one.photo_id for one in lesson.would_tag} | set(lesson.examples)
        if tagged != kept:
            print(f"{kind}: the search finds {len(tagged)} photos instead of {len(kept)}")
            return False
        forget_taught(library, kind)
        means.append(float(np.mean(scores)))
        print(
            f"{kind:<14} F1 on the rest {means[-1]:.3f} ({min(scores):.3f} to {max(scores):.3f}), "
            f"left-out examples found {np.mean(found):.1f} of {EXAMPLES}, {np.mean(seconds):.1f} s"
        )
    mean = float(np.mean(means))
    print(f"mean F1 {mean:.3f} (limit {LIMIT}), {seeds} draws of {EXAMPLES} examples each")
    return mean >= LIMIT


def _f1(said: list[Similar], wanted: set[str]) -> float:
    right = sum(one.photo_id in wanted for one in said)
    return 2 * right / max(1, len(said) + len(wanted))


if __name__ == "__main__":
    sys.exit(main())
