"""Batches of small pictures, in folders and in a store."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from scene_model.classifier.classify import Classifier
from scene_model.config import Settings
from scene_model.scale.batch_run import BatchResult, BatchRun
from scene_model.scale.drivers.local import LocalDriver
from tests.pictures import encode, textured
from tests.s3_server import S3Server, running_s3
from tests.scale.samples import Run


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A store that clients find by their environment."""
    with running_s3() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def small_photos() -> list[bytes]:
    return [encode(textured(64, 48, seed)) for seed in range(12)]


@pytest.fixture
def run_batch(classifier: Classifier) -> Run:
    """Runs a batch by the local driver, in parts of five rows."""

    def run(
        source: str | Path,
        out: str | Path,
        part_rows: int = 5,
        with_embeddings: bool = True,
        **settings: object,
    ) -> BatchResult:
        chosen = Settings.model_validate({"workers": 2, "fetch_timeout_s": 1.0} | settings)
        batch = BatchRun(str(source), str(out), chosen, with_embeddings, part_rows)
        shared = None if "bundle" in settings else classifier
        return batch.run(LocalDriver(batch.count_row, shared), Event())

    return run
