"""What runs in a worker process of Ray: a `PartWorker`, opened at the first chunk.

Ray is not imported here: `RayDriver` makes actors of the class.
"""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock

from scene_model.classifier.bundle_description import BUNDLE_FILE
from scene_model.errors import BundleNotFound, SceneError
from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartJob, PartSummary
from scene_model.scale.part_worker import PartWorker


@dataclass(frozen=True)
class PartFailure:
    """The error that ended a part, in fields: not every exception can be pickled."""

    code: str
    http_status: int
    message: str


class PartActor:
    """Processes chunks; several methods may run at the same time, in threads of their own."""

    def __init__(self, job: PartJob, folder: str, shipped_bundle: str | None) -> None:
        """Keep the job; the model is opened by the first chunk, whose result can be an error.

        folder: where the command was started, since a source may be a relative path.
        shipped_bundle: name of the bundle's folder among the shipped modules; None: it is at its
        place.
        """
        self._job, self._folder, self._shipped_bundle = job, folder, shipped_bundle
        self._worker: PartWorker | None = None
        self._opening, self._stop = Lock(), Event()

    def ready(self) -> None:
        """Return when the actor has started."""

    def process(self, chunk: Chunk) -> PartSummary | PartFailure | None:
        """Predict a chunk and write its part; a failure is returned, not raised.

        None: `stop` came before anything was predicted.
        """
        try:
            return self._opened().process(chunk, self._stop)
        except SceneError as error:
            return PartFailure(error.code, error.http_status, error.message)

    def stop(self) -> None:
        """Begin no further item; the chunks in work end with the rows that they have."""
        self._stop.set()

    def close(self) -> None:
        """End the processes that decode, before Ray ends this one."""
        with self._opening:
            if self._worker is not None:
                self._worker.close()

    def _opened(self) -> PartWorker:
        with self._opening:
            if self._worker is None:
                if Path(self._folder).is_dir():
                    os.chdir(self._folder)
                job = self._job
                if self._shipped_bundle is not None:
                    job = replace(job, bundle_dir=str(_shipped_folder(self._shipped_bundle)))
                self._worker = PartWorker(job)
            return self._worker


def _shipped_folder(name: str) -> Path:
    """Find the bundle among the folders that Ray has put on the module path of this process."""
    for entry in sys.path:
        folder = Path(entry) / name
        if (folder / BUNDLE_FILE).is_file():
            return folder
    raise BundleNotFound(
        f"The bundle {name} was shipped to the cluster, but is not among the modules of the "
        "worker. Run again; if it happens again, restart the cluster."
    )
