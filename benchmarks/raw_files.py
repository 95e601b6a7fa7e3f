"""Compare what a RAW file costs with what its embedded preview costs as a JPEG file.

A DNG of 25 MB, whose preview has 24 megapixels, is decoded for
classification and for the preview of the lightbox, alternating with the preview alone. Time is that
of the server, decoder included; memory is the peak of a decoder that decoded nothing else.

    python -m benchmarks.raw_files [--rounds 20]
"""

import argparse
import statistics
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

from scene_model.library.files.photo_files import PREVIEW_LONG_SIDE
from scene_model.photos.decode import MinimumSize, PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from tests.pictures import encode
from tests.raw_files import Shot, dng

_SENSOR, _PREVIEW = (3_600, 2_400), (6_000, 4_000)
_SIZES = {
    "classify": MinimumSize(),
    "lightbox": MinimumSize(short_side=1, long_side=PREVIEW_LONG_SIDE),
}
# The bytes of the RAW file travel to the decoder; that is all it may cost more.
_MOST_TIMES, _MOST_MORE_BYTES = 1.5, 2.0


def detailed(width: int, height: int) -> Image.Image:
    """A picture with as much detail as a photo."""
    numbers = np.random.default_rng(0)
    coarse = numbers.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def peak_bytes(data: bytes, minimum: MinimumSize) -> int:
    """Decode a file in a new decoder; returns the most memory that the decoder held."""
    with closing(Decoders(PhotoLimits(), 1)) as decoders:
        decoders.decode(data, minimum)
        (process_id,) = decoders.process_ids
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def main() -> int:
    """Measure, print, and fail where the RAW file costs more than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    preview = encode(detailed(*_PREVIEW), quality=90)
    files = {"RAW": dng(Shot(detailed(*_SENSOR), preview)), "JPEG": preview}
    print(", ".join(f"{name} {len(data) / 1e6:.1f} MB" for name, data in files.items()))
    is_too_much = False
    with closing(Decoders(PhotoLimits(), 1)) as decoders:
        for purpose, minimum in _SIZES.items():
            times: dict[str, list[float]] = {name: [] for name in files}
            for _ in range(rounds + 1):
                for name, data in files.items():
                    began = time.perf_counter()
                    decoders.decode(data, minimum)
                    times[name].append(time.perf_counter() - began)
            raw_s, jpeg_s = (statistics.median(times[name][1:]) for name in files)
            raw_bytes, jpeg_bytes = (peak_bytes(data, minimum) for data in files.values())
            more = raw_bytes - jpeg_bytes
            is_too_much |= raw_s > _MOST_TIMES * jpeg_s
            is_too_much |= more > _MOST_MORE_BYTES * len(files["RAW"])
            print(
                f"{purpose}: {1000 * raw_s:.0f} ms against {1000 * jpeg_s:.0f} ms, ratio "
                f"{raw_s / jpeg_s:.2f}; {raw_bytes / 1e6:.0f} MB against {jpeg_bytes / 1e6:.0f} MB"
            )
    return 1 if is_too_much else 0


if __name__ == "__main__":
    sys.exit(main())
