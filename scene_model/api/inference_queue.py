"""The inference queue of a server: single requests and REST batches share its workers."""

from scene_model.jobs.workers import Limits, WorkerPool


class InferenceQueue(WorkerPool):
    """A bounded, fair worker pool for predictions."""

    def __init__(
        self,
        workers: int,
        max_waiting: int,
        max_per_owner: int | None = None,
        spare_threads: int = 0,
    ) -> None:
        """Create an idle queue.

        max_waiting: limit on the unfinished photos of single requests, not counting the first
        ``workers``. max_per_owner: the same limit for one owner; None: ``max_waiting``.
        spare_threads: see `WorkerPool`.
        """
        per_owner = max_waiting if max_per_owner is None else max_per_owner
        limits = Limits(max_waiting, per_owner, "SCENE_MAX_WAITING")
        super().__init__(workers, "inference", limits, spare_threads)
