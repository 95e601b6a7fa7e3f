"""The driver of ``batch --engine ray``: actors on this machine or a cluster process the chunks.

Each actor holds a `PartWorker` and has two chunks, so that its threads go on with the second while
the first is written. The chunks are given out by `ray.wait`, as fast as they are done, and Ray
restarts an actor whose process or node died and calls it again. That writes the same file again,
so a part is never there twice.

Ray Data, which could run the actors as a step of its own, is not used: with it the first part
starts 7 s later and the processes take 730 MB more (2 cores, Ray 2.60); it wants the whole list of
chunks before it starts; and its actors and its reading share the CPUs, so that actors which take
all of them wait for ever (https://github.com/ray-project/ray/issues/44687). Here nothing but
actors needs a CPU.
"""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from scene_model.errors import RayError, SceneError
from scene_model.scale.drivers.ray_actor import PartActor, PartFailure
from scene_model.scale.drivers.ray_session import (
    RaySession,
    cluster_session,
    last_line,
    local_session,
)
from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartJob, PartSummary

# Threads of one actor: more would wait for one another in Python.
_MAX_THREADS = 4
_CHUNKS_PER_ACTOR = 2
# How often a chunk is given to an actor whose process died before it counts as lost.
_MAX_RETRIES = 3
_POLL_S = 0.2
# After a stop: how long the chunks in work may take to write the rows that they have.
_STOP_S = 20.0
_QUIET_START_S = 60.0
_logger = logging.getLogger(__name__)


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
            run = _Run(session, _start_actors(session, self._plan(session), job), on_part)
            try:
                run.process(chunks, stop)
            finally:
                run.close()
        run.raise_lost()

    def _plan(self, session: RaySession) -> ActorPlan:
        if self.address is None:
            return plan_local(self.cpus, self.concurrency)
        return plan_cluster(session.node_cpus(), self.concurrency)

    def _session(self, job: PartJob) -> AbstractContextManager[RaySession]:
        if self.address is None:
            return local_session(self.cpus)
        return cluster_session(self.address, Path(job.bundle_dir))


def _start_actors(session: RaySession, plan: ActorPlan, job: PartJob) -> list[Any]:
    """Ask Ray for the actors; they start while the first chunks wait for them."""
    actor_class = session.ray.remote(PartActor).options(
        num_cpus=plan.cpus,
        # One thread for `stop` and `close`.
        max_concurrency=_CHUNKS_PER_ACTOR + 1,
        max_restarts=-1,
        max_task_retries=_MAX_RETRIES,
        scheduling_strategy="SPREAD",
        runtime_env=session.runtime_environment(),
    )
    job = replace(job, settings={**job.settings, "workers": plan.threads})
    arguments = (job, str(Path.cwd()), session.shipped_bundle)
    return [actor_class.remote(*arguments) for _ in range(plan.actors)]


@dataclass
class _Run:
    """The chunks in work. pending: the actor and the chunk of each call."""

    session: RaySession
    actors: list[Any]
    on_part: Callable[[PartSummary], None]
    pending: dict[Any, tuple[Any, Chunk]] = field(default_factory=dict)
    lost: list[Chunk] = field(default_factory=list)

    def process(self, chunks: Iterator[Chunk], stop: Event) -> None:
        """Process all chunks, or those begun when `stop` is set or the caller is interrupted."""
        try:
            self._give_out(chunks, stop)
            # A chunk that ends its worker ends the other one in it as well: once more, alone.
            retried, self.lost = self.lost, []
            for chunk in retried:
                if not stop.is_set():
                    self._give(self.actors[0], iter([chunk]))
                    self._wait(iter(()), stop)
        finally:
            self._drain()

    def _drain(self) -> None:
        """Let the chunks in work write the rows that they have."""
        if not self.pending:
            return
        for actor in self.actors:
            actor.stop.remote()
        until = time.monotonic() + _STOP_S
        while self.pending and time.monotonic() < until:
            with suppress(SceneError):  # the first error is the one that is raised
                self._collect(_POLL_S)

    def _give_out(self, chunks: Iterator[Chunk], stop: Event) -> None:
        # The first chunk of each actor before the second of any: there may be few.
        for actor in self.actors * _CHUNKS_PER_ACTOR:
            self._give(actor, chunks)
        self._wait(chunks, stop)

    def _wait(self, chunks: Iterator[Chunk], stop: Event) -> None:
        """Give each actor that has room the next chunk, until none is in work or `stop` is set."""
        started, is_silent = time.monotonic(), True
        while self.pending and not stop.is_set():
            for actor in self._collect(_POLL_S):
                is_silent = False
                self._give(actor, chunks)
            if is_silent and time.monotonic() > started + _QUIET_START_S:
                is_silent = False
                _logger.warning(
                    "No part is done after %.0f s. If this goes on, the cluster may have no free "
                    "CPUs: look at `ray status`.",
                    _QUIET_START_S,
                )

    def _give(self, actor: Any, chunks: Iterator[Chunk]) -> None:
        for chunk in itertools.islice(chunks, 1):
            self.pending[actor.process.remote(chunk)] = (actor, chunk)

    def _collect(self, timeout_s: float) -> list[Any]:
        """Report the parts that are done; returns their actors, which have room for a chunk."""
        wait, calls = self.session.ray.wait, list(self.pending)
        if wait(calls, num_returns=1, timeout=timeout_s)[0]:
            calls, _ = wait(calls, num_returns=len(calls), timeout=0)
        else:
            calls = []
        actors = []
        for call in calls:
            actor, chunk = self.pending.pop(call)
            actors.append(actor)
            self._report(call, chunk)
        return actors

    def _report(self, call: Any, chunk: Chunk) -> None:
        try:
            outcome: PartSummary | PartFailure | None = self.session.get(call)
        except self.session.ray.exceptions.RayError as error:
            # Its process died, each time it was started.
            _logger.info("%s: %s", chunk.part_name, last_line(error))
            self.lost.append(chunk)
            return
        if isinstance(outcome, PartFailure):
            raise _error_of(outcome)
        if outcome is not None:
            self.on_part(outcome)

    def close(self) -> None:
        """Let the actors end their own processes; what hangs is killed with the session."""
        calls = [actor.close.remote() for actor in self.actors]
        self.session.ray.wait(calls, num_returns=len(calls), timeout=5)

    def raise_lost(self) -> None:
        """Raise RayError where items were given up."""
        if self.lost:
            count = sum(len(chunk.items) for chunk in self.lost)
            first, last = self.lost[0].items[0].location, self.lost[0].items[-1].location
            raise RayError(
                f"{count} items have no rows: the worker ended {_MAX_RETRIES + 1} times while it "
                f"processed {len(self.lost)} parts, the first of them {first} to {last}. It may "
                "have too little memory. Everything else is done; run the same command again to "
                "try these.",
                code="ray_worker_lost",
            )


def _error_of(failure: PartFailure) -> SceneError:
    error = SceneError(failure.message)
    error.code, error.http_status = failure.code, failure.http_status
    return error
