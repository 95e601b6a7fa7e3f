"""Photos are decoded in processes: the same result as here, limits held, and the lanes heal."""

import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest

from scene_model.errors import (
    DamagedPhoto,
    DecodingStopped,
    NotAPicture,
    PhotoError,
    TooManyPixels,
)
from scene_model.photos.decode import MinimumSize, PhotoLimits, decode_photo, open_picture
from scene_model.photos.decoders.memory_budget import MemoryBudget
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.metadata import read_metadata
from tests.pictures import encode, quadrants, textured


@pytest.fixture
def own_decoders() -> Iterator[Decoders]:
    """Decoders that a test may kill."""
    opened = Decoders(PhotoLimits(), processes=1)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "JXL"])
def test_result_is_that_of_this_process(decoders: Decoders, kind: str) -> None:
    data = encode(textured(900, 700), kind)
    file = decoders.decode(data)
    here = decode_photo(data)
    assert np.array_equal(file.photo.pixels, here.pixels)
    assert (file.photo.width, file.photo.height) == (here.width, here.height) == (900, 700)
    assert file.photo.format == here.format == kind
    assert file.metadata == read_metadata(open_picture(data, PhotoLimits()))


def test_full_size(decoders: Decoders) -> None:
    assert decoders.decode(encode(quadrants(), "PNG"), minimum=None).photo.pixels.shape[2] == 3


def test_errors_keep_their_class_and_code(decoders: Decoders) -> None:
    with pytest.raises(NotAPicture):
        decoders.decode(b"no picture at all, only words, and a good many of them")
    with pytest.raises(DamagedPhoto, match="damaged|cut short"):
        decoders.decode(encode(textured(300, 300), "PNG")[:5_000])
    with pytest.raises(TooManyPixels) as caught:
        decoders.decode(
            encode(textured(300, 300), "WEBP"), limits=PhotoLimits(max_decoding_bytes=1_000_000)
        )
    assert (caught.value.code, caught.value.http_status) == ("too_much_memory", 413)


@pytest.mark.parametrize("limit", [{"ordinary_bytes": 1_000}, {"ordinary_s": 0.0}])
def test_costly_and_slow_photos_go_to_the_second_lane(limit: dict[str, Any]) -> None:
    with closing(Decoders(PhotoLimits(), 1, **limit)) as opened:
        assert opened.decode(encode(textured(900, 900), "PNG")).photo.width == 900


@pytest.mark.slow
def test_photo_beyond_its_time_is_a_named_error_and_the_next_is_decoded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = encode(textured(2_000, 2_000), "PNG")
    with closing(Decoders(PhotoLimits(), 1, ordinary_s=0.0)) as opened:
        with pytest.raises(DecodingStopped, match="SCENE_MAX_DECODING_S"):
            opened.decode(data, limits=PhotoLimits(max_decoding_s=0.0))
        assert "a decoder is replaced" in caplog.text
        assert opened.decode(data).photo.width == 2_000


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_killed_decoder_is_replaced(own_decoders: Decoders) -> None:
    data = encode(textured(300, 300), "PNG")
    own_decoders.decode(data)
    (process_id,) = own_decoders.process_ids
    os.kill(process_id, signal.SIGKILL)
    # It is listed until its place is needed.
    deadline = time.monotonic() + 60
    while process_id in own_decoders.process_ids and time.monotonic() < deadline:
        assert own_decoders.decode(data).photo.width == 300
    assert process_id not in own_decoders.process_ids
    assert own_decoders.decode(data).photo.width == 300


def test_ordinary_photo_does_not_wait_for_costly_ones() -> None:
    """A costly photo is held where it waits for memory; an ordinary one is decoded meanwhile."""
    is_held, may_go = threading.Event(), threading.Event()

    @contextmanager
    def aside() -> Iterator[None]:
        is_held.set()
        may_go.wait(60)
        yield

    opened = Decoders(PhotoLimits(), 1, aside, ordinary_bytes=1_000_000)
    costly, ordinary = encode(textured(1_000, 1_000), "PNG"), encode(textured(100, 100), "PNG")
    with closing(opened), ThreadPoolExecutor(1) as threads:
        try:
            waiting = threads.submit(opened.decode, costly)
            assert is_held.wait(60)
            assert opened.decode(ordinary).photo.width == 100
            assert not waiting.done()
        finally:
            may_go.set()
        assert waiting.result(60).photo.width == 1_000


def test_memory_in_flight_is_bounded() -> None:
    budget = MemoryBudget(100)
    order: list[str] = []

    def reserve(name: str, count: int) -> None:
        with budget.reserve(count):
            order.append(name)

    with ThreadPoolExecutor(2) as threads:
        with budget.reserve(80):
            large = threads.submit(reserve, "large", 90)
            wait_until(lambda: budget.waiting == 1)
            small = threads.submit(reserve, "small", 10)  # it fits, but it is not its turn
            wait_until(lambda: budget.waiting == 2)
            assert order == []
        large.result(60)
        small.result(60)
    assert order == ["large", "small"]


def test_photo_above_the_whole_budget_is_decoded_alone() -> None:
    budget = MemoryBudget(10)
    with budget.reserve(50):
        pass
    with budget.reserve(50):
        pass


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_close_ends_the_processes(own_decoders: Decoders) -> None:
    own_decoders.decode(encode(quadrants(), "PNG"), MinimumSize())
    assert len(own_decoders.process_ids) == 1
    own_decoders.close()
    assert own_decoders.process_ids == []


def test_codecs_write_nothing_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    """A line for each damaged photo would let its sender fill the disk."""
    photo = encode(textured(64, 48), "TIFF")
    samples = struct.pack("<HHI", 277, 3, 1)
    many = photo.replace(samples + struct.pack("<H", 3), samples + struct.pack("<H", 2_048))
    assert many != photo
    with closing(Decoders(PhotoLimits(), 1)) as opened, pytest.raises(PhotoError):
        opened.decode(many)
    assert "samples per pixel" not in capfd.readouterr().err
