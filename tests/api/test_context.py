"""Memory reservations and the number of inference threads."""

import threading
from pathlib import Path

from scene_model.api.context import ApiContext, Memory
from scene_model.config import Settings
from scene_model.services import Services


def no_services() -> Services:
    raise AssertionError("these tests open no services")


def test_reserved_memory_is_freed() -> None:
    memory = Memory(100)
    with memory.reserve(60) as first, memory.reserve(60) as second, memory.reserve(40) as third:
        assert (first, second, third) == (True, False, True)
        with memory.reserve(1) as more:
            assert not more
    with (
        memory.reserve(0) as nothing,
        memory.reserve(101) as larger,
        memory.reserve(100) as everything,
    ):
        assert (nothing, larger, everything) == (False, False, True)


def test_one_more_thread_than_workers(tmp_path: Path) -> None:
    """With as many threads as workers, one waiting for the interpreter lock idles a core."""
    meeting = threading.Barrier(2, timeout=60)
    context = ApiContext(no_services)
    inference_queue = context.work(Settings(workers=1, library=tmp_path)).inference_queue
    try:
        for future in inference_queue.submit([meeting.wait, meeting.wait]):
            future.result()  # raises BrokenBarrierError if they run one after the other
    finally:
        context.close()
