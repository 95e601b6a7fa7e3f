"""Random bytes in a database: each command names the damage, and none says that all is well.

`python -m benchmarks.damage` does it with 2,000 databases.
"""

from pathlib import Path

import pytest

from benchmarks.damage import make_library, run, run_all
from scene_model.library.database.schema import SCHEMA_VERSION

DATABASES, BLOCK = 200, 25


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_library(tmp_path_factory.mktemp("damaged") / "library", 6)


@pytest.mark.parametrize("first", range(0, DATABASES, BLOCK))
def test_random_bytes(library: Path, tmp_path: Path, first: int) -> None:
    verdicts = run_all(library, tmp_path, range(first, first + BLOCK))
    assert [verdict.wrong for verdict in verdicts if verdict.wrong] == []
    assert sum(verdict.is_reported for verdict in verdicts) > BLOCK / 4


@pytest.mark.parametrize("version", [0, 1, 2, SCHEMA_VERSION + 1, 0x40000004, -4])
def test_another_version_number(library: Path, tmp_path: Path, version: int) -> None:
    """A version of before is migrated by statements that cannot work."""
    folder = tmp_path / "library"
    folder.mkdir()
    data = bytearray((library / "library.db").read_bytes())
    data[60:64] = version.to_bytes(4, "big", signed=True)
    (folder / "library.db").write_bytes(data)
    code, errors, _ = run(["library", "stats", "--library", str(folder)])
    assert "Traceback" not in errors
    if version:  # without one, nothing is missing and nothing is changed
        assert code == 1
        assert ("Update" if version == SCHEMA_VERSION + 1 else "library rebuild") in errors
    code, errors, _ = run(["library", "verify", "--library", str(folder)])
    assert "Traceback" not in errors
    assert code in (1, 3)


def test_another_file_format(library: Path, tmp_path: Path) -> None:
    """Byte 44 of the header; SQLite calls that an error in general."""
    folder = tmp_path / "library"
    folder.mkdir()
    data = bytearray((library / "library.db").read_bytes())
    data[44:48] = b"\0\0\0\xc8"
    (folder / "library.db").write_bytes(data)
    for command in ("verify", "stats"):
        code, errors, _ = run(["library", command, "--library", str(folder)])
        assert "Traceback" not in errors
        assert code == (3 if command == "verify" else 1)
