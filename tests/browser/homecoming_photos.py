"""Three hundred photos of a person back from five days in Lisbon, with screenshots between them."""

import datetime
import io
from collections.abc import Iterator

from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload

from tests.pictures import encode, placed

COUNT = 300
TITLE, FOLDER = "Lisbon and Sintra, July 2024", "2024-07 Lisbon and Sintra"
DAYS, BURSTS, SCREENSHOTS, BLACK = 5, 5, 8, 4
HOME, LISBON, SINTRA = (47.37, 8.54), (38.71, -9.14), (38.8, -9.38)
_AT_HOME, _FRAMES = 20, 4
_FIRST_DAY = datetime.datetime(2024, 7, 12)
_ON_TRIP = COUNT - _AT_HOME - BURSTS * _FRAMES - SCREENSHOTS - BLACK
_HOURS = (9, 10, 11, 12, 14, 15, 17, 19, 20)


def homecoming_photos(pictures: Iterator[bytes]) -> list[FilePayload]:
    """Return the files. pictures: photographs, one for each photo or burst."""
    files = []
    for number in range(_AT_HOME):
        moment = datetime.datetime(2024, 5, 20, 18, number) + datetime.timedelta(days=2 * number)
        files.append(_photo(_picture(pictures), f"IMG_{number:04}.jpg", moment, HOME))
    for number in range(_ON_TRIP):
        day, of_day = number % DAYS, number // DAYS
        hour, minute = _HOURS[of_day % len(_HOURS)], 5 * (of_day // len(_HOURS)) + day
        moment = _FIRST_DAY + datetime.timedelta(days=day, hours=hour, minutes=minute)
        at = SINTRA if day in (2, 3) else LISBON
        files.append(_photo(_picture(pictures), f"IMG_{1000 + number}.jpg", moment, at))
    for burst in range(BURSTS):
        picture = _picture(pictures)
        moment = _FIRST_DAY + datetime.timedelta(days=burst, hours=16, minutes=10, seconds=7)
        for frame in range(_FRAMES):
            # The hand moves a little.
            view = picture.crop(
                (frame, frame, picture.width - 8 + frame, picture.height - 8 + frame)
            )
            name = f"DSC_{100 * burst + frame:04}.JPG"
            files.append(_photo(view, name, moment, LISBON, f"{2 * frame}0"))
    for number in range(BLACK):
        moment = _FIRST_DAY + datetime.timedelta(days=number, hours=22, minutes=number)
        black = Image.new("RGB", (480 + number, 360))
        files.append(_photo(black, f"IMG_{2000 + number}.jpg", moment, LISBON))
    for number in range(SCREENSHOTS):
        name = f"Screenshot_202407{12 + number % DAYS}-13{number:02}00.png"
        files.append({"name": name, "mimeType": "image/png", "buffer": _screenshot(number)})
    return files


def _picture(pictures: Iterator[bytes]) -> Image.Image:
    return Image.open(io.BytesIO(next(pictures))).convert("RGB")


def _photo(
    picture: Image.Image,
    name: str,
    moment: datetime.datetime,
    at: tuple[float, float],
    subsecond: str = "00",
) -> FilePayload:
    with Image.open(io.BytesIO(placed(picture, *at))) as photo:
        exif = photo.getexif()
    exif[0x0110] = "Canon EOS R7"
    exif.get_ifd(0x8769).update({0x9003: f"{moment:%Y:%m:%d %H:%M:%S}", 0x9291: subsecond})
    data = encode(picture, quality=85, exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def _screenshot(number: int) -> bytes:
    """A settings page on a phone: grey lines on white."""
    screen = Image.new("RGB", (1170, 2532), "white")
    draw = ImageDraw.Draw(screen)
    for line in range(12 + number):
        draw.rectangle((60, 200 + 140 * line, 500 + 37 * number, 240 + 140 * line), "grey")
    return encode(screen, "PNG")
