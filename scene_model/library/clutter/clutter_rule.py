"""The rule that tells clutter from photos. Several signs must agree; no single one is enough.

A real photo called clutter is worse than clutter that is missed. An exposure in the data proves
that a camera took the picture: it may show a document, and be blurred or black, but it is neither a
screenshot nor a meme.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from scene_model.library.clutter.clutter_signs import (
    is_folder_of_received,
    is_named_as_receipt,
    is_named_as_received,
    is_named_as_scan,
    is_named_as_screenshot,
    is_named_by_camera,
    is_other_screen,
    is_phone_screen,
)
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.video.kinds import VIDEO_FORMATS

# A higher number lets all photos of a library be judged again.
RULE_VERSION = 1
DOCUMENTS = "documents"  # the group
TEXT, MEME, CODE = "text_document", "meme", "qr_images"
LABELS = (TEXT, MEME, CODE)
# Of the model's labels, from which probability they count as a sign.
_LIKELY, _SURE = 0.5, 0.9
# Levels of the brightest channel. A display shows what is below 0.08 as black; a camera exposes so
# that something in the picture is bright, unless there is nothing: in a pocket, on a table.
_BLACK, _DIM = 0.08, 0.55
# Photos enlarged four times have a sharpness of 0.2 and more, but for cloudless skies. Where almost
# nothing is bright, noise counts as detail.
_SHARP, _SHARP_IF_DARK, _DARK = 0.25, 0.4, 0.4
# Of programs, whose colours are flat, in bits. Among photos only the darkest have so few tones; of
# pages with a picture, the paper is still most.
_FEW_TONES, _TONES_OF_PAGES = 2.0, 3.5
# What the model sees in a picture without any detail.
_NOTHING = frozenset({"sky", "night", "unsure"})
# Smaller pictures are sharp even where their originals were blurred.
_LEAST_SIDE = 480
# From here on somebody opened the shutter on purpose, for stars or fireworks.
_LONG_EXPOSURE_S = 1.0
# Of a name in a reason, in characters.
_SHORT = 20
# Of a receipt that was scanned: height by width.
_STRIP = 2.2


@dataclass(frozen=True)
class ClutterSigns:
    """What is known of a photo; None where it is not. See the columns of `schema.photos`.

    has_exposure: whether its data have a time of exposure, an aperture or a sensitivity. tags: the
    probability of LABELS by label set and label.
    """

    name: str
    folder: str | None
    format: str
    width: int
    height: int
    camera: str | None
    has_exposure: bool
    exposure_s: float | None
    group: str | None
    tags: dict[tuple[str, str], float]
    sharpness: float | None
    brightness: float | None
    white_level: float | None
    tonal_range: float | None


@dataclass(frozen=True)
class ClutterGuess:
    """The kind of clutter that a photo probably is, and why, in words that follow "It"."""

    kind: ClutterKind
    reasons: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """The reasons as the end of a sentence: "is dim, and is sharp nowhere"."""
        *first, last = self.reasons
        return f"{', '.join(first)}, and {last}" if first else last


def guess_clutter(signs: ClutterSigns) -> ClutterGuess | None:
    """Return what clutter a photo probably is; None for a photo, and where the signs disagree."""
    if signs.format in VIDEO_FORMATS:
        return None
    guesses = (rule(signs) for rule in (_black, _blurred, _screenshot, _document, _meme))
    return next((guess for guess in guesses if guess is not None), None)


def _black(signs: ClutterSigns) -> ClutterGuess | None:
    if signs.white_level is None or signs.brightness is None:
        return None
    is_long = (signs.exposure_s or 0.0) >= _LONG_EXPOSURE_S
    if is_long or signs.white_level >= _BLACK or signs.brightness >= _BLACK / 2:
        return None
    level = f"nothing in it is brighter than {signs.white_level:.0%} of white"
    return ClutterGuess(ClutterKind.BLACK, ("is black", level))


def _blurred(signs: ClutterSigns) -> ClutterGuess | None:
    """Blurred everywhere, dim, and without anything that the model knows."""
    if signs.sharpness is None or signs.white_level is None or signs.format in RAW_FORMATS:
        return None
    is_long = (signs.exposure_s or 0.0) >= _LONG_EXPOSURE_S
    is_large = min(signs.width, signs.height) >= _LEAST_SIDE
    limit = _SHARP_IF_DARK if signs.white_level < _DARK else _SHARP
    is_blurred = signs.sharpness < limit and signs.white_level < _DIM
    if is_long or not (is_large and is_blurred) or signs.group not in _NOTHING:
        return None
    return ClutterGuess(
        ClutterKind.BLURRED,
        ("is sharp nowhere", "is dim", "shows nothing that the model recognises"),
    )


def _screenshot(signs: ClutterSigns) -> ClutterGuess | None:
    if _is_of_camera(signs) or signs.format in RAW_FORMATS:
        return None
    named = _named(signs, is_named_as_screenshot)
    is_phone = is_phone_screen(signs.width, signs.height)
    is_screen = is_phone or is_other_screen(signs.width, signs.height)
    is_png, is_document = signs.format == "PNG", signs.group == DOCUMENTS
    tones = _TONES_OF_PAGES if signs.tonal_range is None else signs.tonal_range
    is_flat = tones < _FEW_TONES
    shows_program = is_flat or (is_document and tones < _TONES_OF_PAGES)
    by_name = bool(named) and (is_screen or is_png or shows_program)
    by_size = (is_phone and (is_png or shows_program)) or (is_screen and is_png and shows_program)
    if not (by_name or by_size):
        return None
    device = "phone or tablet" if is_phone else "computer or phone"
    signs_in_words = (
        (is_screen, f"has the size of the screen of a {device}"),
        (is_png, "is a PNG, which cameras do not write"),
        (is_document, "looks like a document or a page"),
        (is_flat, "has few tones"),
        (True, "has no camera in its data"),
    )
    reasons = (*(words for is_so, words in signs_in_words if is_so), *named)
    return ClutterGuess(ClutterKind.SCREENSHOT, reasons)


def _document(signs: ClutterSigns) -> ClutterGuess | None:
    """A page or a receipt: what two label sets say, or one and the name."""
    scores = [score for (_, label), score in signs.tags.items() if label == TEXT]
    name = _named(signs, is_named_as_scan)
    receipt = _named(signs, is_named_as_receipt)
    is_page = len(scores) > 1 and max(scores) >= _LIKELY
    is_named_page = max(scores, default=0.0) >= _LIKELY and bool(name or receipt)
    if signs.group != DOCUMENTS or not (is_page or is_named_page):
        return None
    sets = " to two label sets of the model" if len(scores) > 1 else ""
    reasons = (f"looks like a page of text{sets}", *receipt, *name)
    is_strip = signs.height >= _STRIP * signs.width and not _is_of_camera(signs)
    if is_strip:
        reasons = (*reasons, "is as narrow as a receipt")
    is_receipt = bool(receipt) or is_strip
    return ClutterGuess(ClutterKind.RECEIPT if is_receipt else ClutterKind.DOCUMENT, reasons)


def _meme(signs: ClutterSigns) -> ClutterGuess | None:
    """A meme to the model that came from others, or at least has no name of a camera."""
    meme = max((score for (_, label), score in signs.tags.items() if label == MEME), default=0.0)
    code = max((score for (_, label), score in signs.tags.items() if label == CODE), default=0.0)
    is_document = signs.group == DOCUMENTS
    # Codes and posters look alike to it.
    if _is_of_camera(signs) or code >= _SURE or not is_document or meme < _LIKELY:
        return None
    origin: tuple[str, ...] = ()
    if is_named_as_received(signs.name):
        origin = (f"is named {_short(signs.name)}, as messengers and sites name pictures",)
    elif is_folder_of_received(_folder_name(signs.folder)):
        origin = (f"came from the folder {_folder_name(signs.folder)}",)
    elif meme < _SURE or is_named_by_camera(signs.name):
        return None
    return ClutterGuess(
        ClutterKind.MEME, ("looks like a meme", "has no camera in its data", *origin)
    )


def _is_of_camera(signs: ClutterSigns) -> bool:
    return signs.has_exposure or signs.camera is not None


def _named(signs: ClutterSigns, is_so: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the reason that the name, or else the folder, passes a test; nothing otherwise."""
    if is_so(signs.name):
        return (f"is named {_short(signs.name)}",)
    folder = _folder_name(signs.folder)
    return (f"came from the folder {folder}",) if is_so(folder) else ()


def _folder_name(folder: str | None) -> str:
    """Return the name of the folder that a file was in; folders above it say little."""
    if not folder:
        return ""
    path = PureWindowsPath(folder) if "\\" in folder else PurePosixPath(folder)
    return path.name


def _short(name: str) -> str:
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}…"
