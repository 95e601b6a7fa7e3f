"""How many missing and wrong dates of photos are put right, on a made library whose truth is known.

    python -m benchmarks.dates [--seed 7] [--photos 100000] [--show]

The script makes two years of photos: two phones and four cameras at the same events. 500 dates are
erased or wrong: erased ones with a date in the name, erased ones between others of one camera, some
of which were taken on another day, the start of a camera's clock, dates in the future, files saved
anew, and cameras whose clock is 1 hour, 7 hours or a year off. All proposals that `library dates
--apply` would set are compared with the truth: a time must be right within 15 minutes, a date from
neighbours on the day. Photos whose date was right and would be changed count as wrongly put right.
Then the time is measured that finding doubtful dates takes in a library of many photos. Exits with
1 when more than 0.5 % are wrong, less than 70 % are put right, or finding takes more than 3 s of
processor time.

Photos of one scene have embeddings as alike as two crops of one photograph have in the shipped
network (median 0.87); no network runs here.
"""

import argparse
import datetime
import hashlib
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.vocabulary import fold_case
from scene_model.library.database.schema import photos
from scene_model.library.dates.doubtful import APPLIED, find_doubtful_dates
from scene_model.library.embeddings.embedding_files import file_name, packed
from scene_model.library.store import Library
from scene_model.photos.dates import NEIGHBOURS, stored_confidence

WRONG_LIMIT, RIGHT_LIMIT, SECONDS_LIMIT = 0.005, 0.7, 3.0
TODAY = datetime.date(2026, 11, 28)
_ADDED = "2026-11-01T12:00:00.000+00:00"
_SIZE, _SHIPPED_SIZE, _KINDS = 256, 2560, 12
_PHONES = ("Apple iPhone 13", "samsung SM-G991B")
_CAMERAS = ("Canon EOS 40D", "NIKON D70", "FUJIFILM X100", "OLYMPUS E-M10")
_TOLERANCE = datetime.timedelta(minutes=15)
_Moment = datetime.datetime


@dataclass(frozen=True)
class MadePhoto:
    """One photo: its true time, what its file says, and the reason why that is wrong.

    kind: "" for a photo whose date is right.
    """

    name: str
    folder: str
    truth: _Moment
    camera: str | None
    scene: int
    taken_at: str | None
    source: str | None = "DateTimeOriginal"
    kind: str = ""
    has_place: bool = False
    size: tuple[int, int] = (4000, 3000)

    @property
    def id(self) -> str:
        """An id as those of content hashes."""
        return hashlib.sha256(f"{self.folder}/{self.name}".encode()).hexdigest()


@dataclass
class Result:
    """Photos by the reason why their date was wrong: put right, wrongly put right, left open."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    wrong_names: list[str] = field(default_factory=list)

    def share(self, counts: Counter[str]) -> float:
        """Return the share of counted photos among those with an erased or wrong date."""
        total = sum((self.right + self.wrong + self.open).values())
        return sum(counts.values()) / total


def main() -> int:
    """Make the library, correct its dates, compare them with the truth, and measure the time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--show", action="store_true", help="print every wrong proposal")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
        made = make_photos(options.seed)
        put(library, made, options.seed)
        result = compare(library, made)
    print(f"{len(made):,} photos, {sum(bool(photo.kind) for photo in made)} with a wrong date")
    for kind in sorted({*result.right, *result.wrong, *result.open}):
        print(
            f"  {kind:<24} right {result.right[kind]:4}  wrong {result.wrong[kind]:3}"
            f"  open {result.open[kind]:4}"
        )
    shares = [result.share(counts) for counts in (result.right, result.wrong, result.open)]
    print("put right {:.1%}, wrongly put right {:.1%}, left open {:.1%}".format(*shares))
    if options.show:
        print("\n".join(result.wrong_names))
    seconds, cpu_s = measure(options.photos)
    print(
        f"doubtful dates among {options.photos:,} photos found in {seconds:.2f} s, "
        f"of processor time {cpu_s:.2f} s"
    )
    is_good = shares[0] >= RIGHT_LIMIT and shares[1] <= WRONG_LIMIT and cpu_s <= SECONDS_LIMIT
    return 0 if is_good else 1


def compare(library: Library, made: list[MadePhoto]) -> Result:
    """Compare the proposals that would be set without looking with the truth."""
    report = find_doubtful_dates(library, TODAY)
    by_id = {item.photo_id: item.proposal for item in report.doubtful}
    dated = dict(zip(report.rows.ids, report.rows.taken_at, strict=True))
    result = Result()
    for photo in made:
        proposal = by_id.get(photo.id)
        is_set = proposal is not None and proposal.confidence >= APPLIED
        date = proposal.taken_at if proposal is not None and is_set else dated[photo.id]
        is_day_enough = proposal is not None and proposal.source == NEIGHBOURS
        if date and is_right(date, photo.truth, is_day_enough):
            result.right[photo.kind] += 1
        elif is_set or photo.kind == "":
            result.wrong[photo.kind or "was right"] += 1
            result.wrong_names.append(f"{photo.kind}: {photo.name} {date}, not {photo.truth}")
        else:
            result.open[photo.kind] += 1
    del result.right[""]
    return result


def is_right(date: str, truth: _Moment, is_day_enough: bool) -> bool:
    """Whether a date is the true one: of a day, and where enough the day alone."""
    moment = datetime.datetime.fromisoformat(date)
    if len(date) == len("2024-07-15") or is_day_enough:
        return moment.date() == truth.date()
    if date.endswith("+00:00"):  # UTC, one or two hours behind the clocks of Lisbon and Rome
        return abs(moment.replace(tzinfo=None) - truth) <= 2 * datetime.timedelta(hours=1)
    return abs(moment.replace(tzinfo=None) - truth) <= _TOLERANCE


def make_photos(seed: int) -> list[MadePhoto]:
    """Make two years of photos, of which 500 have an erased or a wrong date."""
    random = np.random.default_rng(seed)
    events = _events(random)
    made = [photo for event in events for photo in event]
    made = _with_wrong_clocks(made)
    erased = _Eraser(random, made)
    for kind, count in _ERASED.items():
        erased.erase(kind, count)
    return erased.photos


# With the 170 photos of wrong clocks, 500.
_ERASED = {
    "name of a phone": 70,
    "name of a screenshot": 15,
    "name of a messenger": 20,
    "neighbours": 130,
    "start of the clock": 30,
    "future": 20,
    "saved anew": 25,
    "of another day": 10,
    "nothing to tell it": 10,
}
_WRONG_CLOCKS = {"clock 1 h off": 60, "clock 7 h off": 60, "clock a year off": 50}


def _events(random: np.random.Generator) -> list[list[MadePhoto]]:
    """Return 90 events: 15 of each camera with a phone, and others of phones alone."""
    day = datetime.datetime(2024, 1, 6, 10)  # noqa: DTZ001 - local time
    counters = {camera: int(random.integers(100, 5000)) for camera in (*_PHONES, *_CAMERAS)}
    events, scene = [], 0
    for number in range(90):
        day += datetime.timedelta(days=int(random.integers(4, 11)))
        camera = _CAMERAS[number * len(_CAMERAS) // 72] if number < 72 else None
        devices = [_PHONES[number % 2], *([camera] if camera else [])]
        event = []
        start = day + datetime.timedelta(minutes=int(random.integers(0, 300)))
        # Every third event is at scenes of an earlier one.
        first_scene = scene - 24 if number % 3 == 2 else scene
        for device in devices:
            event += _shots(random, device, start, first_scene, counters, number)
        scene += 8
        events.append(event)
    return events


def _shots(
    random: np.random.Generator,
    device: str,
    start: _Moment,
    first_scene: int,
    counters: dict[str, int],
    number: int,
) -> list[MadePhoto]:
    shots, is_phone = [], device in _PHONES
    for step in range(14):
        scene = first_scene + step // 2
        moment = start + datetime.timedelta(
            minutes=25 * (step // 2) + int(random.integers(0, 9)), seconds=step * 3
        )
        shots.append((moment, scene))
    photos_made = []
    for moment, scene in sorted(shots):
        counters[device] += 1
        name = f"IMG_{counters[device]:04d}.JPG" if device != _CAMERAS[1] else ""
        if device == _PHONES[1]:
            name = f"{moment:%Y%m%d_%H%M%S}.jpg"
        zone = "+01:00" if is_phone else ""
        photos_made.append(
            MadePhoto(
                name or f"DSC_{counters[device]:04d}.JPG",
                f"/photos/{number:02d} {device}",
                moment,
                device,
                scene,
                moment.isoformat() + zone,
                has_place=is_phone and random.random() < 0.8,
            )
        )
    return photos_made


def _with_wrong_clocks(made: list[MadePhoto]) -> list[MadePhoto]:
    """Put three cameras' clocks wrong for a part of their events."""
    shifts = dict(
        zip(
            _WRONG_CLOCKS,
            (
                datetime.timedelta(hours=-1),
                datetime.timedelta(hours=-7),
                datetime.timedelta(days=-365),
            ),
            strict=True,
        )
    )
    left = dict(_WRONG_CLOCKS)
    kind_of = dict(zip(_CAMERAS, _WRONG_CLOCKS, strict=False))
    changed = []
    for photo in made:
        kind = kind_of.get(photo.camera or "")
        if kind is not None and left[kind] and photo.taken_at:
            left[kind] -= 1
            wrong = photo.truth + shifts[kind]
            photo = replace(photo, kind=kind, taken_at=wrong.isoformat())
        changed.append(photo)
    return changed


class _Eraser:
    """Erases dates of photos whose date is right."""

    def __init__(self, random: np.random.Generator, made: list[MadePhoto]) -> None:
        self._random, self.photos = random, list(made)

    def erase(self, kind: str, count: int) -> None:
        """Make so many dates wrong in one way."""
        is_phone_kind = kind.startswith("name") or kind in ("saved anew", "future")
        indices = [
            i
            for i, photo in enumerate(self.photos)
            if not photo.kind and (photo.camera in _PHONES) == (is_phone_kind)
        ]
        for index in self._random.permutation(indices)[:count].tolist():
            self.photos[index] = self._erased(self.photos[index], kind)

    def _erased(self, photo: MadePhoto, kind: str) -> MadePhoto:
        number, moment = int(self._random.integers(0, 10_000)), photo.truth
        nothing = replace(photo, kind=kind, taken_at=None, source=None)
        if kind == "name of a phone":
            utc = moment - datetime.timedelta(hours=1)
            name = (
                f"IMG_{moment:%Y%m%d_%H%M%S}.jpg",
                f"PXL_{utc:%Y%m%d_%H%M%S}123.jpg",
                f"{moment:%Y%m%d_%H%M%S}.jpg",
                f"VID_{moment:%Y%m%d_%H%M%S}_{number}.jpg",
            )[number % 4]
            return replace(nothing, name=name, camera=None)
        if kind == "name of a screenshot":
            return replace(nothing, name=f"Screenshot_{moment:%Y-%m-%d-%H-%M-%S}.png", camera=None)
        if kind == "name of a messenger":
            # One of twenty is sent on the next day.
            sent = moment + datetime.timedelta(days=number % 20 == 0)
            name = f"IMG-{sent:%Y%m%d}-WA{number:04d}.jpg"
            return replace(nothing, name=name, camera=None, folder="/photos/WhatsApp Images")
        if kind == "neighbours":
            return replace(nothing, camera=None if number % 2 else photo.camera)
        if kind == "of another day":
            # A photo that a friend sent, with a name that fits between those of the camera.
            truth = moment + datetime.timedelta(days=20 + number % 50)
            return replace(nothing, camera=None, truth=truth, size=(1600, 1200))
        if kind == "start of the clock":
            default = ("1980-01-01T00:03:10", "2000-01-01T00:00:07", "1970-01-01T01:00:00")
            return replace(photo, kind=kind, taken_at=default[number % 3])
        if kind == "future":
            wrong = moment.replace(year=2031, day=min(moment.day, 28))
            return replace(photo, kind=kind, taken_at=wrong.isoformat(), name=_phone_name(photo))
        if kind == "saved anew":
            saved = moment + datetime.timedelta(days=30 + number % 300)
            source = "DateTime" if number % 2 else "DateTimeOriginal"
            return replace(
                photo, kind=kind, taken_at=saved.isoformat(), source=source, name=_phone_name(photo)
            )
        name = f"{('beach', 'party', 'image', 'scan')[number % 4]} {number}.jpg"
        return replace(nothing, name=name, camera=None, folder="/photos/old")


def _phone_name(photo: MadePhoto) -> str:
    return f"IMG_{photo.truth:%Y%m%d_%H%M%S}.jpg"


def _scene_vectors(random: np.random.Generator, count: int, size: int) -> FloatArray:
    """Return what the photos of each scene share; some scenes resemble an earlier one."""
    common, kinds = random.standard_normal(size), random.standard_normal((_KINDS, size))
    own = random.standard_normal((count, size))
    own[10::10] = 0.7 * own[:-10:10] + 0.7 * own[10::10]
    kind = kinds[random.integers(0, _KINDS, count)]
    scenes: FloatArray = (0.5 * common + 0.45 * kind + 0.63 * own).astype(np.float32)
    return scenes


def put(
    library: Library, made: list[MadePhoto], seed: int, first_slot: int = 0, size: int = _SIZE
) -> None:
    """Write rows and embeddings of photos; the dates are stored as the ingest stores them."""
    random = np.random.default_rng(seed)
    scenes = _scene_vectors(random, 1 + max(photo.scene for photo in made), size)
    noise = random.standard_normal((len(made), size)) * random.uniform(0.2, 0.6, (len(made), 1))
    embeddings = scenes[[photo.scene for photo in made]] + noise
    file = file_name("made", size)
    slots = [packed(photo.id, row) for photo, row in zip(made, embeddings, strict=True)]
    library.embeddings.write(file, first_slot, b"".join(slots))
    rows = [_row(photo, file, slot) for slot, photo in enumerate(made, first_slot)]
    with library.database.writer.begin() as connection:
        connection.execute(insert(photos), rows)


def _row(photo: MadePhoto, file: str, slot: int) -> dict[str, Any]:
    confidence = photo.taken_at and stored_confidence(photo.taken_at, photo.source, _ADDED)
    return {
        "id": photo.id,
        "name": photo.name,
        "folded_name": fold_case(photo.name),
        "format": "JPEG",
        "file_bytes": 1,
        "width": photo.size[0],
        "height": photo.size[1],
        "added_at": _ADDED,
        "auto_taken_at": photo.taken_at,
        "auto_taken_source": photo.source,
        "auto_taken_confidence": confidence,
        "camera": photo.camera,
        "latitude": 38.7 if photo.has_place else None,
        "longitude": -9.1 if photo.has_place else None,
        "bundle": "made",
        "backbone": "made",
        "class_head": "scenes",
        "tag_head": "camera",
        "class_head_label": "sea",
        "confidence": 0.9,
        "class_head_unsure": False,
        "auto_class": "sea",
        "auto_class_source": "scenes",
        "auto_class_score": 0.9,
        "folder": photo.folder,
        "embedding_file": file,
        "embedding_slot": slot,
    }


def measure(count: int) -> tuple[float, float]:
    """Return the seconds, of time and of processor time, that finding doubtful dates takes.

    count: photos in the library, with embeddings of the shipped network's size.
    """
    made = make_photos(1)
    with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "library") as library:
        for first in range(0, count, len(made)):
            part = made[: count - first]
            put(
                library,
                [replace(photo, folder=f"{photo.folder} {first}") for photo in part],
                1,
                first,
                _SHIPPED_SIZE,
            )
        started, cpu_started = time.perf_counter(), time.process_time()
        report = find_doubtful_dates(library, TODAY)
        times = time.perf_counter() - started, time.process_time() - cpu_started
    print(f"{len(report.doubtful):,} of {count:,} dates doubtful")
    return times


if __name__ == "__main__":
    sys.exit(main())
