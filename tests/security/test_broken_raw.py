"""Broken RAW files and JPEG XL end in a named error or a picture, soon and in little memory."""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.mutated_pictures import mutate
from scene_model.errors import PhotoError
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from tests.pictures import encode, quadrants, textured
from tests.raw_files import MAKERS, Shot

FILES, LONGEST_S, MOST_BYTES = 240, 10.0, 500_000_000


def broken_files() -> Iterator[bytes]:
    numbers = random.Random(5)  # noqa: S311 - no secret
    photo, preview = textured(648, 432), encode(quadrants(320, 214))
    whole = [make(Shot(photo, preview)) for make in MAKERS.values()]
    whole += [
        make(Shot(photo, preview if kind == "RAF" else None)) for kind, make in MAKERS.items()
    ]
    whole += [encode(photo, "JXL"), encode(photo, "JXL", use_container=True, lossless=True)]
    for number in range(FILES):
        data = whole[number % len(whole)]
        yield mutate(data, numbers) if number % 3 else data[: numbers.randrange(len(data))]


def peak_bytes(process_id: int) -> int:
    if sys.platform != "linux":
        return 0
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def test_every_broken_file_is_named_or_shown() -> None:
    endings: dict[str, int] = {}
    longest, most = 0.0, 0
    with closing(Decoders(PhotoLimits(), processes=1)) as decoders:
        for data in broken_files():
            began = time.perf_counter()
            try:
                decoders.decode(data)
                code = "decoded"
            except PhotoError as error:
                code = error.code
                assert error.message
            longest = max(longest, time.perf_counter() - began)
            endings[code] = endings.get(code, 0) + 1
            most = max([most, *map(peak_bytes, decoders.process_ids)])
        assert decoders.decode(encode(textured(90, 60))).photo.width == 90
    assert sum(endings.values()) == FILES
    assert "photo_error" not in endings
    assert len(endings) > 2, endings
    assert longest < LONGEST_S
    assert most < MOST_BYTES
