"""The clutter rule: several signs must agree, and what a camera took is no screenshot."""

from dataclasses import replace

import pytest

from scene_model.library.clutter.clutter_rule import ClutterSigns, guess_clutter
from scene_model.library.clutter.conditions import ClutterKind

PHOTO = ClutterSigns(
    name="IMG_2041.jpg",
    folder="/DCIM/Camera",
    format="JPEG",
    width=4032,
    height=3024,
    camera="Apple iPhone 12",
    has_exposure=True,
    exposure_s=0.01,
    group="water",
    tags={},
    sharpness=0.9,
    brightness=0.4,
    white_level=0.95,
    tonal_range=5.2,
)
UNSIGNED = replace(PHOTO, camera=None, has_exposure=False, exposure_s=None)
SCREEN = replace(UNSIGNED, format="PNG", width=1170, height=2532, folder="/Downloads")
PAGE = replace(
    PHOTO,
    group="documents",
    tags={("camera", "text_document"): 0.97, ("camsdd", "text_document"): 0.9},
)
MEME = replace(UNSIGNED, group="documents", tags={("camera", "meme"): 0.8})
POCKET = replace(PHOTO, group="sky", sharpness=0.1, brightness=0.1, white_level=0.3)
BLACK = replace(PHOTO, group="night", brightness=0.005, white_level=0.02, tonal_range=0.1)


def kind_of(signs: ClutterSigns) -> ClutterKind | None:
    guess = guess_clutter(signs)
    return None if guess is None else guess.kind


@pytest.mark.parametrize(
    "name",
    [
        *("Screenshot_20240110-101500_Chrome.jpg", "Screen Shot 2024-01-10 at 10.15.00.png"),
        *("Bildschirmfoto 2024-01-10 um 10.15.00.png", "Capture d’écran 2024-01-10.png"),
        *("Capture d'e\u0301cran 2024.png", "Captura de pantalla 2024.png", "截屏2024-01-10.png"),
        *("Снимок экрана 2024.png", "Skärmavbild 2024.png", "Bildschirmfoto vom 2024.png"),
    ],
)
def test_a_screen_with_the_name_of_a_screenshot(name: str) -> None:
    assert kind_of(replace(SCREEN, name=name)) is ClutterKind.SCREENSHOT


@pytest.mark.parametrize(
    "signs",
    [
        SCREEN,
        replace(SCREEN, width=1920, height=1080, tonal_range=1.4),
        replace(SCREEN, format="JPEG", folder="C:\\Users\\me\\Pictures\\Screenshots"),
        replace(SCREEN, format="JPEG", group="documents", tonal_range=3.0),
    ],
    ids=["PNG of a phone", "flat PNG of a desktop", "folder", "page of a phone"],
)
def test_other_signs_of_a_screenshot(signs: ClutterSigns) -> None:
    assert kind_of(signs) is ClutterKind.SCREENSHOT


@pytest.mark.parametrize(
    "signs",
    [
        replace(SCREEN, name="Screenshot_1.png", camera="Canon", has_exposure=True),
        replace(SCREEN, name="Screenshot_1.png", has_exposure=True),
        replace(SCREEN, width=1920, height=1080),
        replace(SCREEN, format="JPEG"),
        replace(UNSIGNED, name="Screenshot_1.jpg"),
        replace(UNSIGNED, format="PNG"),
        replace(SCREEN, name="Screenshot_1.png", format="MP4"),
    ],
    ids=["camera", "exposure", "wallpaper", "JPEG", "name alone", "PNG alone", "video"],
)
def test_signs_that_are_not_enough_for_a_screenshot(signs: ClutterSigns) -> None:
    assert kind_of(signs) is None


def test_documents_and_receipts_may_come_from_a_camera() -> None:
    assert kind_of(PAGE) is ClutterKind.DOCUMENT
    assert kind_of(replace(PAGE, folder="/home/me/Belege 2024")) is ClutterKind.RECEIPT
    assert kind_of(replace(PAGE, name="receipt_shop.jpg")) is ClutterKind.RECEIPT
    strip = replace(PAGE, camera=None, has_exposure=False, width=400, height=1400)
    assert kind_of(strip) is ClutterKind.RECEIPT


def test_a_single_label_set_needs_a_name_for_a_document() -> None:
    single = replace(PAGE, tags={("camera", "text_document"): 0.97})
    assert kind_of(single) is None
    assert kind_of(replace(single, name="Scan_0012.jpg")) is ClutterKind.DOCUMENT
    assert kind_of(replace(PAGE, group="city")) is None
    # A part of a word.
    assert kind_of(replace(single, name="scandinavia.jpg", folder="/docks")) is None


def test_a_meme_came_from_others() -> None:
    assert kind_of(replace(MEME, name="IMG-20240105-WA0012.jpg")) is ClutterKind.MEME
    assert kind_of(replace(MEME, folder="/sdcard/WhatsApp Images")) is ClutterKind.MEME
    assert kind_of(MEME) is None
    sure = replace(MEME, tags={("camera", "meme"): 0.95})
    assert kind_of(sure) is None, "it has the name of a camera"
    assert kind_of(replace(sure, name="cat.jpg")) is ClutterKind.MEME
    taken = replace(MEME, name="IMG-20240105-WA0012.jpg", has_exposure=True)
    assert kind_of(taken) is None
    code = MEME.tags | {("camsdd", "qr_images"): 0.99}
    assert kind_of(replace(MEME, name="IMG-20240105-WA0012.jpg", tags=code)) is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, ClutterKind.BLURRED),
        ({"group": "unsure"}, ClutterKind.BLURRED),
        ({"group": "forest"}, None),
        ({"white_level": 0.9, "brightness": 0.6}, None),
        ({"sharpness": 0.5}, None),
        ({"width": 320, "height": 240}, None),
        ({"exposure_s": 20.0}, None),
        ({"sharpness": None}, None),
    ],
    ids=str,
)
def test_a_blurred_shot_is_dim_and_shows_nothing(
    changes: dict[str, object], kind: ClutterKind | None
) -> None:
    assert kind_of(replace(POCKET, **changes)) is kind  # type: ignore[arg-type]


def test_a_black_frame_has_nothing_bright_and_was_not_exposed_for_long() -> None:
    assert kind_of(BLACK) is ClutterKind.BLACK
    assert kind_of(replace(BLACK, white_level=0.6)) is None, "a lamp in the night"
    assert kind_of(replace(BLACK, exposure_s=15.0)) is None, "stars"


def test_the_reasons_are_a_sentence() -> None:
    guess = guess_clutter(replace(SCREEN, name="Screenshot_20240110-101500.png"))
    assert guess is not None
    assert guess.in_words == (
        "has the size of the screen of a phone or tablet, is a PNG, which cameras do not write, "
        "has no camera in its data, and is named Screenshot_20240110…"
    )
    assert kind_of(PHOTO) is None
