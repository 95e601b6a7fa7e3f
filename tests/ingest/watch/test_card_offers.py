"""Memory cards: which drives are cards, and what is new on them, without reading photos."""

import datetime
import os
from pathlib import Path

import pytest

from scene_model.ingest.watch.card_offers import CardOffers, find_cards, new_photos
from scene_model.ingest.watch.mounts import Mount
from scene_model.library.dates.date_edits import accept_dates
from scene_model.photos.dates import PhotoDate
from scene_model.services import Services
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow


def card_with(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / "DCIM" / "100CANON" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(textured(90, 90, seed=len(name) + ord(name[-5]))))
    return folder


def test_cards_are_drives_with_photos_of_a_camera(tmp_path: Path) -> None:
    card = card_with(tmp_path / "media" / "me" / "EOS_DIGITAL", "IMG_1.JPG")
    lower = tmp_path / "media" / "me" / "phone" / "dcim"
    lower.mkdir(parents=True)
    stick = tmp_path / "media" / "me" / "stick"
    stick.mkdir()
    elsewhere = card_with(tmp_path / "home", "IMG_1.JPG")
    mounts = [Mount(p) for p in (card, card, lower.parent, stick, elsewhere, tmp_path / "gone")]
    assert find_cards(lambda: mounts, [tmp_path / "media"]) == [card, lower.parent]


def test_new_is_decided_by_name_size_and_date(services: Services, tmp_path: Path) -> None:
    card = card_with(tmp_path / "card", "IMG_1.JPG", "IMG_2.JPG", "IMG_3.JPG", "._IMG_3.JPG")
    folder = card / "DCIM" / "100CANON"
    (folder / "MVI_4.THM").write_bytes(b"a preview of a film")
    services.jobs.submit_paths([folder / "IMG_1.JPG", folder / "IMG_2.JPG"], False).wait(60)
    assert [path.name for path in new_photos(card, services.library).photos] == ["IMG_3.JPG"]
    # The counter of the camera began again: the same name and size, on another day.
    with services.library.database.writer.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE photos SET auto_taken_at = '2020-05-01T12:00:00' WHERE name = 'IMG_1.JPG'"
        )
        today = datetime.datetime.now().isoformat(timespec="seconds")
        connection.exec_driver_sql(
            "UPDATE photos SET auto_taken_at = ? WHERE name = 'IMG_2.JPG'", (today,)
        )
    offer = new_photos(card, services.library)
    assert [path.name for path in offer.photos] == ["IMG_1.JPG", "IMG_3.JPG"]
    assert offer.file_bytes == sum(path.stat().st_size for path in offer.photos)
    assert offer.name == "card"


def test_a_corrected_date_makes_no_photo_new(services: Services, tmp_path: Path) -> None:
    card = card_with(tmp_path / "card", "IMG_1.JPG")
    services.jobs.submit_paths([card / "DCIM" / "100CANON" / "IMG_1.JPG"], False).wait(60)
    (photo_id,) = services.library.find()
    accept_dates(services.library, {photo_id: PhotoDate("2012-01-01T12:00:00", "person", 1)}, "")
    assert new_photos(card, services.library).photos == ()


def test_counting_does_not_read_photos(services: Services, tmp_path: Path) -> None:
    card = card_with(tmp_path / "card", "IMG_1.JPG")
    path = card / "DCIM" / "100CANON" / "IMG_1.JPG"
    os.utime(path, ns=(1, path.stat().st_mtime_ns))  # a read would renew the time of access
    assert len(new_photos(card, services.library).photos) == 1
    assert path.stat().st_atime_ns == 1


def test_an_offer_ends_with_the_card_and_a_declined_one_comes_back_with_it(
    services: Services, tmp_path: Path
) -> None:
    card = card_with(tmp_path / "card", "IMG_1.JPG")
    mounts = [Mount(card)]
    offers = CardOffers(services.library, lambda: mounts, [tmp_path])
    offers.refresh()
    assert [offer.card for offer in offers.offers()] == [card]
    offers.dismiss(card)
    offers.refresh()
    assert offers.offers() == []
    mounts.clear()
    offers.refresh()
    mounts.append(Mount(card))
    offers.refresh()
    assert len(offers.offers()) == 1
    mounts.clear()
    offers.refresh()
    assert offers.offers() == []
