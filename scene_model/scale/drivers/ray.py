"""The driver of ``batch --engine ray``: actors on this machine or a cluster process the chunks.

Each actor holds a `PartWorker` and has two chunks, so that its threads go on with the second while
the first is written. An actor whose process or machine died is replaced, and its chunks are done
again: that writes the same files, so no row is there twice.

Ray Data, which could run the actors as a step of its own, is not used: with it the first part
starts 7 s later and the processes take 730 MB more (2 cores, Ray 2.60); it wants the whole list of
chunks before it starts; and its actors and its reading share the CPUs, so that actors which take
all of them wait for ever (https://github.com/ray-project/ray/issues/44687). Here nothing but
actors needs a CPU.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from scene_model.scale.drivers.ray_actor import PartActor
from scene_model.scale.drivers.ray_pool import CHUNKS_PER_ACTOR, ActorPool
from scene_model.scale.drivers.ray_session import RaySession, cluster_session, local_session
from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartJob, PartSummary

# Threads of one actor: more would wait for one another in Python.
_MAX_THREADS = 4


@dataclass(frozen=True)
class ActorPlan:
    """How many actors, the threads of each, and the logical CPUs that each reserves."""

    actors: int
    threads: int
    cpus: float


def plan_local(cpus: int, concurrency: int | None) -> ActorPlan:
    """Share this machine's CPUs between actors, also if there are more actors than CPUs."""
    actors = concurrency or max(1, cpus // _MAX_THREADS)
    threads = max(1, min(_MAX_THREADS, cpus // actors))
    return ActorPlan(actors, threads, _reserved(threads, min(1.0, cpus / actors)))


def plan_cluster(node_cpus: list[int], concurrency: int | None) -> ActorPlan:
    """Fit actors to the nodes; those that do not fit yet make a cluster grow that can.

    node_cpus: logical CPUs of each node, each at least 1. concurrency: actors to start; None: as
    many as the nodes have room for.
    """
    threads = min(_MAX_THREADS, *node_cpus) if node_cpus else _MAX_THREADS
    room = sum(cpus // threads for cpus in node_cpus)
    return ActorPlan(concurrency or max(1, room), threads, _reserved(threads, 1.0))


def _reserved(threads: int, share: float) -> float:
    """Never all CPUs of a node; Ray reserves fractions only below 1."""
    return float(threads - 1) if threads > 1 else round(0.9 * share, 3)


@dataclass(frozen=True)
class RayDriver:
    """Runs a batch by Ray.

    address: of a cluster, `auto` or HOST:PORT; None: Ray is started here, with `cpus` logical CPUs.
    concurrency: number of actors; None: as many as keep every CPU busy.
    """

    address: str | None = None
    concurrency: int | None = None
    cpus: int = field(default_factory=lambda: os.cpu_count() or 1)

    def run(
        self,
        job: PartJob,
        chunks: Iterator[Chunk],
        on_part: Callable[[PartSummary], None],
        stop: Event,
    ) -> None:
        """Process every chunk; see `Driver`. Raises RayError, and the error that ends the run."""
        first = next(chunks, None)
        if first is None:  # all is done: no reason to start Ray
            return
        chunks = itertools.chain([first], chunks)
        with self._session(job) as session:
            plan = self._plan(session)
            new_actor = _actors(session, plan, job)
            ActorPool(session, new_actor, plan.actors, on_part).run(chunks, stop)

    def _plan(self, session: RaySession) -> ActorPlan:
        if self.address is None:
            return plan_local(self.cpus, self.concurrency)
        return plan_cluster(session.node_cpus(), self.concurrency)

    def _session(self, job: PartJob) -> AbstractContextManager[RaySession]:
        if self.address is None:
            return local_session(self.cpus)
        return cluster_session(self.address, Path(job.bundle_dir))


def _actors(session: RaySession, plan: ActorPlan, job: PartJob) -> Callable[[], Any]:
    """Return what asks Ray for an actor of a plan."""
    actor_class = session.ray.remote(PartActor).options(
        num_cpus=plan.cpus,
        # One thread for `ready`, `stop` and `close`.
        max_concurrency=CHUNKS_PER_ACTOR + 1,
        scheduling_strategy="SPREAD",
        runtime_env=session.runtime_environment(),
    )
    job = replace(job, settings={**job.settings, "workers": plan.threads})
    folder = str(Path.cwd())
    return lambda: actor_class.remote(job, folder, session.shipped_bundle)
