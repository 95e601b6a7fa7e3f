"""A program that runs a batch in parts of few rows: ``python -m tests.scale.killed_run``."""

import sys
from threading import Event

from scene_model.config import Settings
from scene_model.scale.batch_run import BatchRun
from scene_model.scale.drivers.local import LocalDriver

source, out, part_rows = sys.argv[1:]
batch = BatchRun(source, out, Settings.from_environment(), part_rows=int(part_rows))
batch.run(LocalDriver(batch.count_row), Event())
