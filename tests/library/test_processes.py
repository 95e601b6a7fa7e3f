"""Several processes on one library: nothing is lost, and no lock error is reported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.kill_ingest import faults, made_photo
from scene_model.config import PROJECT_DIR
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash

pytestmark = pytest.mark.slow

PHOTOS, TAGS = 12, 25
# One process's work: photos of its own, some that others add too, and tags on one all share.
WORK = f"""
import json, sys
from pathlib import Path
from benchmarks.kill_ingest import made_photo
from scene_model.config import Settings
from scene_model.library.edits import add_tag
from scene_model.photos.hashes import content_hash
from scene_model.services import open_services

folder, number = Path(sys.argv[1]), int(sys.argv[2])
services = open_services(Settings(library=folder, workers=2))
print("ready", flush=True)
sys.stdin.readline()
numbers = [0, *range(100 * number, 100 * number + {PHOTOS})]
job = services.jobs.submit([(f"{{n}}.jpg", made_photo(n)) for n in numbers])
job.wait()
shared = content_hash(made_photo(0))
for tag in range({TAGS}):
    add_tag(services.library, [shared], f"{{number}} {{tag}}")
print(json.dumps({{"skipped": [s.message for s in job.progress().skipped]}}))
services.close()
"""


def test_three_processes_create_and_fill_one_library(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(folder), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT_DIR,
        )
        for number in (1, 2, 3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()
    for worker in workers:
        output, errors = worker.communicate("go\n", timeout=300)
        assert worker.returncode == 0, errors
        assert json.loads(output) == {"skipped": []}
        assert "locked" not in errors
    with Library(folder) as library:
        assert faults(library) == []
        numbers = [0, *(100 * number + i for number in (1, 2, 3) for i in range(PHOTOS))]
        ids = {content_hash(made_photo(number)) for number in numbers}
        assert set(library.find()) == ids
        first = library.photo(content_hash(made_photo(0)))
        own = {tag.label for tag in first.tags if tag.head == "human"}
        assert own == {f"{number} {tag}" for number in (1, 2, 3) for tag in range(TAGS)}


def test_changes_of_another_process_are_visible_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from scene_model.library.store import Library; "
        "library = Library(Path(sys.argv[1])); library.choose('bundle', 'b'); library.close()"
    )
    with Library(tmp_path / "library") as library:
        assert library.count_by_class() == {}
        subprocess.run(
            [sys.executable, "-c", script, str(library.folder)], check=True, cwd=PROJECT_DIR
        )
        assert library.choice("bundle") == "b"


def test_kill_9(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.kill_ingest"),
            *("--photos", "40", "--kills", "3", "--folder", str(tmp_path / "library")),
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 of 40 photos, 0 originals without a row, 0 uploads left, 0 faults" in done.stdout
