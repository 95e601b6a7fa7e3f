"""What the routes share: memory that requests are lent for their photos, and threads."""

import threading
from pathlib import Path

from scene_model.api.context import ApiContext, Memory
from scene_model.config import Settings
from scene_model.services import Services


def no_services() -> Services:
    raise AssertionError("nobody asks for them here")


def test_what_is_lent_comes_back() -> None:
    memory = Memory(100)
    with memory.lent(60) as first, memory.lent(60) as second, memory.lent(40) as third:
        assert (first, second, third) == (True, False, True)
        with memory.lent(1) as more:
            assert not more
    with memory.lent(0) as unknown, memory.lent(101) as larger, memory.lent(100) as everything:
        assert (unknown, larger, everything) == (False, False, True)


def test_another_photo_is_decoded_while_one_waits(tmp_path: Path) -> None:
    """One more thread than interpreters: as many as there are keep the cores busy no longer."""
    meeting = threading.Barrier(2, timeout=60)
    context = ApiContext(no_services)
    inference_queue = context.work(Settings(workers=1, library=tmp_path)).inference_queue
    try:
        for future in inference_queue.submit([meeting.wait, meeting.wait]):
            future.result()  # raises BrokenBarrierError where they come one after the other
    finally:
        context.close()
