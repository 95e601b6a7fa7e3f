"""Screenshots, documents, receipts and memes drawn by Pillow, in many styles."""

import random
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Picture = Image.Image
Colour = tuple[int, int, int]

PHONES = (
    *((750, 1334), (1125, 2436), (1170, 2532), (1284, 2778), (1179, 2556), (828, 1792)),
    *((1080, 2400), (1080, 2340), (1440, 3200), (720, 1600), (1080, 1920), (1008, 2244)),
)
DESKTOPS = ((1920, 1080), (1366, 768), (2560, 1440), (1440, 900), (2880, 1800), (3024, 1964))
_WORDS = (
    "the of and to in is you that it he was for on are as with his they at be this have from or "
    "had by not word but what some we can out other were all there when up use your how said an "
    "each she which do their time if will way about many then them write would like so these her "
    "long make thing see him two has look more day could go come did number sound no most people"
).split()
_SHOP_WORDS = ("MILK", "BREAD", "APPLES", "COFFEE", "RICE", "SOAP", "BATTERIES", "TEA", "PASTA")


def screenshot(size: tuple[int, int], photo: Picture, numbers: random.Random) -> Picture:
    """Draw a screen: a chat, a list, a page with pictures, code, a table, or a home screen."""
    width, height = size
    is_dark = numbers.random() < 0.35
    paper, ink = ((18, 18, 22), (228, 228, 230)) if is_dark else ((250, 250, 252), (25, 25, 28))
    accent = tuple(numbers.randrange(30, 230) for _ in range(3))
    picture = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(picture)
    unit = min(width, height) // 24
    kind = numbers.choice(("chat", "list", "page", "code", "table", "home", "photo"))
    if kind == "chat":
        _chat(draw, size, unit, ink, accent, numbers)
    elif kind == "list":
        for top in range(3 * unit, height, 3 * unit):
            draw.ellipse((unit, top, 3 * unit, top + 2 * unit), fill=_colour(numbers))
            _line(draw, (4 * unit, top), unit, ink, numbers, 4)
            draw.line((4 * unit, top + 2 * unit, width, top + 2 * unit), fill=accent)
    elif kind == "page":
        inset = photo.resize((width - 2 * unit, height // 3))
        picture.paste(inset, (unit, 4 * unit))
        _text(draw, (unit, 5 * unit + height // 3, width - unit, height), unit, ink, numbers)
    elif kind == "code":
        for top in range(2 * unit, height - unit, unit * 3 // 2):
            left = unit * numbers.choice((1, 2, 3, 4))
            _line(draw, (left, top), unit, _colour(numbers), numbers, 6)
    elif kind == "table":
        for top in range(2 * unit, height, 2 * unit):
            draw.line((0, top, width, top), fill=accent)
            for left in range(0, width, 5 * unit):
                draw.text((left, top), str(numbers.randrange(10**5)), ink, _font(unit))
    elif kind == "home":
        picture.paste(photo.resize(size), (0, 0))
        for top in range(3 * unit, height - 5 * unit, 6 * unit):
            for left in range(unit, width - 4 * unit, 6 * unit):
                box = (left, top, left + 4 * unit, top + 4 * unit)
                draw.rounded_rectangle(box, unit, fill=_colour(numbers))
    else:  # a photo or a film on the whole width
        picture.paste(photo.resize((width, min(height, width * 3 // 4))), (0, height // 5))
    draw.rectangle((0, 0, width, unit * 3 // 2), fill=paper)
    draw.text(
        (unit, unit // 4), f"{numbers.randrange(24)}:{numbers.randrange(60):02}", ink, _font(unit)
    )
    return picture


def document(numbers: random.Random) -> Picture:
    """Draw a page of text, with a heading and sometimes a table or a stamp."""
    tone = numbers.randrange(225, 256)
    page = Image.new("RGB", (1000, 1414), (tone, tone, max(200, tone - numbers.randrange(12))))
    draw = ImageDraw.Draw(page)
    draw.text((90, 80), " ".join(numbers.sample(_WORDS, 4)).title(), (20, 20, 25), _font(44))
    size = numbers.choice((16, 20, 24, 30))
    _text(draw, (90, 180, 910, numbers.randrange(800, 1340)), size, (35, 35, 40), numbers)
    if numbers.random() < 0.4:
        draw.ellipse((650, 1150, 850, 1350), outline=_colour(numbers), width=6)
    return page


def receipt(numbers: random.Random) -> Picture:
    """Draw the strip of a till: items with prices, a total, and a bar code."""
    lines = numbers.randrange(14, 34)
    tone = numbers.randrange(222, 250)
    strip = Image.new("RGB", (420, 300 + 34 * lines), (tone, tone, tone - 6))
    draw = ImageDraw.Draw(strip)
    ink = (60, 60, 66)
    draw.text((110, 30), numbers.choice(("SUPERMARKT", "GROCERY", "CAFE")), ink, _font(34))
    for row in range(lines):
        top = 110 + 34 * row
        draw.text((24, top), numbers.choice(_SHOP_WORDS), ink, _font(24))
        draw.text(
            (320, top), f"{numbers.randrange(1, 90)}.{numbers.randrange(100):02}", ink, _font(24)
        )
    left = 40
    while left < 380:
        width = numbers.choice((2, 3, 5))
        draw.rectangle((left, strip.height - 110, left + width, strip.height - 40), fill=ink)
        left += width + numbers.choice((2, 4))
    return strip


def photographed(paper: Picture, table: Picture, numbers: random.Random) -> Picture:
    """Lay paper on a table, slightly turned, in uneven light, as a phone photographs it."""
    width, height = 1200, 1600
    scene = table.resize((width, height)).filter(ImageFilter.GaussianBlur(6))
    scale = numbers.uniform(0.75, 1.0) * min(width / paper.width, height / paper.height)
    sheet = paper.resize((int(paper.width * scale), int(paper.height * scale)))
    turned = sheet.convert("RGBA").rotate(numbers.uniform(-7, 7), expand=True)
    scene.paste(turned, ((width - turned.width) // 2, (height - turned.height) // 2), turned)
    light = Image.linear_gradient("L").resize((width, height)).rotate(180 * numbers.randrange(2))
    dim = Image.new("RGB", (width, height), tuple(numbers.randrange(20, 60) for _ in range(3)))
    mask = light.point(lambda value: value // numbers.choice((3, 4, 6)))
    return Image.composite(dim, scene, mask)


def meme(photo: Picture, numbers: random.Random) -> Picture:
    """Write a caption on a photo, or in a bar above it."""
    side = numbers.choice((500, 640, 720, 1080))
    height = side * numbers.choice((3, 4)) // 4
    base = photo.resize((side, height))
    text = " ".join(numbers.sample(_WORDS, 5))
    if numbers.random() < 0.5:
        draw = ImageDraw.Draw(base)
        font, half = _font(side // 13), len(text) // 2
        for line, top in (
            (text[:half].upper(), side // 40),
            (text[half:].upper(), height - side // 9),
        ):
            place, white, black = (side // 20, top), (255, 255, 255), (0, 0, 0)
            width = max(2, side // 160)
            draw.text(place, line, white, font, stroke_width=width, stroke_fill=black)
        return base
    bar = side // 4
    whole = Image.new("RGB", (side, height + bar), (255, 255, 255))
    whole.paste(base, (0, bar))
    draw = ImageDraw.Draw(whole)
    half = len(text) // 2
    for line, top in ((text[:half], bar // 8), (text[half:], bar // 2)):
        draw.text((side // 30, top), line, (10, 10, 10), _font(side // 15))
    return whole


def _chat(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    unit: int,
    ink: Colour,
    accent: Sequence[int],
    numbers: random.Random,
) -> None:
    width, height = size
    top = 3 * unit
    while top < height - 4 * unit:
        tall = unit * numbers.choice((2, 3, 5))
        left = unit if numbers.random() < 0.5 else width // 3
        draw.rounded_rectangle(
            (left, top, left + width * 3 // 5, top + tall), unit // 2, fill=tuple(accent)
        )
        _text(draw, (left + unit // 2, top, left + width // 2, top + tall), unit, ink, numbers)
        top += tall + unit // 2


def _text(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    size: int,
    ink: Colour,
    numbers: random.Random,
) -> None:
    left, top, right, bottom = box
    words = max(2, int((right - left) / (size * 2.9)))
    for y in range(top, bottom - size, int(size * 1.5)):
        _line(draw, (left, y), size, ink, numbers, words)


def _line(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    size: int,
    ink: Colour,
    numbers: random.Random,
    words: int,
) -> None:
    draw.text(place, " ".join(numbers.choices(_WORDS, k=words)), ink, _font(size))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


def _colour(numbers: random.Random) -> Colour:
    return numbers.randrange(40, 240), numbers.randrange(40, 240), numbers.randrange(40, 240)
