"""New photos on memory cards and cameras that are connected, for a page to offer.

A card is a mounted drive with a folder DCIM (JEITA CP-3461, DCF). What is new on it is decided by
names, sizes and dates; no photo is read for it.
"""

import datetime
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.vocabulary import fold_case
from scene_model.errors import SceneError
from scene_model.ingest.watch.folder_files import FileStamp, UnreadableFolders, photo_files
from scene_model.ingest.watch.mounts import ListMounts, list_mounts
from scene_model.library.inventory import names_and_sizes
from scene_model.library.store import Library

_POLL_S = 3.0
_PHOTO_FOLDER = "DCIM"
# Cameras write the local time; the file's time is read in the zone of this computer.
_MAX_DAYS_APART = 1.5
CARD_PLACES = (Path("/media"), Path("/run/media"), Path("/Volumes"))

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CardOffer:
    """The new photos on one card. name: what people call it."""

    card: Path
    photos: tuple[Path, ...]
    file_bytes: int

    @property
    def name(self) -> str:
        """The name of the drive."""
        return self.card.name or str(self.card)


def find_cards(mounts: ListMounts, places: Sequence[Path] = CARD_PLACES) -> list[Path]:
    """Return the mounted drives that hold a folder DCIM, below some places or with a letter."""
    paths = dict.fromkeys(mount.path for mount in mounts())
    return [
        path
        for path in paths
        if (path.drive or any(path.is_relative_to(place) for place in places))
        and _photo_folder(path) is not None
    ]


def new_photos(card: Path, library: Library) -> CardOffer:
    """List the photos of a card that the library does not have, by name, size and date."""
    days: dict[tuple[str, int], list[str | None]] = {}
    for name, file_bytes, taken_at in names_and_sizes(library):
        days.setdefault((name, file_bytes), []).append(taken_at)
    new, total = list[Path](), 0
    for path, stamp in photo_files(str(_photo_folder(card) or card), UnreadableFolders()):
        name = os.path.basename(path)  # noqa: PTH119 - a text of the scan
        taken = days.get((fold_case(name), stamp.file_bytes), ())
        if not any(_is_same_day(taken_at, stamp) for taken_at in taken):
            new.append(Path(path))
            total += stamp.file_bytes
    return CardOffer(card, tuple(sorted(new)), total)


class CardOffers:
    """What is offered at the moment; a thread looks for cards and counts what is new on them."""

    def __init__(
        self,
        library: Library,
        mounts: ListMounts = list_mounts,
        places: Sequence[Path] = CARD_PLACES,
    ) -> None:
        """Nothing is offered before `start` or `refresh`."""
        self._library, self._mounts, self._places = library, mounts, places
        self._lock = threading.Lock()
        self._offers: dict[Path, CardOffer] = {}
        self._dismissed = set[Path]()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look for cards."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cards", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread, though not wait for a card that hangs."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_POLL_S)

    def refresh(self) -> None:
        """Offer new photos of cards that have come, and nothing of those that have gone."""
        cards = find_cards(self._mounts, self._places)
        with self._lock:
            self._dismissed &= set(cards)
            counted = self._dismissed | self._offers.keys()
            self._offers = {path: o for path, o in self._offers.items() if path in cards}
        for card in cards:
            if card not in counted:
                offer = new_photos(card, self._library)
                with self._lock:
                    self._offers[card] = offer

    def offers(self) -> list[CardOffer]:
        """Return what to offer now: the cards with new photos that nobody declined."""
        with self._lock:
            offers = [o for o in self._offers.values() if o.card not in self._dismissed]
        return [offer for offer in offers if offer.photos]

    def dismiss(self, card: Path) -> None:
        """Offer nothing of a card until it is taken out and put in again."""
        with self._lock:
            self._dismissed.add(card)
            self._offers.pop(card, None)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
            except (OSError, SceneError) as error:
                logger.warning("the cards were not looked at: %s", error)
            self._stop.wait(_POLL_S)


def _photo_folder(path: Path) -> Path | None:
    try:
        with os.scandir(path) as entries:
            names = [e.name for e in entries if e.name.upper() == _PHOTO_FOLDER and e.is_dir()]
    except OSError:
        return None
    return path / names[0] if names else None


def _is_same_day(taken_at: str | None, stamp: FileStamp) -> bool:
    """Whether the file was written within a day and a half of a date; true without a date."""
    if taken_at is None:
        return True
    try:
        taken = datetime.datetime.fromisoformat(taken_at).replace(tzinfo=None)
        written = datetime.datetime.fromtimestamp(stamp.mtime_ns / 1e9)  # noqa: DTZ006
    except (ValueError, OverflowError, OSError):
        return True
    return abs(written - taken) <= datetime.timedelta(days=_MAX_DAYS_APART)
