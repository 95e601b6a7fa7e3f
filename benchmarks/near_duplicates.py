"""Recall and precision of near duplicates on generated copies and bursts.

    python -m benchmarks.near_duplicates [--photos DIR ...] [--limit 60] [--show]

Copies of each photo: half the size, JPEG quality 40, rotated by 90, 180 and 270 degrees, mirrored,
cropped by 5 %, 10 % brighter and darker. Each photo that is large enough also gives a burst: three
crops, shifted by 4 to 10 %, zoomed, with a slight perspective, different exposure, noise and a
passer-by. A pair is right when both are copies of the same photo. Exits with 1 when recall is below
0.95 or precision below 0.98.
"""

import argparse
import io
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from scene_model.config import PROJECT_DIR, Settings
from scene_model.duplicates.groups import near_duplicate_pairs
from scene_model.duplicates.near_duplicates import NearDuplicateKind, compare_new
from scene_model.errors import PhotoError
from scene_model.photos.decode import decode_photo
from scene_model.services import Services, open_services

RECALL_LIMIT, PRECISION_LIMIT = 0.95, 0.98
FOLDERS = (
    PROJECT_DIR.parent / "shared" / "photos",
    Path("/usr/share/backgrounds/mate"),
    PROJECT_DIR / "tests" / "assets",
)
_LONG_SIDE, _LEAST_SIDE, _BURST_SIDE = 1200, 180, 500


def main() -> int:
    """Generate the photos, upload them to a library, compare them, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="*", default=FOLDERS)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--show", action="store_true", help="print every wrong pair")
    options = parser.parse_args()
    sources = list(itertools.islice(different_photos(options.photos), options.limit))
    print(f"{len(sources)} photos, one per scene")
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(Settings(library=Path(folder) / "library", workers=2))
        try:
            files = [file for number, photo in enumerate(sources) for file in _set(number, photo)]
            return 0 if measure(services, files, options.show) else 1
        finally:
            services.close()


def measure(services: Services, files: Sequence[tuple[str, bytes]], show: bool = False) -> bool:
    """Add the files, compare them, print the results; True when both limits hold.

    files: (name, contents); the name is "SCENE_KIND.jpg".
    """
    job = services.jobs.submit(list(files))
    job.wait()
    for _ in compare_new(services.library):
        pass
    ids = job.progress().photo_ids
    names = {photo.id: photo.name for photo in services.library.records(ids)}
    expected = {
        (scene, kind)
        for scene, kind in (_read(name) for name in names.values())
        if kind != "original" and not kind.startswith("burst")
    }
    matched: set[tuple[str, str]] = set()
    right = wrong = 0
    for pair in near_duplicate_pairs(services.library, NearDuplicateKind.NEAR):
        first, second = _read(names[pair.first]), _read(names[pair.second])
        has_burst = any(kind.startswith("burst") for _, kind in (first, second))
        is_right = first[0] == second[0] and not has_burst
        right, wrong = right + is_right, wrong + (not is_right)
        if is_right and "original" in (first[1], second[1]):
            matched.add(second if first[1] == "original" else first)
        if not is_right and show:
            print(f"    wrong: {names[pair.first]} and {names[pair.second]}: {pair.similarity:.3f}")
    recall, precision = len(matched) / len(expected), right / max(1, right + wrong)
    missed = Counter(kind for _, kind in expected - matched)
    print(f"{len(names)} files, {len(expected)} copies; missed: {dict(missed)}")
    print(f"recall {recall:.3f} (limit {RECALL_LIMIT}) of pairs of a photo and its copy")
    print(f"precision {precision:.3f} (limit {PRECISION_LIMIT}) of {right + wrong} pairs found")
    return recall >= RECALL_LIMIT and precision >= PRECISION_LIMIT


def different_photos(folders: Sequence[Path]) -> Iterator[Image.Image]:
    """Yield photos of at least 180 pixels; of several copies of a photo, only the first."""
    previous: list[np.ndarray] = []
    for path in (p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()):
        try:
            photo = Image.fromarray(decode_photo(path.read_bytes(), minimum=None).pixels)
        except PhotoError:
            continue
        if min(photo.size) < _LEAST_SIDE:
            continue
        photo.thumbnail((_LONG_SIDE, _LONG_SIDE))
        thumbnail = np.asarray(photo.convert("L").resize((16, 16)), float)
        if thumbnail.std() < 1 or any(_is_similar(thumbnail, earlier) for earlier in previous):
            continue
        previous.append(thumbnail)
        yield photo


def _is_similar(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.95)


def _set(number: int, photo: Image.Image) -> Iterator[tuple[str, bytes]]:
    for kind, (picture, quality) in copies(photo).items():
        yield _file(number, kind, picture, quality)
    if min(photo.size) >= _BURST_SIDE:
        random = np.random.default_rng(number)
        for shot in range(3):
            yield _file(number, f"burst{shot}", burst_shot(photo, random), 92)


def copies(photo: Image.Image) -> dict[str, tuple[Image.Image, int]]:
    """Make the copies of a photo: kind → (picture, JPEG quality)."""
    width, height = photo.size
    inset = (0.025 * width, 0.025 * height, 0.975 * width, 0.975 * height)
    return {
        "original": (photo, 92),
        "resized": (photo.resize((width // 2, height // 2)), 92),
        "reencoded": (photo, 40),
        "turned90": (photo.transpose(Image.Transpose.ROTATE_90), 92),
        "turned180": (photo.transpose(Image.Transpose.ROTATE_180), 92),
        "turned270": (photo.transpose(Image.Transpose.ROTATE_270), 92),
        "mirrored": (ImageOps.mirror(photo), 92),
        "cropped": (photo.crop(inset), 92),
        "brighter": (ImageEnhance.Brightness(photo).enhance(1.1), 92),
        "darker": (ImageEnhance.Brightness(photo).enhance(0.9), 92),
    }


def burst_shot(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make one shot of a burst: camera and subject have moved, exposure has changed."""
    width, height = photo.size
    zoom = random.uniform(0.80, 0.88)
    shift = random.uniform(0.04, 0.10, 2) * random.choice([-1, 1], 2)
    centre = np.array([0.5, 0.5]) + shift / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * zoom / 2 + centre
    corners = (corners + random.uniform(-0.01, 0.01, (4, 2))) * [width, height]
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), frame)
    shot = cv2.warpPerspective(
        np.asarray(photo), warp, (width, height), borderMode=cv2.BORDER_REFLECT
    ).astype(np.float32)
    side = int(0.12 * min(width, height))
    left, top = int(random.uniform(0, width - side)), int(random.uniform(0, height - 2 * side))
    shot[top : top + 2 * side, left : left + side] *= random.uniform(0.2, 0.5)
    shot = shot * random.uniform(0.92, 1.08) + random.normal(0, 3, shot.shape)
    return Image.fromarray(np.clip(shot, 0, 255).astype(np.uint8))


def _file(number: int, kind: str, picture: Image.Image, quality: int) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return f"{number:03d}_{kind}.jpg", buffer.getvalue()


def _read(name: str) -> tuple[str, str]:
    scene, _, kind = name.removesuffix(".jpg").partition("_")
    return scene, kind


if __name__ == "__main__":
    sys.exit(main())
