"""Decode randomly changed pictures: none may hang or end in anything but a named error.

Each picture of tests/assets and of made ones in every format is changed at random: bytes replaced,
cut out, repeated, lengths set to extremes.

    python -m benchmarks.mutated_pictures [--pictures 5000] [--seed 0]
"""

import argparse
import random
import sys
import time
from collections import Counter

from scene_model.config import PROJECT_DIR
from scene_model.errors import PhotoError
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from tests.pictures import encode, textured
from tests.raw_files import MAKERS, Shot

LONGEST_S = 10.0
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF", "BMP", "JXL")
_EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0")


def mutate(data: bytes, numbers: random.Random) -> bytes:
    """Change a file in one to eight places."""
    changed = bytearray(data)
    for _ in range(numbers.randint(1, 8)):
        # Most of what a decoder believes lies at the beginning.
        end = len(changed) if numbers.random() < 0.4 else min(len(changed), 600)
        start = numbers.randrange(max(1, end))
        length = numbers.randint(1, 64)
        kind = numbers.randrange(5)
        if kind == 0:
            changed[start : start + length] = numbers.randbytes(length)
        elif kind == 1:
            del changed[start : start + length]
        elif kind == 2:
            changed[start:start] = changed[start : start + length]
        elif kind == 3:
            changed[start : start + 4] = numbers.choice(_EXTREMES)
        else:
            changed[start : start + 1] = bytes([numbers.randrange(256)])
    return bytes(changed)


def main() -> int:
    """Read the options, decode, and print how the pictures ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    numbers = random.Random(options.seed)  # noqa: S311 - chance, not secrets
    sources = [encode(textured(300, 200), kind) for kind in _FORMATS]
    sources += [encode(textured(300, 200), progressive=True), encode(textured(90, 90), "PNG")]
    shot = Shot(textured(648, 432), encode(textured(320, 214)))
    sources += [make(shot) for make in MAKERS.values()]
    sources += [path.read_bytes() for path in sorted((PROJECT_DIR / "tests/assets").glob("*.jpg"))]
    decoders = Decoders(PhotoLimits(), processes=2)
    endings, longest = Counter[str](), 0.0
    for number in range(options.pictures):
        picture = mutate(sources[number % len(sources)], numbers)
        began = time.perf_counter()
        try:
            decoders.decode(picture)
            endings["decoded"] += 1
        except PhotoError as error:
            endings[error.code] += 1
        longest = max(longest, time.perf_counter() - began)
    decoders.close()
    for code, count in endings.most_common():
        print(f"{count:6,}  {code}")
    print(
        f"{options.pictures:,} pictures; the longest took {longest:.2f} s (limit {LONGEST_S:.0f} s)"
    )
    return 0 if longest <= LONGEST_S else 1


if __name__ == "__main__":
    sys.exit(main())
