"""A comparison of two models in the background, with progress and stop."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scene_model.classifier.classify import Classifier
from scene_model.errors import SceneError
from scene_model.jobs.in_order import in_order
from scene_model.jobs.job import reported_error
from scene_model.learning.compared_photos import Comparer, PhotoToCompare, photos_per_s
from scene_model.learning.model_comparison import ComparedPhoto, FailedPhoto, ModelComparison
from scene_model.library.store import Library


@dataclass(frozen=True)
class ComparisonTask:
    """What is compared. candidate: opens the other model. by_head: see `Judge`."""

    name: str
    current: Classifier
    candidate: Callable[[], Classifier]
    library: Library
    photos: Sequence[PhotoToCompare]
    by_head: bool
    workers: int


class ComparisonRun:
    """Runs one task in threads of its own; what is done so far can be read at any time."""

    def __init__(self, task: ComparisonTask) -> None:
        """Start at once."""
        self.task = task
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._compared: list[ComparedPhoto] = []
        self._failed: list[FailedPhoto] = []
        self._rates: tuple[float, float] | None = None
        self._error: SceneError | None = None
        self._thread = threading.Thread(target=self._run, name="comparison", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped before the last photo."""
        return self._stopped.is_set() and self.done < len(self.task.photos)

    @property
    def done(self) -> int:
        """The number of photos done, those that failed too."""
        with self._lock:
            return len(self._compared) + len(self._failed)

    @property
    def rates(self) -> tuple[float, float] | None:
        """Photos per second of both networks; None until they are measured."""
        return self._rates

    @property
    def error(self) -> SceneError | None:
        """Why the comparison did not begin, or ended before the last photo."""
        return self._error

    def comparison(self) -> ModelComparison:
        """Return the comparison of the photos done so far."""
        with self._lock:
            return ModelComparison(tuple(self._compared), tuple(self._failed))

    def stop(self) -> None:
        """Leave out the photos that have not begun."""
        self._stopped.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; returns whether it has come."""
        self._thread.join(timeout_s)
        return not self.is_running

    def _run(self) -> None:
        task = self.task
        try:
            candidate = task.candidate()
            comparer = Comparer(task.current, candidate, task.library, task.by_head)
            self._rates = photos_per_s((task.current, candidate))
            # Python waits for what threads of a pool were given before it ends: a few photos only.
            for _ in in_order(
                self._photos_left(), lambda photo: self._compare(comparer, photo), task.workers
            ):
                pass
        except Exception as error:
            self._error = reported_error(error)

    def _photos_left(self) -> Iterator[PhotoToCompare]:
        """Yield the photos until the run is stopped."""
        for photo in self.task.photos:
            if self._stopped.is_set():
                return
            yield photo

    def _compare(self, comparer: Comparer, photo: PhotoToCompare) -> None:
        if self._stopped.is_set():
            return
        result = comparer.compare(photo)
        with self._lock:
            if isinstance(result, FailedPhoto):
                self._failed.append(result)
            else:
                self._compared.append(result)
