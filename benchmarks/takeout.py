"""A made Google Takeout of 2,000 photos in three archives comes in; every fact is checked.

    python -m benchmarks.takeout [--photos 2000] [--kind zip|tgz] [--folder DIR]

The export has every trap of file names that the tests know: old, new and cut names, numbers in odd
places, edited versions in several languages, films, replaced characters, facts in another part,
albums with and without copies, trash, archive and locked folder. Date, source, place, description,
favourite and albums of each photo are compared with the truth; then the export is added again,
which must add nothing and change nothing. Prints how long listing, adding and adding again take.
Exits with 1 when anything is wrong.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from scene_model.config import Settings
from scene_model.ingest.archives.plan import plan_export
from scene_model.services import Services, open_services
from tests.takeouts import MadeTakeout, made_takeout, stored_facts


def _added(services: Services, paths: list[Path], made: MadeTakeout) -> int:
    """Add the archives, print the rates, and return the number of wrong photos."""
    began = time.perf_counter()
    plan = plan_export(services.library, paths)
    listed = time.perf_counter()
    job = services.jobs.submit_export(plan)
    job.wait()
    ended = time.perf_counter()
    progress = job.progress()
    rate = progress.done / (ended - listed)
    print(
        f"listed in {listed - began:.2f} s; {progress.done:,} files in {ended - listed:.1f} s, "
        f"{rate:.0f}/s; {progress.known:,} known"
    )
    stored = stored_facts(services, made)
    wrong = [
        (expected, stored.get(photo_id))
        for photo_id, expected in made.truth.items()
        if stored.get(photo_id) != expected
    ]
    for expected, row in wrong:
        print(f"wrong: {expected.trap}\n  expected {expected}\n  stored   {row}")
    too_many = stored.keys() - made.truth.keys()
    print(f"{len(stored):,} photos, {len(wrong)} wrong, {len(too_many)} too many")
    return len(wrong) + len(too_many)


def run(folder: Path, photos: int, kind: str) -> bool:
    """Add a made export twice; returns whether all is right."""
    made = made_takeout(photos)
    paths = made.write(folder / "parts", kind)
    traps = {expected.trap for expected in made.truth.values()}
    print(f"{len(made.truth):,} photos with {len(traps)} traps in {len(paths)} parts")
    services = open_services(Settings(library=folder / "library"), resume=False)
    try:
        wrong = _added(services, paths, made)
        version = services.library.count()
        wrong += _added(services, paths, made)
        return not wrong and services.library.count() == version
    finally:
        services.close()


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--kind", choices=["zip", "tgz"], default="zip")
    parser.add_argument("--folder", type=Path, help="folder for the export and the library")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        return 0 if run(folder, options.photos, options.kind) else 1


if __name__ == "__main__":
    sys.exit(main())
