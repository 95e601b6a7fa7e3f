"""Who gets a chunk when workers of Ray start late, die or fail; Ray itself is played here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from scene_model.errors import RayError, SceneError
from scene_model.scale.drivers.ray_actor import PartFailure
from scene_model.scale.drivers.ray_pool import ActorPool
from scene_model.scale.drivers.ray_session import RaySession
from scene_model.scale.items import Chunk, SourceItem
from scene_model.scale.part_job import PartSummary

Answer = Callable[["PlayedActor", Chunk], PartSummary | PartFailure]


class ActorDied(Exception):
    """What Ray raises for every call of an actor that has died."""


@dataclass
class PlayedActor:
    """An actor whose calls have their result once `PlayedRay.wait` asks for them."""

    number: int
    answer: Answer
    starts: bool = True
    is_dead: bool = False
    is_stopped: bool = False
    given: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if name not in ("ready", "process", "stop", "close"):
            raise AttributeError(name)
        return SimpleNamespace(remote=lambda *chunks: Call(self, name, *chunks))


class Call:
    """A call of an actor's method."""

    def __init__(self, actor: PlayedActor, method: str, chunk: Chunk | None = None) -> None:
        self.actor, self.method, self.chunk = actor, method, chunk
        if chunk is not None:
            actor.given.append(chunk.items[0].location)
        if method == "stop":
            actor.is_stopped = True


class PlayedRay:
    """As much of Ray as the pool uses; the oldest call is answered first."""

    exceptions = SimpleNamespace(
        RayError=ActorDied, RuntimeEnvSetupError=KeyError, RayTaskError=KeyError
    )

    def wait(
        self, calls: list[Call], num_returns: int, timeout: float
    ) -> tuple[list[Call], list[Call]]:
        answered = [call for call in calls if call.actor.starts or call.actor.is_dead]
        return answered[:1], answered[1:]

    def get(self, call: Call) -> object:
        if not call.actor.is_dead and call.chunk is not None:
            return call.actor.answer(call.actor, call.chunk)
        if call.actor.is_dead:
            raise ActorDied("The actor is dead.")
        return None

    def kill(self, actor: PlayedActor) -> None:
        actor.is_dead = True


@dataclass
class Play:
    """A pool of played actors, those it started, and the parts that it reported."""

    answer: Answer
    starts: Callable[[int], bool] = lambda number: True
    actors: list[PlayedActor] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def new_actor(self) -> PlayedActor:
        number = len(self.actors)
        self.actors.append(PlayedActor(number, self.answer, self.starts(number)))
        return self.actors[-1]

    def run(self, chunks: int, size: int = 2, stop: Event | None = None) -> None:
        session = RaySession(PlayedRay(), None)
        pool = ActorPool(
            session, self.new_actor, size, lambda part: self.parts.append(part_of(part))
        )
        pool.run(
            iter([Chunk((SourceItem(str(number)),)) for number in range(chunks)]), stop or Event()
        )


def part_of(summary: PartSummary) -> str:
    return summary.part_name


def done(actor: PlayedActor, chunk: Chunk) -> PartSummary:
    return PartSummary(chunk.items[0].location, 1, {}, 0, 0.1)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_all_chunks_are_done_once() -> None:
    play = Play(done)
    play.run(9)
    assert sorted(play.parts) == names(9)
    assert len(play.actors) == 2
    assert all(len(actor.given) >= 2 for actor in play.actors)


def test_an_actor_for_which_there_is_no_room_gets_no_chunk() -> None:
    play = Play(done, starts=lambda number: number == 0)
    play.run(5, size=4)
    assert sorted(play.parts) == names(5)
    assert [len(actor.given) for actor in play.actors] == [5, 0, 0, 0]


def test_both_chunks_of_an_actor_that_dies_are_done_by_others() -> None:
    def dying(actor: PlayedActor, chunk: Chunk) -> PartSummary:
        if actor.number == 0:
            actor.is_dead = True
            raise ActorDied("Killed.")
        return done(actor, chunk)

    play = Play(dying)
    play.run(8)
    assert sorted(play.parts) == names(8)
    assert len(play.actors) == 3


def test_a_chunk_that_ends_its_worker_is_named_and_takes_no_other_along() -> None:
    def deadly(actor: PlayedActor, chunk: Chunk) -> PartSummary:
        if chunk.items[0].location == "3":
            actor.is_dead = True
            raise ActorDied("Killed.")
        return done(actor, chunk)

    play = Play(deadly)
    with pytest.raises(RayError, match="1 item has no row.*: 3, .*4 times") as caught:
        play.run(8)
    assert caught.value.code == "ray_worker_lost"
    assert sorted(play.parts) == [name for name in names(8) if name != "3"]
    assert sum(actor.given.count("3") for actor in play.actors) == 4


def test_the_error_of_a_part_ends_the_run_with_its_code() -> None:
    def full(actor: PlayedActor, chunk: Chunk) -> PartSummary | PartFailure:
        if chunk.items[0].location == "2":
            return PartFailure("output_full", 507, "The disk is full.")
        return done(actor, chunk)

    play = Play(full)
    with pytest.raises(SceneError, match="The disk is full") as caught:
        play.run(100)
    assert (caught.value.code, caught.value.http_status) == ("output_full", 507)
    assert "1" in play.parts
    assert len(play.parts) < 10


def test_workers_that_never_start_end_the_run() -> None:
    play = Play(done, starts=lambda number: False)
    new_actor = play.new_actor

    def dead_actor() -> PlayedActor:
        actor = new_actor()
        actor.is_dead = True
        return actor

    play.new_actor = dead_actor  # type: ignore[method-assign]
    with pytest.raises(RayError, match="while they start") as caught:
        play.run(3)
    assert caught.value.code == "ray_worker_lost"


def test_after_a_stop_the_chunks_in_work_end_and_no_other_begins() -> None:
    stop = Event()

    def stopping(actor: PlayedActor, chunk: Chunk) -> PartSummary:
        stop.set()
        return done(actor, chunk)

    play = Play(stopping)
    play.run(50, stop=stop)
    assert all(actor.is_stopped for actor in play.actors if actor.given)
    assert sorted(play.parts) == sorted(name for actor in play.actors for name in actor.given)
    assert len(play.parts) <= 4
