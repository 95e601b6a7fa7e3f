"""Jobs take turns; within a job, items keep their order."""

from collections import Counter
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from scene_model.jobs.fair_queue import FairQueue


def order_of(queue: FairQueue, taken: list[str]) -> list[str]:
    while work := queue.take():
        work()
    return taken


def filled(sizes: dict[str, int]) -> tuple[FairQueue, list[str]]:
    queue, taken = FairQueue(), list[str]()
    for job, size in sizes.items():
        queue.put(job, [partial(taken.append, job) for _ in range(size)])
    return queue, taken


def test_in_turn() -> None:
    queue, taken = filled({"large": 5, "small": 2, "one": 1})
    assert order_of(queue, taken) == [
        *("large", "small", "one", "large", "small", "large", "large", "large")
    ]
    assert queue.take() is None


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30)))
def test_nobody_is_ever_more_than_one_turn_behind(sizes: dict[str, int]) -> None:
    queue, taken = filled(sizes)
    order, had = order_of(queue, taken), Counter[str]()
    assert Counter(order) == Counter({job: size for job, size in sizes.items() if size})
    for job in order:
        waiting = [other for other, size in sizes.items() if had[other] < size]
        assert had[job] == min(had[other] for other in waiting)
        had[job] += 1
