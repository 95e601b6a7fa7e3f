"""Teach tags that no head has with ten photos each, and measure F1 on the remaining photos.

    python -m benchmarks.teach_tags --data DIR [--seeds 5]

A kind is the set of photos from some folders of the sources in the manifest of camera36.zip. No
kind is a label, an alias or a translation of a label of any head; all other photos of the 36 camera
scenes are negatives. NAMED are five kinds that a picture shows clearly; the limit of their mean F1
is 0.8. HELD_OUT are all eight kinds with at least 16 photos on which nothing in `taught_head` was
tuned; some overlap with similar photos, as a lotus with other flowers; their mean F1 is printed.
Uses the library as the page does: photos are ingested, ten are selected, the tag is fitted and
saved, its tags are read back. Exits with 1 when the mean F1 of NAMED is below 0.8.
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
from scene_model.learning.taught_tags import TagMatch, delete_taught_tag, fit_tag, save_taught_tag
from scene_model.services import Services, open_services

LIMIT, EXAMPLES = 0.8, 10
NAMED = {
    "sunflower": ("/sunflower/",),
    "ha long bay": ("/halong_bay/",),
    "rice terraces": ("rice_terraces",),
    "emu": ("/emu/",),
    "bibimbap": ("/bibimbap/",),
}
HELD_OUT = {
    **{kind: NAMED[kind] for kind in ("rice terraces", "emu", "bibimbap")},
    "lotus": ("/lotus/", "/water_lilly/"),
    "ibis": ("/ibis/",),
    "forbidden city": ("forbidden city",),
    "kathakali dance": ("kathakali",),
    "hue imperial city": ("hue_imperial",),
}


def main() -> int:
    """Fill a library, teach the tags and print the scores."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds camera36.zip")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(Settings(library=Path(folder) / "library", workers=2))
        try:
            _check_kinds_are_new(services)
            kinds = _fill(services, options.data / "camera36.zip")
            scores = {kind: _measure(services, kind, ids, options.seeds) for kind, ids in kinds}
            named, held_out = (np.mean([scores[k] for k in group]) for group in (NAMED, HELD_OUT))
            print(f"five named kinds: mean F1 {named:.3f} (limit {LIMIT})")
            print(f"eight kinds on which nothing was tuned: mean F1 {held_out:.3f}")
            return 0 if named >= LIMIT else 1
        finally:
            services.close()


def _check_kinds_are_new(services: Services) -> None:
    """Exit when a kind is a label of some head, in any language."""
    label_words = {
        word
        for head in services.classifier.heads.values()
        for label in head.labels.labels
        for word in (*label.words, label.source_name.casefold())
    }
    for kind in NAMED | HELD_OUT:
        if label_words & {kind, f"{kind}s", kind.removesuffix("s")}:
            raise SystemExit(f"A head has a label or another word for {kind!r}.")


def _fill(services: Services, path: Path) -> list[tuple[str, list[str]]]:
    """Ingest every photo of the zip; returns the ids of each kind."""
    with zipfile.ZipFile(path) as archive:
        (manifest,) = (name for name in archive.namelist() if name.endswith("manifest.csv"))
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open(manifest), "utf-8")))
        prefix = manifest.removesuffix("manifest.csv")
        files = [
            (row["file"].replace("/", "_"), archive.read(prefix + row["file"])) for row in rows
        ]
    job = services.jobs.submit(files)
    job.wait()
    ids = {r.name: r.id for r in services.library.records(job.progress().photo_ids)}
    kinds: dict[str, set[str]] = {kind: set() for kind in NAMED | HELD_OUT}
    for row in rows:
        name, source_path = row["file"].replace("/", "_"), f"/{row['source_path']}".casefold()
        for kind, folders in (NAMED | HELD_OUT).items():
            if any(part in source_path for part in folders) and name in ids:
                kinds[kind].add(ids[name])
    print(f"{len(ids):,} photos; " + ", ".join(f"{k}: {len(v)}" for k, v in kinds.items()))
    return [(kind, sorted(kind_ids)) for kind, kind_ids in kinds.items()]


def _measure(services: Services, kind: str, ids: list[str], seeds: int) -> float:
    """Teach one kind once per seed; returns the mean F1 on its remaining photos."""
    library, scores, recovered, seconds = services.library, [], [], []
    for seed in range(seeds):
        examples = list(np.random.default_rng(seed).choice(ids, EXAMPLES, replace=False))
        started = time.perf_counter()
        candidate = fit_tag(library, services.classifier, kind, examples)
        seconds.append(time.perf_counter() - started)
        scores.append(_f1(candidate.would_tag, set(ids) - set(examples)))
        recovered.append(candidate.figures.found)
    save_taught_tag(library, services.classifier, candidate)
    tagged = set(services.gallery().ids(f'tag:"{kind}"'))
    expected = {match.photo_id for match in candidate.would_tag} | set(candidate.examples)
    if tagged != expected:
        raise SystemExit(f"{kind}: the search finds {len(tagged)} photos, not {len(expected)}")
    delete_taught_tag(library, kind)
    print(
        f"{kind:<18} F1 {np.mean(scores):.3f} ({min(scores):.3f} to "
        f"{max(scores):.3f}), left-out examples found {np.mean(recovered):.1f} of {EXAMPLES}, "
        f"{np.mean(seconds):.1f} s",
        flush=True,
    )
    return float(np.mean(scores))


def _f1(predicted: list[TagMatch], expected_ids: set[str]) -> float:
    right = sum(match.photo_id in expected_ids for match in predicted)
    return 2 * right / max(1, len(predicted) + len(expected_ids))


if __name__ == "__main__":
    sys.exit(main())
