"""The inference queue of a server: single requests and REST batches share its workers."""

from scene_model.jobs.workers import Limits, WorkerPool


class InferenceQueue(WorkerPool):
    """A bounded, fair worker pool for predictions."""

    def __init__(
        self,
        workers: int,
        max_waiting: int,
        max_of_one: int | None = None,
        spare_threads: int = 0,
    ) -> None:
        """Begin idle; beside ``workers`` photos of single requests ``max_waiting`` may wait.

        max_of_one: how many of these may belong to one owner. spare_threads: see `WorkerPool`.
        """
        per_owner = max_waiting if max_of_one is None else max_of_one
        limits = Limits(max_waiting, per_owner, "SCENE_MAX_WAITING")
        super().__init__(workers, "inference", limits, spare_threads)
