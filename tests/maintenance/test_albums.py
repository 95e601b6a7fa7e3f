"""Albums of people are in backups, and in the copies that a rebuild takes."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.library import edits
from scene_model.library.albums.album_edits import (
    Step,
    create_album,
    create_query_album,
    move_in_album,
    set_album_cover,
)
from scene_model.library.albums.own_albums import OwnAlbum, own_albums
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.daily_copy import copy_database
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.search.own_albums import is_placed
from scene_model.services import Services

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def filled(services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]) -> Services:
    """An album of three photos in an order of its own, one of them in the trash, and a search."""
    ids = add_photos(made_photos[:4])
    album_id = create_album(services.library, "Our trip", ids[:3])
    move_in_album(services.library, album_id, ids[2:3], Step.FIRST)
    set_album_cover(services.library, album_id, ids[1])
    edits.move_to_trash(services.library, ids[:1])
    create_query_album(services.library, "By the sea", "sea")
    return services


def state(library: Library) -> tuple[list[OwnAlbum], list[str]]:
    albums = own_albums(library)
    sort = Sort(SortKey.ALBUM, album=albums[-1].id)
    return albums, library.find(is_placed(albums[-1].id), sort=sort)


def test_a_backup_restores_albums(filled: Services, tmp_path: Path) -> None:
    before = state(filled.library)
    assert ([album.name for album in before[0]], len(before[1])) == (["By the sea", "Our trip"], 2)
    write_backup(filled.library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored")
    with Library(tmp_path / "restored") as restored:
        assert state(restored) == before
        edits.undo(restored)  # the album that follows a search
        edits.undo(restored)  # the trash
        assert len(restored.find(is_placed(before[0][-1].id))) == 3
        assert verify(restored).problems == ()


def test_a_rebuild_takes_albums_from_the_newest_copy(filled: Services) -> None:
    before, folder = state(filled.library), filled.library.folder
    copy_database(folder, datetime.date(2026, 11, 1), keep=7)
    filled.close()
    (folder / "library.db").write_bytes(b"\x5a" * 40_000)
    (folder / "library.db-wal").unlink(missing_ok=True)
    assert main(["library", "rebuild", "--json", "--library", str(folder)]) == 0
    with Library(folder) as rebuilt:
        assert state(rebuilt) == before
