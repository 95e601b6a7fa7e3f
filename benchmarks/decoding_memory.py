"""Compare the memory that decoding takes with what is estimated from the header.

Each picture, 25 megapixels in one format and colour mode, is decoded at reduced scale in a process
of its own. Linux only: it reads the process's peak from /proc.

    python -m benchmarks.decoding_memory
"""

import multiprocessing
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from scene_model.photos.decode import (
    MinimumSize,
    PhotoLimits,
    decode_picture,
    decoding_bytes,
    open_picture,
)
from tests.pictures import encode
from tests.raw_files import Shot, dng

_SIDE = 5_000
_CASES: list[tuple[str, str, dict[str, object]]] = [
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    ("JPEG", "CMYK", {"progressive": True}),
    ("PNG", "L", {}),
    ("PNG", "P", {}),
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "I;16", {}),
    ("GIF", "P", {}),
    ("BMP", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "CMYK", {}),
    ("TIFF", "I", {}),
    ("TIFF", "F", {}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {}),
    ("AVIF", "RGB", {"speed": 10}),
    ("AVIF", "RGBA", {"speed": 10}),
    ("HEIF", "RGB", {}),
    ("HEIF", "RGBA", {}),
    ("JXL", "L", {}),
    ("JXL", "RGB", {}),
    ("JXL", "RGB", {"lossless": True}),
    ("JXL", "RGBA", {}),
    ("DNG", "RGB", {}),
]


def made(kind: str, mode: str, options: dict[str, object]) -> bytes:
    """Make a picture with soft colours."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    if mode in ("I;16", "I", "F"):
        number = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(number))
    else:
        picture = picture.convert(mode)
    if kind == "DNG":
        return dng(Shot(picture, preview=None))
    return encode(picture, kind, **options)


def measure(data: bytes) -> tuple[float, float]:
    """Decode a picture; returns the estimated and the measured peak memory, in bytes per pixel."""
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    picture = open_picture(data, PhotoLimits())
    estimate = decoding_bytes(picture, MinimumSize())
    decode_picture(picture, MinimumSize())
    return estimate / _SIDE**2, (_status("VmHWM") - before) / _SIDE**2


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def main() -> int:
    """Print a line for each format and mode; fails where the estimate is too low."""
    too_low = 0
    context = multiprocessing.get_context("spawn")
    for kind, mode, options in _CASES:
        data = made(kind, mode, options)
        with context.Pool(1) as pool:
            estimate, peak = pool.apply(measure, (data,))
        verdict = "" if peak <= estimate else "  too low"
        too_low += peak > estimate
        detail = ", ".join(f"{name}={value}" for name, value in options.items())
        print(f"{kind:5} {mode:5} estimate {estimate:5.1f} peak {peak:5.1f}  {detail}{verdict}")
    return 1 if too_low else 0


if __name__ == "__main__":
    sys.exit(main())
