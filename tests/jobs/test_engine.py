"""The job engine: limits, cancel, errors of single items, and the end of a job."""

import threading
from collections.abc import Iterator

import pytest

from scene_model.errors import JobRunning, ServerBusy
from scene_model.jobs.engine import JobEngine, JobItem
from scene_model.jobs.job import Job, JobKind, JobState, Outcome
from scene_model.jobs.workers import Limits, WorkerPool


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    opened = WorkerPool(1, "test")
    yield opened
    opened.close()


@pytest.fixture
def engine(pool: WorkerPool) -> JobEngine:
    return JobEngine({JobKind.CLASSIFY: pool}, Limits(3, 2, "SCENE_MAX_BATCHES"), max_stored=2)


def begin(engine: JobEngine, job: Job) -> list[JobState]:
    """Begin a job; returns a list that gets the job's state when it ends."""
    states: list[JobState] = []
    engine.begin(job, "owner", lambda: states.append(job.progress().state))
    return states


def fail() -> Outcome:
    raise ZeroDivisionError("a bug")


def test_an_error_skips_one_item(engine: JobEngine) -> None:
    job = Job("a", JobKind.CLASSIFY, 3)
    states = begin(engine, job)
    engine.add(job, [JobItem("bad", fail), *[JobItem("good", lambda: Outcome("p"))] * 2])
    assert job.wait(10)
    progress = job.progress()
    assert (progress.done, progress.photo_ids, states) == (3, ("p",), [JobState.DONE])
    assert [(s.name, s.code) for s in progress.skipped] == [("bad", "internal_error")]
    assert "bug" not in progress.skipped[0].message


def test_cancel_drops_the_remaining_items(engine: JobEngine) -> None:
    begun, go_on = threading.Event(), threading.Event()
    dropped: list[str] = []

    def wait() -> Outcome:
        begun.set()
        assert go_on.wait(10)
        return Outcome("p")

    job = Job("a", JobKind.CLASSIFY, 3)
    states = begin(engine, job)
    remaining = [JobItem("x", fail, lambda: dropped.append("x"))] * 2
    engine.add(job, [JobItem("first", wait), *remaining])
    assert begun.wait(10)
    job.cancel()
    assert job.is_running
    go_on.set()
    assert job.wait(10)
    assert (job.progress().done, dropped, states) == (1, ["x", "x"], [JobState.CANCELLED])


def test_jobs_are_limited_in_total_and_by_owner(engine: JobEngine) -> None:
    engine.reserve("a", "first")
    engine.reserve("b", "first")
    with pytest.raises(ServerBusy, match=r"2 of them yours, the limit \(SCENE_MAX_BATCHES\)"):
        engine.reserve("c", "first")
    engine.reserve("c", "second")
    with pytest.raises(ServerBusy, match="3 batches are running, 0 of them yours"):
        engine.reserve("d", "third")
    engine.release("b")
    engine.reserve("d", "third")
    assert engine.is_active("a")
    assert not engine.is_active("b")


def test_nothing_begins_inside_none_running(engine: JobEngine) -> None:
    with engine.none_running():
        pass
    job = Job("a", JobKind.CLASSIFY, 1)
    begin(engine, job)
    with pytest.raises(JobRunning), engine.none_running():
        raise AssertionError("a job is running")
    assert engine.running() == [job]
    assert engine.running(JobKind.ADD) == []


def test_close_ends_jobs_with_what_is_done(engine: JobEngine, pool: WorkerPool) -> None:
    job = Job("a", JobKind.CLASSIFY, 5)
    states = begin(engine, job)
    job.record(Outcome("p"))
    pool.close()
    engine.close()
    assert job.wait(0)
    assert (job.progress().done, states) == (1, [JobState.CANCELLED])
    with pytest.raises(ServerBusy):
        engine.reserve("b", "owner")


def test_ended_jobs_are_removed_above_the_limit(engine: JobEngine) -> None:
    jobs = [Job(str(number), JobKind.CLASSIFY, 0) for number in range(4)]
    for job in jobs:
        begin(engine, job)
        engine.add(job, [])
        assert not job.is_running
    assert [engine.find(job.id) for job in jobs] == [None, None, *jobs[2:]]
