"""One server process at a time uses a folder of visitors."""

from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.config import Settings
from scene_model.errors import EXIT_FAILED, LibraryUnavailable, VisitorsInUse
from scene_model.visitors.folder_lock import visitors_lock


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    settings = Settings(mode="shared", visitors=tmp_path / "visitors")
    other = settings.model_copy(update={"visitors": tmp_path / "others"})
    with visitors_lock(settings):
        with pytest.raises(VisitorsInUse, match="visitors"), visitors_lock(settings):
            pytest.fail("two servers use one folder")
        with visitors_lock(other):
            pass
    with visitors_lock(settings):
        pass
    assert not list((tmp_path / "visitors").iterdir())


def test_serve_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENE_MODE", "shared")
    monkeypatch.setenv("SCENE_VISITORS", str(tmp_path))
    with visitors_lock(Settings()):
        assert main(["serve"]) == EXIT_FAILED
    assert "Another server uses the folder of the visitors" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    settings = Settings(mode="shared", visitors=tmp_path / "file" / "visitors")
    with pytest.raises(LibraryUnavailable, match="cannot be used"), visitors_lock(settings):
        pytest.fail("the folder is a file")


def test_personal_mode_has_no_visitors(tmp_path: Path) -> None:
    with visitors_lock(Settings(visitors=tmp_path / "visitors")):
        assert not (tmp_path / "visitors").exists()
