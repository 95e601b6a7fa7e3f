"""A seeded set of photos and clutter, with names, folders and EXIF as cameras and programs write.

Real photos are small here (192 pixels), so some are enlarged to the sizes that phones, messengers
and wallpapers have; enlarged, they are as soft as photos out of focus, which is no clutter.
"""

import io
import random
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.clutter import drawn
from scene_model.library.clutter.conditions import ClutterKind

PHOTO = "photo"
# Photos of these classes are clutter: they show nothing but a document or a meme.
_TRUTH = {
    "Text document": ClutterKind.DOCUMENT,
    "Text_Documents": ClutterKind.DOCUMENT,
    "Meme": ClutterKind.MEME,
}
# What is most like clutter: dark, foggy, bright, shallow, or with writing.
_HARD = (
    *("Night", "Sky", "Snow", "Painting", "Flower", "Sunset", "Macro", "Blue_Sky", "Cloudy_Sky"),
    *("Night_shot", "Neon_lights", "Backlight", "Candle_light", "Fireworks", "Stage_concert"),
    *("QR_images", "Computer_Screens", "Underwater", "Landmark"),
)
_EXIF = 0x8769
_CAMERAS = (("Apple", "iPhone 12"), ("samsung", "SM-G991B"), ("Canon", "Canon EOS 80D"))


@dataclass(frozen=True)
class MadeFile:
    """A file with its truth: a kind of clutter, or PHOTO. source: what it was made of."""

    truth: str
    source: str
    name: str
    folder: str
    data: bytes


@dataclass(frozen=True)
class Photo:
    """A real photo with its class."""

    label: str
    picture: Image.Image
    data: bytes


def read_photos(zips: Sequence[Path], count: int, seed: int) -> list[Photo]:
    """Read photos, half of them of the hard classes; even and odd seeds read others."""
    by_label: dict[str, list[tuple[Path, str]]] = {}
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist())[seed % 2 :: 2]:
                if name.endswith(".webp"):
                    by_label.setdefault(Path(name).parent.name, []).append((path, name))
    numbers = random.Random(seed)  # noqa: S311
    hard = [label for label in by_label if label in _HARD]
    easy = [label for label in by_label if label not in _HARD and label not in _TRUTH]
    clutter = [label for label in by_label if label in _TRUTH]
    shares = ((hard, count // 2), (easy, count - count // 2), (clutter, count // 8))
    chosen = [
        (label, *item)
        for labels, share in shares
        for label in labels
        for item in numbers.sample(
            by_label[label], min(len(by_label[label]), -(-share // len(labels)))
        )
    ]
    archives = {path: zipfile.ZipFile(path) for path in zips}
    photos = []
    for label, path, name in chosen:
        data = archives[path].read(name)
        photos.append(Photo(label, Image.open(io.BytesIO(data)).convert("RGB"), data))
    return photos


def made_files(photos: Sequence[Photo], clutter_count: int, seed: int) -> Iterator[MadeFile]:
    """Yield each photo in one of four forms, and a number of files of each kind of clutter."""
    numbers = random.Random(seed)  # noqa: S311
    for index, photo in enumerate(photos):
        yield _photo(photo, index, numbers)
    plain = [photo for photo in photos if photo.label not in _TRUTH]
    makers = (_screenshot, _document, _receipt, _meme, _blurred, _black)
    for index in range(clutter_count):
        for make in makers:
            yield make(numbers.choice(plain).picture, index, numbers)


def _photo(photo: Photo, index: int, numbers: random.Random) -> MadeFile:
    truth = str(_TRUTH.get(photo.label, PHOTO))
    if truth == ClutterKind.MEME:  # which no camera takes
        return _sent(photo.picture, index, numbers, "of shared")
    guise = index % 5
    if guise < 2:
        name, folder, data = f"DSC_{index:04}.webp", "/photos/2019", photo.data
    elif guise == 2:
        name, folder = f"IMG-20240{1 + index % 9}10-WA{index:04}.jpg", "/WhatsApp Images"
        data = _jpeg(_resized(photo.picture, 1600), numbers, is_camera=False)
    elif guise == 3:
        name, folder = f"IMG_{20240101 + index}_101500.jpg", "/DCIM/Camera"
        data = _jpeg(_resized(photo.picture, 1200), numbers, is_camera=True)
    else:  # saved at the size of a screen
        size = numbers.choice((*drawn.DESKTOPS[:2], (1080, 1920)))
        name, folder = f"{numbers.choice(('wallpaper', 'image', 'edited'))}_{index}", "/Pictures"
        picture = photo.picture.resize(size)
        is_png = index % 2 == 0
        name += ".png" if is_png else ".jpg"
        data = _png(picture) if is_png else _jpeg(picture, numbers, is_camera=False)
    return MadeFile(truth, f"shared {photo.label}, guise {guise}", name, folder, data)


def _screenshot(photo: Image.Image, index: int, numbers: random.Random) -> MadeFile:
    is_phone = numbers.random() < 0.65
    size = numbers.choice(drawn.PHONES if is_phone else drawn.DESKTOPS)
    picture = drawn.screenshot(size, photo, numbers)
    day, folder = f"2024-0{1 + index % 9}-1{index % 10}", "/Pictures/Screenshots"
    is_named, is_jpeg = numbers.random() < 0.75, is_phone and numbers.random() < 0.35
    if is_phone and is_named:
        name = f"Screenshot_{day.replace('-', '')}-10{index % 50 + 10}00_Chrome"
    elif is_phone:
        name, folder = f"IMG_{1000 + index}", "/DCIM/100APPLE"
    elif is_named:
        shown = numbers.choice(
            (
                "Bildschirmfoto",
                "Screenshot",
                "Screen Shot",
                "Capture d’écran",
                "Captura de pantalla",
            )
        )
        name = f"{shown} {day} at 10.{index % 50 + 10}.00"
    else:
        name, folder = f"image{index}", "/Downloads"
    if is_jpeg:
        data = _jpeg(picture, numbers, is_camera=False)
        return MadeFile(ClutterKind.SCREENSHOT, "drawn", f"{name}.jpg", folder, data)
    return MadeFile(ClutterKind.SCREENSHOT, "drawn", f"{name}.png", folder, _png(picture))


def _document(photo: Image.Image, index: int, numbers: random.Random) -> MadeFile:
    page = drawn.document(numbers)
    if numbers.random() < 0.3:
        data = _jpeg(page, numbers, is_camera=False)
        return MadeFile(ClutterKind.DOCUMENT, "scanned", f"Scan_{index:04}.jpg", "/Scans", data)
    data = _jpeg(drawn.photographed(page, photo, numbers), numbers, is_camera=True)
    return MadeFile(ClutterKind.DOCUMENT, "photographed", f"IMG_{2000 + index}.jpg", "/DCIM", data)


def _receipt(photo: Image.Image, index: int, numbers: random.Random) -> MadeFile:
    picture = drawn.photographed(drawn.receipt(numbers), photo, numbers)
    data = _jpeg(picture, numbers, is_camera=True)
    name, folder = f"IMG_{3000 + index}.jpg", "/DCIM"
    if numbers.random() < 0.3:
        folder = "/Belege 2024"
    return MadeFile(ClutterKind.RECEIPT, "photographed", name, folder, data)


def _meme(photo: Image.Image, index: int, numbers: random.Random) -> MadeFile:
    return _sent(drawn.meme(photo, numbers), index, numbers, "drawn")


def _sent(picture: Image.Image, index: int, numbers: random.Random, source: str) -> MadeFile:
    name, folder = numbers.choice(
        (
            (f"IMG-20240{1 + index % 9}05-WA{index:04}.jpg", "/WhatsApp/Media/WhatsApp Images"),
            (f"received_{10**15 + index}.jpeg", "/Messenger"),
            (f"{index:x}f83k2l9{index}.jpg", "/Downloads"),
        )
    )
    data = _jpeg(picture, numbers, is_camera=False)
    return MadeFile(ClutterKind.MEME, source, name, folder, data)


def _blurred(photo: Image.Image, index: int, numbers: random.Random) -> MadeFile:
    """Shake and blur a photo by 2 to 6 % of its side, in the dim light of a pocket or outside."""
    picture = _resized(photo, 1200)
    side = max(picture.size)
    picture = picture.filter(ImageFilter.GaussianBlur(side * numbers.uniform(0.02, 0.06)))
    pixels = np.asarray(picture, np.float32) * numbers.uniform(0.15, 0.9)
    return _taken(ClutterKind.BLURRED, pixels, 4000 + index, numbers)


def _black(photo: Image.Image, index: int, numbers: random.Random) -> MadeFile:
    pixels = np.asarray(_resized(photo, 1200), np.float32) * numbers.uniform(0.0, 0.02)
    return _taken(ClutterKind.BLACK, pixels, 5000 + index, numbers)


def _taken(
    kind: ClutterKind, pixels: "np.ndarray", number: int, numbers: random.Random
) -> MadeFile:
    noise = np.random.default_rng(number).normal(0, numbers.uniform(0.5, 2.0), pixels.shape)
    picture = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    data = _jpeg(picture, numbers, is_camera=True)
    return MadeFile(kind, "of a photo", f"IMG_{number}.jpg", "/DCIM", data)


def _resized(photo: Image.Image, side: int) -> Image.Image:
    scale = side / max(photo.size)
    return photo.resize((round(photo.width * scale), round(photo.height * scale)))


def _jpeg(picture: Image.Image, numbers: random.Random, is_camera: bool) -> bytes:
    exif = Image.Exif()
    if is_camera:
        exif[0x010F], exif[0x0110] = numbers.choice(_CAMERAS)
        exif[_EXIF] = {0x829A: 1 / numbers.choice((30, 60, 125)), 0x829D: 1.8, 0x8827: 400}
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=numbers.randrange(80, 95), exif=exif)
    return stream.getvalue()


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
