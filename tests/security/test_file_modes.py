"""Only the owner may read a library's folders and files, where the system has permissions."""

import os
import stat
import sys
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.library.store import Library
from scene_model.services import Services, open_services

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [
        f"{path.relative_to(folder)} {stat.filemode(path.lstat().st_mode)}"
        for path in paths
        if path.lstat().st_mode & 0o077
    ]


def test_new_libraries(services: Services, temple: bytes) -> None:
    mask = os.umask(0o022)
    try:
        assert services.jobs.submit([("temple.jpg", temple)]).wait(60)
        assert services.library.count() == 1
        assert open_to_others(services.library.folder) == []
    finally:
        os.umask(mask)


def test_libraries_of_earlier_versions(tmp_path: Path, temple: bytes) -> None:
    folder, outside = tmp_path / "library", tmp_path / "outside"
    outside.mkdir(mode=0o755)
    Library(folder).close()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "originals" / "link").symlink_to(outside)
    foreign = folder / "notes.txt"
    foreign.touch(0o644)
    services = open_services(Settings(library=folder, workers=1))
    services.close()
    left = open_to_others(folder)
    assert sorted(line.split()[0] for line in left) == ["notes.txt", "originals/link"]
    assert stat.S_IMODE(foreign.stat().st_mode) == 0o644, "what is not the library's stays"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755, "what a link leads to is not ours"
