"""Precision and recall of stacks on 2,000 photos made with truth, and the time of 300 new ones.

    python -m benchmarks.sequences [--photos ZIP ...] [--seed 2] [--show]
    python -m benchmarks.sequences --rows 100000

The photos are made of those of the ZIPs: bursts with and without fractions of a second, named or
identified by phones, brackets, panoramas, RAW and JPEG, edits. Beside them, what is no stack: the
same view a minute and an hour later, dates without seconds, copies with the same date, and single
photos in quick succession. A pair of photos is right when both are of one made stack. Exits with 1
when precision is below 0.99 or recall below 0.90. With `--rows`, that many rows without files are
the library to which 300 photos come. The thresholds were chosen with seed 1.
"""

import argparse
import datetime
import io
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from sqlalchemy import insert, select, update

from scene_model.config import PROJECT_DIR, Settings
from scene_model.duplicates.sequences import stack_sequences
from scene_model.library.database.schema import photos
from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.library.store import Library
from scene_model.services import open_services
from tests.raw_files import Shot, dng

PRECISION_LIMIT, RECALL_LIMIT = 0.99, 0.90
_SHARED = PROJECT_DIR.parent / "shared" / "data"
ZIPS = (_SHARED / "camsdd_train.zip", _SHARED / "camera36.zip")
_SIZE = (640, 480)
_GAMMA = 2.2
_NEW, _SECONDS_LIMIT = 300, 2.0
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Taken:
    """How and when a photo was taken. subsecond: digits of EXIF; None writes none."""

    at: datetime.datetime
    subsecond: str | None = None
    camera: tuple[str, str] = ("Canon", "Canon EOS R7")
    bias: float | None = 0.0
    stops: float = 0.0
    burst_id: str | None = None


@dataclass
class MadeSet:
    """The files, by name, and the stack that each belongs to; 0 for none."""

    files: list[tuple[str, bytes]] = field(default_factory=list)
    truth: dict[str, int] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)

    def add(self, name: str, data: bytes, stack: int = 0) -> None:
        """Add a file."""
        self.files.append((name, data))
        self.truth[name] = stack

    def begin(self, kind: str) -> int:
        """Begin a stack."""
        self.kinds[len(self.kinds) + 1] = kind
        return len(self.kinds)


class Life:
    """Makes one event of photographing after the other, by two cameras and three phones."""

    def __init__(self, sources: Sequence[Pixels], seed: int) -> None:
        """sources: photos, each of which is one scene."""
        self._sources = sources
        self._numbers = np.random.default_rng(seed)
        self._now = datetime.datetime(2024, 7, 15, 9, 0, 0)
        self._count, self._scene = 41, 0
        self.made = MadeSet()

    def run(self, count: int) -> MadeSet:
        """Make at least ``count`` photos."""
        events: list[Callable[[], None]] = [
            *(self.single, self.single, self.quick_singles, self.hour_later, self.minute_later),
            *(self.burst, self.burst_without_subseconds, self.named_burst, self.identified_burst),
            *(self.bracket, self.manual_bracket, self.panorama, self.raw_and_jpeg, self.edit),
            *(self.without_seconds, self.copies, self.samsung_burst),
        ]
        while len(self.made.files) < count:
            events[int(self._numbers.integers(len(events)))]()
            self._wait(20, 900)
        return self.made

    def single(self) -> None:
        """One photo."""
        self._add(self._next_scene(), self._taken())

    def quick_singles(self) -> None:
        """Different scenes within a second or two, as from the window of a train."""
        for _ in range(3):
            self._add(self._next_scene(), self._taken())
            self._wait(0.6, 1.5)

    def hour_later(self) -> None:
        """The same view again after an hour."""
        scene = self._next_scene()
        self._add(self._shaken(scene), self._taken())
        self._wait(3500, 3700)
        self._add(self._shaken(scene), self._taken())

    def minute_later(self) -> None:
        """The same view again: a person pressed the shutter twice."""
        scene = self._next_scene()
        for _ in range(2):
            self._add(self._shaken(scene), self._taken(subsecond=self._chance(0.5)))
            self._wait(8, 70)

    def burst(self) -> None:
        """A burst whose photos state fractions of the second."""
        stack, step = self.made.begin("burst"), self._numbers.uniform(0.07, 0.34)
        for frame in self._moving(self._next_scene(), int(self._numbers.integers(3, 13))):
            self._add(frame, self._taken(), stack)
            self._wait(step, step)

    def burst_without_subseconds(self) -> None:
        """A burst whose photos have whole seconds and follow each other by name."""
        stack, step = self.made.begin("burst"), self._numbers.uniform(0.1, 0.34)
        for frame in self._moving(self._next_scene(), int(self._numbers.integers(3, 11))):
            self._add(frame, self._taken(subsecond=False), stack)
            self._wait(step, step)

    def named_burst(self) -> None:
        """A burst of a phone that names it."""
        stack, begin = self.made.begin("burst"), self._now
        for number, frame in enumerate(self._moving(self._next_scene(), 6)):
            taken = self._taken(camera=("Google", "Pixel 4"), subsecond=False)
            cover = "_COVER" if number == 2 else ""
            name = f"{number:05d}IMG_{number:05d}_BURST{begin:%Y%m%d%H%M%S}123{cover}.jpg"
            self.made.add(name, encoded(frame, taken), stack)
            self._wait(0.15, 0.15)

    def samsung_burst(self) -> None:
        """A burst of a phone that counts behind the time in the name."""
        stack, begin = self.made.begin("burst"), self._now
        for number, frame in enumerate(self._moving(self._next_scene(), 5), 1):
            taken = self._taken(camera=("samsung", "SM-S911B"), subsecond=False)
            self.made.add(f"{begin:%Y%m%d_%H%M%S}_{number:03d}.jpg", encoded(frame, taken), stack)
            self._wait(0.12, 0.12)

    def identified_burst(self) -> None:
        """A burst with the identifier of Google's camera."""
        stack = self.made.begin("burst")
        burst_id = f"burst-{self._numbers.integers(1 << 60):x}"
        for frame in self._moving(self._next_scene(), 5):
            taken = self._taken(camera=("Google", "Pixel 8"), burst_id=burst_id)
            name = f"PXL_{self._now:%Y%m%d_%H%M%S%f}"[:22] + ".jpg"
            self.made.add(name, encoded(frame, taken), stack)
            self._wait(0.2, 0.2)

    def bracket(self) -> None:
        """Three or five photos whose exposure a camera varied."""
        stack, scene = self.made.begin("bracket"), self._next_scene()
        step = float(self._numbers.choice([0.7, 1.0, 2.0]))
        biases = [0.0, -step, step] if self._numbers.random() < 0.7 else [0, -1, 1, -2, 2]
        has_subseconds = self._chance(0.5)
        for bias in biases:
            taken = self._taken(subsecond=has_subseconds, bias=bias, stops=bias)
            self._add(exposed(self._shaken(scene, 0.01), bias), taken, stack)
            self._wait(0.2, 1.2)

    def manual_bracket(self) -> None:
        """Three photos whose exposure a person varied."""
        stack, scene = self.made.begin("bracket"), self._next_scene()
        for stops in (0.0, -1.3, 1.3):
            taken = self._taken(bias=None, stops=stops)
            self._add(exposed(self._shaken(scene, 0.01), stops), taken, stack)
            self._wait(1.0, 2.5)

    def panorama(self) -> None:
        """Three to six views side by side, handheld."""
        stack, count = self.made.begin("panorama"), int(self._numbers.integers(3, 7))
        canvas = np.hstack([cv2.resize(self._next_scene(), _SIZE) for _ in range(4)])
        step, width = self._numbers.uniform(0.35, 0.7), _SIZE[0]
        direction = 1 if self._numbers.random() < 0.5 else -1
        for index in range(count):
            along = step * width * index * (1 + self._numbers.uniform(-0.06, 0.06))
            left = along if direction > 0 else canvas.shape[1] - width - along
            turn = cv2.getRotationMatrix2D(
                (left + width / 2, _SIZE[1] / 2), self._numbers.uniform(-1.0, 1.0), 1.08
            )
            aside = self._numbers.uniform(-0.02, 0.02) * _SIZE[1]
            turn = turn + np.array([[0.0, 0.0, -left], [0.0, 0.0, aside]])
            view = cv2.warpAffine(canvas, turn, _SIZE, borderMode=cv2.BORDER_REFLECT)
            self._add(np.asarray(view, np.uint8), self._taken(), stack)
            self._wait(1.0, 3.0)

    def raw_and_jpeg(self) -> None:
        """A RAW file and its JPEG."""
        stack, scene = self.made.begin("raw_jpeg"), Image.fromarray(self._next_scene())
        taken = Taken(self._now, camera=("Adobe", "Made DNG"))
        small = Image.fromarray(np.asarray(scene)).resize((320, 240))
        preview = io.BytesIO()
        scene.save(preview, "JPEG", quality=90)
        self._count += 1
        raw = dng(Shot(small, preview.getvalue(), taken=f"{taken.at:%Y:%m:%d %H:%M:%S}"))
        self.made.add(f"IMG_{self._count:04d}.DNG", raw, stack)
        jpeg = encoded(np.asarray(scene), taken, with_camera=False)
        self.made.add(f"IMG_{self._count:04d}.JPG", jpeg, stack)

    def edit(self) -> None:
        """A photo and its edited version."""
        stack, scene, taken = self.made.begin("edit"), self._next_scene(), self._taken()
        name = self._add(scene, taken, stack)
        edited = cv2.convertScaleAbs(scene, alpha=1.2, beta=10)
        edited_name = name.replace(".JPG", "-edited.jpg")
        self.made.add(edited_name, encoded(np.asarray(edited, np.uint8), taken), stack)

    def without_seconds(self) -> None:
        """Alike photos of one minute, whose program wrote no seconds."""
        scene, minute = self._next_scene(), self._now.replace(second=0)
        for _ in range(3):
            self._add(self._shaken(scene), Taken(minute))

    def copies(self) -> None:
        """A photo, and copies of it that were saved again with the same date."""
        scene, taken = self._next_scene(), self._taken()
        name = self._add(scene, taken)
        for number in (1, 2):
            copy_name = name.replace(".JPG", f" ({number}).JPG")
            self.made.add(copy_name, encoded(scene, taken, quality=80 - number))

    def _add(self, picture: Pixels, taken: Taken, stack: int = 0) -> str:
        self._count = self._count % 9_999 + 1
        name = f"IMG_{self._count:04d}.JPG"
        if name in self.made.truth:
            name = f"{len(self.made.files):05d}/{name}"
        self.made.add(name, encoded(picture, taken), stack)
        return name

    def _taken(self, subsecond: bool = True, **more: Any) -> Taken:
        at = self._now
        if at.second == 0 and not subsecond:
            at = self._now = at + datetime.timedelta(seconds=1)
        return Taken(at, f"{at.microsecond // 10_000:02d}" if subsecond else None, **more)

    def _wait(self, low: float, high: float) -> None:
        self._now += datetime.timedelta(seconds=float(self._numbers.uniform(low, high)))

    def _chance(self, share: float) -> bool:
        return bool(self._numbers.random() < share)

    def _next_scene(self) -> Pixels:
        self._scene += 1
        return self._sources[self._scene % len(self._sources)]

    def _shaken(self, scene: Pixels, most: float = 0.03) -> Pixels:
        """Return a scene as the next handheld shot shows it."""
        left, top = self._numbers.uniform(0, most, 2)
        return part_of(scene, float(left), float(top), 1 - most)

    def _moving(self, scene: Pixels, count: int) -> Iterator[Pixels]:
        """Yield the photos of a burst: the camera shakes, and somebody passes."""
        passer = cv2.resize(self._next_scene(), (70, 180))
        corner = self._numbers.uniform(0.03, 0.07, 2)
        start, pace = self._numbers.uniform(-60, 500), self._numbers.uniform(10, 50)
        for index in range(count):
            corner = np.clip(corner + self._numbers.normal(0, 0.006, 2), 0.0, 0.1)
            view = np.array(part_of(scene, float(corner[0]), float(corner[1]), 0.9))
            x = int(start + pace * index)
            if 0 <= x <= _SIZE[0] - 70:
                view[280:460, x : x + 70] = passer
            yield exposed(view, float(self._numbers.normal(0, 0.04)))


def part_of(scene: Pixels, left: float, top: float, share: float) -> Pixels:
    """Return a part of a scene at full size."""
    height, width = scene.shape[:2]
    rows = slice(int(top * height), int((top + share) * height))
    columns = slice(int(left * width), int((left + share) * width))
    return np.asarray(cv2.resize(scene[rows, columns], _SIZE), np.uint8)


def exposed(picture: Pixels, stops: float) -> Pixels:
    """Return a picture exposed by so many stops more."""
    levels = np.clip((np.arange(256) / 255.0) ** _GAMMA * 2.0**stops, 0.0, 1.0) ** (1 / _GAMMA)
    return np.asarray((255 * levels).astype(np.uint8)[picture], np.uint8)


def encoded(picture: Pixels, taken: Taken, quality: int = 88, with_camera: bool = True) -> bytes:
    """Return a JPEG with what cameras write."""
    exif = Image.Exif()
    if with_camera:
        exif[0x010F], exif[0x0110] = taken.camera
    details = exif.get_ifd(0x8769)
    details[0x9003] = f"{taken.at:%Y:%m:%d %H:%M:%S}"
    if taken.subsecond is not None:
        details[0x9291] = taken.subsecond
    details[0x829A], details[0x829D], details[0x8827] = 2.0**taken.stops / 250, 5.6, 200
    if taken.bias is not None:
        details[0x9204] = taken.bias
    file = io.BytesIO()
    more: dict[str, Any] = {}
    if taken.burst_id is not None:
        more["xmp"] = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
            'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
            f'GCamera:BurstID="{taken.burst_id}"/></rdf:RDF></x:xmpmeta>'
        ).encode()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, exif=exif, **more)
    return file.getvalue()


def scenes(zips: Sequence[Path], count: int, seed: int) -> list[Pixels]:
    """Return different photos of the ZIPs; none of a seed is one of another parity."""
    numbers = np.random.default_rng(seed)
    chosen: list[Pixels] = []
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
            half = names[seed % 2 :: 2]
            for index in numbers.permutation(len(half))[: count // len(zips)]:
                with Image.open(io.BytesIO(archive.read(half[index]))) as picture:
                    small = picture.convert("RGB").resize(_SIZE, Image.Resampling.BICUBIC)
                    chosen.append(np.asarray(small))
    return [chosen[index] for index in numbers.permutation(len(chosen))]


def pairs_of(stacks: Sequence[Sequence[str]]) -> set[tuple[str, str]]:
    """Return all pairs of photos that are in one stack."""
    return {pair for stack in stacks for pair in combinations(sorted(stack), 2)}


def measure(made: MadeSet, seed: int, show: bool) -> bool:
    """Add the files in any order, and compare the stacks with the truth."""
    order = np.random.default_rng(seed).permutation(len(made.files))
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(Settings(library=Path(folder) / "library", workers=2))
        try:
            files = [made.files[index] for index in order]
            parts = (files[: len(files) // 3], files[len(files) // 3 :])
            for part in parts:
                job = services.jobs.submit(part)
                job.wait(3_600)
                for skipped in job.progress().skipped:
                    print("skipped:", skipped.name, skipped.message)
            library = services.library
            names = {photo.id: photo.name for photo in library.records(library.find())}
            stacks = all_stacks(library)
        finally:
            services.close()
    shown_names = {name.rpartition("/")[2]: name for name in made.truth}
    stacked = [[shown_names[names[i]] for i in stack.photo_ids] for stack in stacks]
    by_stack: dict[int, list[str]] = {}
    for name, stack_number in made.truth.items():
        if stack_number:
            by_stack.setdefault(stack_number, []).append(name)
    return _report(made, stacked, [str(stack.kind) for stack in stacks], by_stack, show)


def _report(
    made: MadeSet,
    stacked: Sequence[Sequence[str]],
    kinds: Sequence[str],
    by_stack: dict[int, list[str]],
    show: bool,
) -> bool:
    true, proposed = pairs_of(list(by_stack.values())), pairs_of(stacked)
    right = true & proposed
    precision, recall = len(right) / len(proposed), len(right) / len(true)
    print(f"{len(made.files):,} photos, {len(by_stack)} stacks made, {len(stacked)} proposed")
    print(f"pairs: precision {precision:.4f}, recall {recall:.4f}")
    whole = {frozenset(stack) for stack in stacked}
    whole_count, total, kind_right = Counter[str](), Counter[str](), Counter[str]()
    kind_by_stack = {frozenset(s): kind for s, kind in zip(stacked, kinds, strict=True)}
    for number, stack in by_stack.items():
        kind = made.kinds[number]
        total[kind] += 1
        whole_count[kind] += frozenset(stack) in whole
        kind_right[kind] += kind_by_stack.get(frozenset(stack)) == kind
    for kind, count in sorted(total.items()):
        shares = f"{whole_count[kind]} of {count} exactly, {kind_right[kind]} of the right kind"
        print(f"  {kind}: {shares}")
    if show:
        for pair in sorted(proposed - true):
            print("wrong:", *pair)
        for pair in sorted(true - proposed):
            print("missing:", *pair, made.kinds[made.truth[pair[0]]])
    return precision >= PRECISION_LIMIT and recall >= RECALL_LIMIT


def measure_rows(count: int) -> bool:
    """Time the stacking of 300 photos that come to a library of rows without files."""
    with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
        begin = datetime.datetime(2015, 1, 1)
        rows = [_row(number, begin) for number in range(count)]
        with library.database.writer.begin() as connection:
            connection.execute(insert(photos), rows)
            connection.execute(update(photos).values(sequence_checked=True))
            newest = select(photos.c.number).order_by(photos.c.number.desc()).limit(_NEW)
            connection.execute(
                update(photos).where(photos.c.number.in_(newest)).values(sequence_checked=None)
            )
        scene = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)
        resized = cv2.resize(scene, (320, 240), interpolation=cv2.INTER_CUBIC)
        thumbnail = np.asarray(resized, np.uint8)
        for row in rows[-_NEW:]:
            library.files.store_thumbnail(row["id"], thumbnail)
        start = time.perf_counter()
        for _ in stack_sequences(library):
            pass
        seconds = time.perf_counter() - start
        stacked = sum(len(stack.photo_ids) for stack in all_stacks(library))
    print(f"{_NEW} new photos beside {count:,}: {seconds:.2f} s, {stacked} of them stacked")
    return seconds <= _SECONDS_LIMIT


def _row(number: int, begin: datetime.datetime) -> dict[str, Any]:
    """A photo of a burst of ten."""
    at = begin + datetime.timedelta(seconds=600 * (number // 10) + 1 + 0.1 * (number % 10))
    name = f"img_{number:06d}.jpg"
    return {
        "id": f"{number:064x}",
        "name": name,
        "folded_name": name,
        "format": "JPEG",
        "file_bytes": 1000,
        "width": 4000,
        "height": 3000,
        "added_at": "2026-01-01T00:00:00.000+00:00",
        "auto_taken_at": f"{at:%Y-%m-%dT%H:%M:%S}",
        "auto_taken_source": "DateTimeOriginal",
        "camera": "Canon EOS R7",
        "subsecond": at.microsecond / 1e6,
        "bundle": "made@0",
        "class_head": "scenes",
        "class_head_label": "forest",
        "confidence": 0.9,
        "class_head_unsure": False,
        "auto_class": "forest",
        "auto_class_source": "scenes",
        "auto_class_score": 0.9,
    }


def main() -> int:
    """Make the photos and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, nargs="*", default=ZIPS)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--show", action="store_true", help="print every wrong and missing pair")
    options = parser.parse_args()
    if options.rows:
        return 0 if measure_rows(options.rows) else 1
    sources = scenes(options.photos, options.count, options.seed)
    made = Life(sources, options.seed).run(options.count)
    return 0 if measure(made, options.seed, options.show) else 1


if __name__ == "__main__":
    sys.exit(main())
