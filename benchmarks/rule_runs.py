"""Run rules on 300 photos that came in among 100,000, and on all of them, and undo that.

    python -m benchmarks.rule_runs [--photos 100000]

The photos are rows without files. Fails where the run on the new photos takes more than 10 seconds.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import update

from benchmarks.trip_updates import add_photos
from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel, Model
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.library.albums.album_edits import create_album
from scene_model.library.database.schema import photos
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import all_rules
from scene_model.library.rules.run_rows import count_by_rule, latest_runs
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits
from scene_model.rules.rule_runner import RuleRunner

LIMIT_S = 10.0
_NEW = 300


def main() -> int:
    """Build the library, make five rules, run them, and undo the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    count = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
        add_photos(library, 0, count)
        classifier = Classifier.open(
            DEFAULT_BUNDLE_DIR, PhotoLimits(), 1, decoders=library.decoders
        )
        runner = RuleRunner(library, CurrentModel(Model.of(classifier)))
        rule_ids = _make_rules(library, runner)
        _timed("dry run of all photos", lambda: runner.dry_run(rule_ids[0]))
        for rule_id in rule_ids:
            runner.activate(runner.dry_run(rule_id))
        with library.database.writer.begin() as connection:
            is_new = photos.c.number > count - _NEW
            connection.execute(update(photos).where(is_new).values(awaits_rules=True))
        took_s = _timed(f"5 rules, {_NEW} new photos", runner.run_new)
        _timed("5 rules, all photos", runner.run_all)
        (newest,) = latest_runs(library, 1)
        undone = f"undo a run of {newest.photo_count:,} photos"
        _timed(undone, lambda: undo_run(library, newest.id))
        _timed("what the page reads", lambda: _read(library))
    return 0 if took_s <= LIMIT_S else 1


def _make_rules(library: Library, runner: RuleRunner) -> list[int]:
    album = Action(ActionKind.ALBUM, str(create_album(library, "Album")))
    favourite, rating = Action(ActionKind.FAVOURITE), Action(ActionKind.RATING, "4")
    tag, other = Action(ActionKind.TAG, "Phone"), Action(ActionKind.TAG, "Evens")
    rules = {
        "camera:phone": [tag],
        "tag:phone taken:2012..2013": [album],
        "name:2 -name:3": [other, rating],
        "tag:evens near:52.5,13.4,30km": [favourite],
        "class:sea": [Action(ActionKind.CLASS, "coast")],
    }
    return [runner.create(query, query, actions) for query, actions in rules.items()]


def _read(library: Library) -> None:
    all_rules(library)
    count_by_rule(library)
    latest_runs(library, 21)


def _timed(what: str, act: Callable[[], object]) -> float:
    started, started_cpu = time.perf_counter(), time.process_time()
    act()
    took_s = time.perf_counter() - started
    cpu_s = time.process_time() - started_cpu
    print(f"{what}: {took_s:.2f} s, {cpu_s:.2f} s of processor time", flush=True)
    return took_s


if __name__ == "__main__":
    sys.exit(main())
