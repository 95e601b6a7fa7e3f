"""Actors of Ray and the chunks that they have in work.

A chunk is given only to an actor that has started, so that none waits for an actor for which the
cluster has no room. An actor that does not answer any more is replaced, and its chunks are given
to others: Ray's own retries would wait until the same actor has found room again.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from scene_model.errors import RayError, SceneError
from scene_model.scale.drivers.ray_actor import PartFailure
from scene_model.scale.drivers.ray_session import RaySession, last_line
from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartSummary

CHUNKS_PER_ACTOR = 2
# How often a chunk is given to an actor that then dies, before it is given up.
_MAX_ATTEMPTS = 4
# The other chunk of an actor dies with it: from this attempt on, a chunk is alone in the pool.
_ALONE_AFTER = 2
_POLL_S = 0.2
# After a stop: how long the chunks in work may take to write the rows that they have.
_STOP_S = 20.0
_SILENT_S = 30.0
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Work:
    chunk: Chunk
    attempts: int = 1


class ActorPool:
    """Runs chunks by a number of actors.

    Driven by one thread, that of `run`.
    """

    def __init__(
        self,
        session: RaySession,
        new_actor: Callable[[], Any],
        size: int,
        on_part: Callable[[PartSummary], None],
    ) -> None:
        """new_actor: asks Ray for a `PartActor`, without waiting for it."""
        self._session, self._new_actor, self._size, self._on_part = (
            session,
            new_actor,
            size,
            on_part,
        )
        self._next_key, self._failed_starts = 0, 0
        self._starting: dict[Any, tuple[int, Any]] = {}  # by the call of `ready`
        self._actors: dict[int, Any] = {}
        self._calls: dict[Any, tuple[int, _Work]] = {}
        self._again = deque[_Work]()
        self._alone = deque[_Work]()
        self._lost: list[Chunk] = []
        self._is_warned = False

    def run(self, chunks: Iterator[Chunk], stop: Event) -> None:
        """Process all chunks, or those begun when `stop` is set or the caller is interrupted.

        Raises RayError, and the error that ends a part; the other chunks in work end first.
        """
        try:
            for _ in range(self._size):
                self._start()
            self._work_off(chunks, stop)
            while self._alone and not stop.is_set():
                self._again.append(self._alone.popleft())
                self._work_off(iter(()), stop)
        finally:
            self._drain()
        if self._lost:
            raise self._lost_error()

    def _work_off(self, chunks: Iterator[Chunk], stop: Event) -> None:
        """Keep the actors at work until no chunk is left, or `stop` is set."""
        is_listed = False
        answered = time.monotonic()
        while not stop.is_set():
            is_listed = self._fill(chunks, is_listed)
            if is_listed and not self._calls and not self._again:
                return
            if self._collect():
                answered = time.monotonic()
            elif time.monotonic() > answered + _SILENT_S:
                self._session.require_alive()
                if not self._actors and not self._is_warned:
                    self._is_warned = True
                    _logger.warning(
                        "No worker has started for %.0f s. If this goes on, the cluster has no "
                        "free CPUs: look at `ray status`.",
                        _SILENT_S,
                    )
                answered = time.monotonic()

    def _fill(self, chunks: Iterator[Chunk], is_listed: bool) -> bool:
        """Give each actor that has room a chunk; returns whether `chunks` has no more.

        The first chunk of each actor comes before the second of any: there may be few.
        """
        load = Counter(key for key, _ in self._calls.values())
        for limit in range(1, CHUNKS_PER_ACTOR + 1):
            for key, actor in self._actors.items():
                if load[key] >= limit:
                    continue
                work = self._again.popleft() if self._again else None
                if work is None and not is_listed:
                    chunk = next(chunks, None)
                    is_listed = chunk is None
                    work = None if chunk is None else _Work(chunk)
                if work is None:
                    return is_listed
                load[key] += 1
                self._calls[actor.process.remote(work.chunk)] = (key, work)
        return is_listed

    def _collect(self) -> bool:
        """Take in the answers that have come; returns whether there was any."""
        wait, calls = self._session.ray.wait, [*self._starting, *self._calls]
        if not wait(calls, num_returns=1, timeout=_POLL_S)[0]:
            return False
        for call in wait(calls, num_returns=len(calls), timeout=0)[0]:
            if call in self._starting:
                self._take_in_actor(call)
            else:
                self._take_in_part(call)
        return True

    def _take_in_actor(self, call: Any) -> None:
        key, actor = self._starting.pop(call)
        try:
            self._session.get(call)
        except self._session.ray.exceptions.RayError as error:
            self._failed_starts += 1
            if self._failed_starts > 3 * self._size:
                raise RayError(
                    f"Workers end while they start: {last_line(error)}. They may have too little "
                    "memory; their logs are in Ray's folder on the machine.",
                    code="ray_worker_lost",
                ) from error
            self._start()
        else:
            self._failed_starts = 0
            self._actors[key] = actor

    def _take_in_part(self, call: Any) -> None:
        key, work = self._calls.pop(call)
        try:
            outcome: PartSummary | PartFailure | None = self._session.get(call)
        except self._session.ray.exceptions.RayError as error:
            _logger.info("%s: %s", work.chunk.part_name, last_line(error))
            self._replace(key)
            self._retry(work)
            return
        if isinstance(outcome, PartFailure):
            raise _error_of(outcome)
        if outcome is not None:
            self._on_part(outcome)

    def _retry(self, work: _Work) -> None:
        if work.attempts >= _MAX_ATTEMPTS:
            self._lost.append(work.chunk)
            return
        queue = self._again if work.attempts < _ALONE_AFTER else self._alone
        queue.append(replace(work, attempts=work.attempts + 1))

    def _start(self) -> None:
        actor = self._new_actor()
        self._starting[actor.ready.remote()] = (self._next_key, actor)
        self._next_key += 1

    def _replace(self, key: int) -> None:
        actor = self._actors.pop(key, None)
        if actor is not None:  # else its other chunk has brought the news already
            self._session.ray.kill(actor)  # it may live, out of reach
            self._start()

    def _drain(self) -> None:
        """Let the chunks in work write the rows that they have, and the actors end."""
        if self._calls:
            for actor in self._actors.values():
                actor.stop.remote()
        until = time.monotonic() + _STOP_S
        while self._calls and time.monotonic() < until:
            with suppress(SceneError):  # the first error is the one that is raised
                self._collect()
        closing = [actor.close.remote() for actor in self._actors.values()]
        if closing:
            self._session.ray.wait(closing, num_returns=len(closing), timeout=5)

    def _lost_error(self) -> RayError:
        items = [item for chunk in self._lost for item in chunk.items]
        first, last = items[0].location, items[-1].location
        which = (
            f"1 item has no row: {first}"
            if len(items) == 1
            else (f"{len(items):,} items have no rows: {first} to {last}")
        )
        return RayError(
            f"{which}, since the worker ended each of the {_MAX_ATTEMPTS} times that it processed "
            "them. It may have too little memory. Everything else is done; run the same command to "
            "try again.",
            code="ray_worker_lost",
        )


def _error_of(failure: PartFailure) -> SceneError:
    error = SceneError(failure.message)
    error.code, error.http_status = failure.code, failure.http_status
    return error
