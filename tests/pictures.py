"""Pictures made on the spot."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pillow_jxl  # noqa: F401 - lets Pillow write JPEG XL
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("Beach", "Forest", "Old Town")


def textured(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth random RGB picture: survives JPEG, differs by seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green / blue, white: tells every orientation apart."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    picture.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    picture.paste((0, 0, 255), (0, height // 2, width // 2, height))
    return picture


def encode(picture: Image.Image, format_name: str = "JPEG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    if format_name == "JPEG":
        options.setdefault("quality", 92)
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def burst_with_faults(photo: bytes) -> list[tuple[str, bytes]]:
    """A burst of three JPEGs of a photo: sharp, out of focus, and shaken."""
    shake = ImageFilter.Kernel((5, 5), [0] * 10 + [1] * 5 + [0] * 10)
    with Image.open(io.BytesIO(photo)) as sharp:
        views = [sharp, sharp.filter(ImageFilter.GaussianBlur(4)), sharp.filter(shake)]
        files = []
        for number, view in enumerate(views, 1):
            exif = Image.Exif()
            exif[0x0110] = "Canon EOS R7"
            exif.get_ifd(0x8769).update({0x9003: "2024:07:15 12:00:07", 0x9291: f"{number}0"})
            files.append((f"DSC_{number:04d}.JPG", encode(view, exif=exif)))
        return files


def placed(
    picture: Image.Image, latitude: float, longitude: float, altitude_m: float | None = None
) -> bytes:
    """A JPEG whose EXIF says where it was taken; degrees."""

    def degrees(value: float) -> tuple[float, float, float]:
        minutes, seconds = divmod(abs(value) * 3600, 60)
        return minutes // 60, minutes % 60, round(seconds, 3)

    exif = Image.Exif()
    gps: dict[int, object] = {1: "N" if latitude > 0 else "S", 2: degrees(latitude)}
    gps |= {3: "E" if longitude > 0 else "W", 4: degrees(longitude)}
    gps |= {} if altitude_m is None else {5: b"\0", 6: altitude_m}
    exif.get_ifd(0x8825).update(gps)
    return encode(picture, exif=exif)


def stored_as(upright: Image.Image, orientation: int) -> bytes:
    """A JPEG whose pixels lie as ``orientation`` says and whose EXIF turns them upright."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(stored, quality=95, exif=exif)


def striped(seed: int) -> bytes:
    """A JPEG of bold stripes, unlike the smooth pictures of `textured`."""
    picture = Image.new("RGB", (160, 120), "white")
    for x in range(seed % 5, 160, 16):
        picture.paste((seed * 9 % 120, 0, 0), (x, 0, x + 7, 120))
    return encode(picture)


def write_class_folders(root: Path, photos: int, side: int = 64) -> Path:
    """Make three classes of drawings: told apart by any network that learns at all."""
    for index, name in enumerate(CLASSES):
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(photos):
            picture = _drawing(name, side, seed=1000 * index + number)
            (folder / f"{number:02d}.png").write_bytes(encode(picture, "PNG"))
    return root


def _drawing(name: str, side: int, seed: int) -> Image.Image:
    """A bright disc, dark upright bars, or a coloured chequerboard, over a texture."""
    rng = np.random.default_rng(seed)
    picture = textured(side, side, seed)
    draw = ImageDraw.Draw(picture)
    step = side // 8
    if name == "Beach":
        x, y = (int(v) for v in rng.integers(0, side // 3, 2))
        draw.ellipse((x, y, x + side // 2, y + side // 2), fill=(250, 240, 140))
    elif name == "Forest":
        for x in range(int(rng.integers(0, step)), side, 2 * step):
            draw.rectangle((x, 0, x + step - 1, side), fill=(20, 45, 20))
    else:
        colour = tuple(int(v) for v in rng.integers(80, 255, 3))
        for x in range(0, side, 2 * step):
            for y in range(0, side, 2 * step):
                draw.rectangle((x, y, x + step, y + step), fill=colour)
    return picture
