"""Jobs take turns; within a job, tasks keep their order."""

from collections import Counter
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from scene_model.jobs.fair_queue import FairQueue


def run_all(queue: FairQueue, order: list[str]) -> list[str]:
    while task := queue.take():
        task()
    return order


def filled(sizes: dict[str, int]) -> tuple[FairQueue, list[str]]:
    queue, order = FairQueue(), list[str]()
    for job, size in sizes.items():
        queue.put(job, [partial(order.append, job) for _ in range(size)])
    return queue, order


def test_jobs_take_turns() -> None:
    queue, order = filled({"large": 5, "small": 2, "single": 1})
    assert run_all(queue, order) == [
        *("large", "small", "single", "large", "small", "large", "large", "large")
    ]
    assert queue.take() is None


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30)))
def test_no_job_is_more_than_one_turn_behind(sizes: dict[str, int]) -> None:
    queue, order = filled(sizes)
    order, turns = run_all(queue, order), Counter[str]()
    assert Counter(order) == Counter({job: size for job, size in sizes.items() if size})
    for job in order:
        waiting = [name for name, size in sizes.items() if turns[name] < size]
        assert turns[job] == min(turns[name] for name in waiting)
        turns[job] += 1
