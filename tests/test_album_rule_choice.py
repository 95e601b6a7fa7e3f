"""Edited album rules are saved where they came from, and only when they are valid."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.album_rule_choice import MAX_RULE_CHARACTERS, built_in_text
from scene_model.config import Settings
from scene_model.errors import InvalidAlbumRules, InvalidSetting, NotForVisitors
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import Services, open_services

MINE = '[[album]]\nid = "mine"\nname = "Mine"\n\n[[album.rule]]\ntags = ["flower"]\n'


def album_ids(services: Services) -> list[str]:
    return [album.id for album in services.model.albums.albums]


def test_rules_of_the_library_stay_after_a_restart_and_a_backup(
    services: Services, tmp_path: Path, decoders: Decoders
) -> None:
    rules = services.album_rules
    assert (rules.file, rules.are_built_in, rules.can_be_changed) == (None, True, True)
    rules.use(MINE)
    assert album_ids(services) == ["mine"]
    assert services.gallery().count("album:mine") == 0
    write_backup(services.library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored")
    settings = services.settings.model_copy(update={"library": tmp_path / "restored"})
    restored = open_services(settings, decoders=decoders)
    assert album_ids(restored) == ["mine"]
    restored.album_rules.use(built_in_text())
    assert len(album_ids(restored)) > 5
    assert restored.album_rules.are_built_in
    restored.close()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[[album]\n", 1, "not valid TOML"),
        (f"{MINE}\nname\n", 8, "not valid TOML"),
        (f'{MINE}\n[[album]]\nname = "No id"\n', 8, "id is missing"),
        (MINE.replace('"flower"', '"flowre"'), 6, "Did you mean 'flower'?"),
        (f"{MINE}min_score = 7\n", 7, "min_score"),
        (f"{MINE}\n[home]\nlatitude = 100\nlongitude = 0\n", 9, "latitude"),
        ("# nothing\n", None, "album is missing"),
        ("#" * (MAX_RULE_CHARACTERS + 1), None, "the limit is 200,000"),
    ],
)
def test_mistakes_are_named_with_their_line(
    services: Services, text: str, line: int | None, message: str
) -> None:
    before = album_ids(services)
    with pytest.raises(InvalidAlbumRules) as raised:
        services.album_rules.use(text)
    assert raised.value.line == line
    assert message in raised.value.message
    assert (album_ids(services), services.album_rules.are_built_in) == (before, True)


@pytest.fixture
def with_file(tmp_path: Path, decoders: Decoders) -> Iterator[Services]:
    file = tmp_path / "rules" / "albums.toml"
    file.parent.mkdir()
    file.write_text(MINE, encoding="utf-8")
    file.chmod(0o640)
    settings = Settings(library=tmp_path / "library", workers=1, albums=file)
    opened = open_services(settings, decoders=decoders)
    yield opened
    opened.close()


def test_a_named_file_is_changed_itself(with_file: Services) -> None:
    rules = with_file.album_rules
    assert rules.file is not None
    assert rules.can_be_changed
    part = rules.file.with_name("albums.toml.part")
    part.write_text("a file of their own", encoding="utf-8")
    rules.use(MINE.replace("mine", "ours"))
    assert album_ids(with_file) == ["ours"]
    assert rules.file.read_text(encoding="utf-8") == MINE.replace("mine", "ours")
    assert stat.S_IMODE(rules.file.stat().st_mode) == 0o640
    assert with_file.library.choice("album_rules") is None
    assert part.read_text(encoding="utf-8") == "a file of their own"
    assert sorted(rules.file.parent.iterdir()) == [rules.file, part], "nothing else is left"


def test_a_file_that_cannot_be_written_is_told(with_file: Services) -> None:
    rules = with_file.album_rules
    assert rules.file is not None
    rules.file.unlink()
    rules.file.mkdir()
    with pytest.raises(InvalidSetting, match="cannot be written"):
        rules.use(MINE.replace("mine", "ours"))
    assert list(rules.file.parent.iterdir()) == [rules.file], "no part is left"
    assert album_ids(with_file) == ["mine"]


def test_visitors_cannot_change_the_rules(services: Services) -> None:
    shared = services.settings.model_copy(update={"mode": "shared"})
    assert shared.is_shared
    rules = services.album_rules
    visitors = type(rules)(shared, rules.model, rules.library)
    assert not visitors.can_be_changed
    with pytest.raises(NotForVisitors, match="album rules"):
        visitors.use(MINE)


def test_rules_that_do_not_fit_the_model_are_not_used(
    services: Services, decoders: Decoders
) -> None:
    services.close()
    with Library(services.library.folder) as library:
        library.choose("album_rules", MINE.replace("flower", "no_such_label"))
    opened = open_services(services.settings, decoders=decoders)
    assert len(album_ids(opened)) > 5, "the built-in ones"
    assert "no_such_label" in opened.album_rules.text()
    opened.close()
