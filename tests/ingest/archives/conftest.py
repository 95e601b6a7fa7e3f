"""What the tests of archives share."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scene_model.ingest.archives.plan import ExportPlan, plan_export
from scene_model.jobs.job import Progress
from scene_model.services import Services

AddExport = Callable[[Sequence[Path]], tuple[ExportPlan, Progress]]


@pytest.fixture
def add_export(services: Services) -> AddExport:
    """Add archives or exported folders to the library, to the end."""

    def add(paths: Sequence[Path]) -> tuple[ExportPlan, Progress]:
        plan = plan_export(services.library, paths)
        job = services.jobs.submit_export(plan)
        assert job.wait(120)
        return plan, job.progress()

    return add
