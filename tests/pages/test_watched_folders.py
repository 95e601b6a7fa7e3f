"""Watched folders and memory cards on the page Classify, through the navigation."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.state.session import get_services
from pages.state.warm_start import watch_folders
from scene_model.ingest.watch.card_offers import CardOffers
from scene_model.ingest.watch.mounts import Mount
from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.library.store import Library
from scene_model.services import Services
from tests.pages.conftest import click, labels, texts
from tests.pictures import encode, textured


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def arrivals(tmp_path: Path) -> Path:
    folder = tmp_path / "ar*riv*als"
    folder.mkdir()
    (folder / "whole.jpg").write_bytes(encode(textured(90, 90, seed=1)))
    return folder


def test_a_folder_is_watched_paused_and_forgotten(
    app: AppTest, opened: Services, arrivals: Path
) -> None:
    app.session_state["watch_folder"] = str(arrivals)
    app.run()
    next(radio for radio in app.radio if radio.key == "watch_way").set_value("Leave in place").run()
    click(app, "Watch folder")
    (folder,) = opened.watches.folders.all()
    assert folder == WatchedFolder(arrivals, by_reference=True)
    until(lambda: opened.watches.state(folder).photos == 1)
    app.run()
    assert "1 photo in the library" in texts(app)
    assert str(arrivals) in texts(app)
    (arrivals / "whole.jpg").unlink()
    (arrivals / "other.jpg").write_bytes(encode(textured(90, 90, seed=2)))
    click(app, "Scan now")
    until(lambda: bool(opened.watches.state(folder).missing))
    app.run()
    assert "whole.jpg" in texts(app)
    assert opened.library.count() >= 1
    click(app, "Pause")
    assert "paused" in texts(app)
    assert not opened.watches.is_idle() or "Resume" in labels(app)
    click(app, "Resume")
    click(app, "Stop watching")
    assert opened.watches.folders.all() == []
    assert opened.library.count() >= 1


def test_a_folder_that_cannot_be_watched_is_named(
    app: AppTest, opened: Services, arrivals: Path
) -> None:
    for folder, reason in (
        (arrivals / "gone", "does not exist"),
        (opened.library.folder, "is a library"),
    ):
        app.session_state["watch_folder"] = str(folder)
        app.run()
        click(app, "Watch folder")
        assert reason in texts(app)
    assert opened.watches.folders.all() == []


def test_the_new_photos_of_a_card_are_offered_and_added(
    app: AppTest, opened: Services, tmp_path: Path
) -> None:
    photos = tmp_path / "EOS_DIGITAL" / "DCIM" / "100CANON"
    photos.mkdir(parents=True)
    for number in range(3):
        data = encode(textured(90, 90, seed=number))
        (photos / f"IMG_{number}.JPG").write_bytes(data)
    card = [Mount(tmp_path / "EOS_DIGITAL")]
    opened.cards.close()
    opened.__dict__["cards"] = CardOffers(opened.library, lambda: card, [tmp_path])
    app.run()
    assert "new photo" not in texts(app)
    opened.cards.refresh()
    app.run()
    assert "3 new photos on EOS_DIGITAL" in texts(app)
    click(app, "Add")
    for job in opened.jobs.running():
        job.wait(60)
    assert opened.library.count() == 3
    card.clear()
    opened.cards.refresh()
    card.append(Mount(tmp_path / "EOS_DIGITAL"))
    (photos / "IMG_9.JPG").write_bytes(encode(textured(90, 90, seed=9)))
    opened.cards.refresh()
    app.run()
    assert "1 new photo on EOS_DIGITAL" in texts(app)
    click(app, "Not now")
    app.run()
    assert "new photo" not in texts(app)
    assert opened.library.count() == 3


def test_a_server_watches_before_anybody_opens_a_page(
    app: AppTest, tmp_path: Path, arrivals: Path
) -> None:
    watch_folders()
    assert not (tmp_path / "library").exists()  # nothing is watched, so nothing is opened
    with Library(tmp_path / "library") as library:
        WatchedFolders(library).save(WatchedFolder(arrivals, by_reference=False))
    watch_folders()
    until(lambda: get_services().library.count() == 1)
