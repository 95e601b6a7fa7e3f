"""A batch by Ray: one run for all tests here, since starting Ray takes seconds."""

import importlib.util
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.scale.batch_run import BatchResult, BatchRun
from scene_model.scale.drivers.local import LocalDriver
from scene_model.scale.drivers.ray import RayDriver
from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartJob, PartSummary
from scene_model.scale.parts import PartRow
from scene_model.scale.read_batch import read_rows
from tests.pictures import encode, textured
from tests.scale.ray_processes import LOOPBACK, actors, listening_addresses

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        # Not imported: Ray reads the environment when it is, and the driver sets that first.
        importlib.util.find_spec("ray") is None,
        reason="the extra `ray` is not installed; `make check` installs it",
    ),
]

PHOTOS, PART_ROWS = 24, 2


@dataclass
class WatchedDriver:
    """Looks at Ray's processes after the first part, and kills a worker.

    addresses: that Ray listened on. folders: of Ray in the temporary folder.
    """

    driver: RayDriver
    killed: list[int] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    folders: list[Path] = field(default_factory=list)

    def run(
        self,
        job: PartJob,
        chunks: Iterator[Chunk],
        on_part: Callable[[PartSummary], None],
        stop: Event,
    ) -> None:
        def watch(summary: PartSummary) -> None:
            on_part(summary)
            if not self.folders:
                self.folders = sorted(Path(tempfile.gettempdir()).glob("scene-ray-*"))
                if sys.platform == "linux":
                    self.addresses = listening_addresses(os.getpid())
                    self.killed = actors(os.getpid())[:1]
                    os.kill(self.killed[0], signal.SIGKILL)

        self.driver.run(job, chunks, watch, stop)


@dataclass
class Observed:
    """The run by Ray and what it showed; rows of the other driver to compare."""

    result: BatchResult
    rows: list[PartRow]
    local_rows: list[PartRow]
    driver: WatchedDriver
    home: Path


def rows_of(out: Path) -> list[PartRow]:
    return sorted(read_rows(str(out)), key=lambda row: str(row.record["file"]))


@pytest.fixture(scope="module")
def observed(
    tmp_path_factory: pytest.TempPathFactory, classifier: Classifier
) -> Iterator[Observed]:
    """A run with two workers on one logical CPU, one of which is killed in the middle."""
    environment = dict(os.environ)
    folder = tmp_path_factory.mktemp("ray")
    photos = folder / "photos"
    photos.mkdir()
    for number in range(PHOTOS):
        (photos / f"{number:02d}.jpg").write_bytes(encode(textured(64, 48, number)))
    (photos / "text.jpg").write_text("no picture")
    settings = Settings(workers=2)
    local = BatchRun(str(photos), str(folder / "local"), settings, part_rows=PART_ROWS)
    local.run(LocalDriver(classifier=classifier), Event())
    driver = WatchedDriver(RayDriver(cpus=1, concurrency=2))
    batch = BatchRun(str(photos), str(folder / "ray"), settings, part_rows=PART_ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        # A folder for this run, short enough for sockets: others may run on this machine.
        temporary = tempfile.mkdtemp()
        patch.setattr(tempfile, "tempdir", temporary)
        result = batch.run(driver, Event())
    Path(temporary).rmdir()  # it is empty
    yield Observed(result, rows_of(folder / "ray"), rows_of(folder / "local"), driver, folder)
    os.environ.clear()
    os.environ.update(environment)


def test_both_engines_write_the_same_rows_each_once(observed: Observed) -> None:
    files = [row.record["file"] for row in observed.rows]
    assert len(files) == len(set(files)) == PHOTOS + 1
    for row, expected in zip(observed.rows, observed.local_rows, strict=True):
        assert row.record == expected.record
        assert row.sha256 == expected.sha256
        assert row.perceptual_hash == expected.perceptual_hash
        assert (row.embedding is None) == (expected.embedding is None)
        if row.embedding is not None and expected.embedding is not None:
            assert row.embedding.tobytes() == expected.embedding.tobytes()
    assert observed.result.is_complete
    assert observed.result.errors_by_code == {"not_a_picture": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc")
def test_a_worker_was_killed_and_ray_listened_on_this_machine_alone(observed: Observed) -> None:
    assert len(observed.driver.killed) == 1
    assert observed.driver.addresses
    assert observed.driver.addresses <= LOOPBACK


def test_nothing_of_ray_is_left(observed: Observed) -> None:
    assert not [folder for folder in observed.driver.folders if folder.exists()]
    assert not (observed.home / ".ray").exists()
    if sys.platform == "linux":
        assert len(observed.driver.folders) == 2  # and its lock file
        assert actors(os.getpid()) == []


def test_a_second_run_has_nothing_to_do(observed: Observed) -> None:
    batch = BatchRun(
        str(observed.home / "photos"),
        str(observed.home / "ray"),
        Settings(workers=2),
        part_rows=PART_ROWS,
    )
    result = batch.run(RayDriver(), Event())
    assert (result.done, result.already_done) == (0, PHOTOS + 1)
