"""Settings and their documentation."""

import os
from pathlib import Path

import pytest

from docs.settings import with_table
from scene_model.config import PROJECT_DIR, Settings, settings_table, unknown_variables
from scene_model.errors import InvalidSetting


def test_unknown_variables_name_the_nearest() -> None:
    lines = unknown_variables({"SCENE_LIBARY": "x", "SCENE_PORT": "1", "PATH": "y"})
    assert lines == [
        "SCENE_LIBARY is set, but no setting has that name. Did you mean SCENE_LIBRARY?"
    ]


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENE_PORT", "9000")
    monkeypatch.setenv("SCENE_ALLOWED_HOSTS", "Photos.example , localhost,")
    settings = Settings.from_environment()
    assert settings.port == 9000
    assert settings.allowed_host_names == {"photos.example", "localhost"}
    monkeypatch.setenv("SCENE_PORT", "99999")
    with pytest.raises(InvalidSetting, match=r"SCENE_PORT is '99999'.*65535"):
        Settings.from_environment()


def test_settings_for_children_are_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"SCENE_{name.upper()}", str(Settings.model_fields[name].default))
        monkeypatch.delenv(f"SCENE_{name.upper()}")
    monkeypatch.setenv("SCENE_LIBRARY", "photos")
    monkeypatch.chdir(tmp_path)
    Settings.from_environment().keep_for_children()
    assert Settings.from_environment().library == tmp_path / "photos"
    assert Settings.from_environment() == Settings.from_environment()
    # The program's own bundle, written out for a child, is still no bundle asked for by name.
    assert not Settings.from_environment().names_a_bundle
    monkeypatch.setenv("SCENE_BUNDLE", "models/mine")
    assert Settings.from_environment().names_a_bundle


def test_a_secret_stays_as_it_is_for_children_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in Settings.model_fields:  # what the settings write is unset afterwards
        monkeypatch.setenv(f"SCENE_{name.upper()}", "")
        monkeypatch.delenv(f"SCENE_{name.upper()}")
    Settings.from_environment().keep_for_children()
    assert "SCENE_BACKUP_PASSPHRASE" not in os.environ
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", "four words")
    Settings.from_environment().keep_for_children()
    settings = Settings.from_environment()
    assert settings.backup_passphrase.get_secret_value() == "four words"
    assert "four words" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_the_documented_settings_are_these() -> None:
    """`python docs/settings.py` writes them again."""
    page = (PROJECT_DIR / "docs" / "settings.md").read_text(encoding="utf-8")
    assert settings_table() in page
    assert with_table(with_table(page, "old"), settings_table()) == page
    with pytest.raises(ValueError, match="0 places"):
        with_table("no marks", settings_table())
