"""Encrypted backups on the command line; the passphrase is neither shown nor logged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR, Settings
from scene_model.library.store import Library

PASSPHRASE = "correct horse battery"  # noqa: S105
# Runs a program on a terminal of its own, which its standard input and output are connected to.
ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Library(tmp_path / "library").close()
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    return tmp_path / "library"


def run(*arguments: object) -> int:
    return main(["library", *map(str, arguments)])


def test_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file, back = tmp_path / "b.zip", tmp_path / "back"
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", PASSPHRASE)
    assert run("backup", file, "--encrypt") == 0
    assert run("restore", file, "--library", back) == 0
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", f"{PASSPHRASE} 2")
    assert run("restore", file, "--library", tmp_path / "other") == 1
    out, err = capfd.readouterr()
    assert "MB, encrypted, in" in out
    assert "0 photos restored" in out
    assert "does not open the backup" in err
    assert PASSPHRASE not in out + err
    assert PASSPHRASE not in repr(Settings.from_environment())
    assert not (tmp_path / "other").exists()


def test_neither_setting_nor_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "b.zip"
    assert run("backup", file, "--encrypt") == 2
    assert "Set SCENE_BACKUP_PASSPHRASE" in capfd.readouterr().err
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", PASSPHRASE)
    assert run("backup", file, "--encrypt") == 0
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", "")
    assert run("restore", file, "--library", tmp_path / "back") == 2
    assert "Set SCENE_BACKUP_PASSPHRASE" in capfd.readouterr().err


def test_a_backup_is_not_encrypted_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", PASSPHRASE)
    assert run("backup", tmp_path / "b.zip") == 0
    assert "MB, in" in capfd.readouterr().out
    monkeypatch.delenv("SCENE_BACKUP_PASSPHRASE")
    assert run("restore", tmp_path / "b.zip", "--library", tmp_path / "back") == 0


def test_a_passphrase_that_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENE_BACKUP_PASSPHRASE", f"{PASSPHRASE}\udcff")
    assert run("backup", tmp_path / "b.zip", "--encrypt") == 2
    error = capfd.readouterr().err
    assert error
    assert PASSPHRASE not in error


def test_the_missing_package_is_told_before_the_passphrase_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    assert run("backup", tmp_path / "b.zip", "--encrypt") == 1
    assert 'pip install "scene-gallery[encryption]"' in capfd.readouterr().err


def typed(arguments: list[str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command on a terminal and answer its questions; returns exit code and output."""
    program = [sys.executable, "-m", "scene_model", "library", *arguments]
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *program],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for question, answer in answers:
            asked_at = len(shown)
            while question.encode() not in shown[asked_at:]:
                part = os.read(process.stdout.fileno(), 4096)
                assert part, shown
                shown += part
            process.stdin.write(f"{answer}\n".encode())
            process.stdin.flush()
        shown += process.stdout.read()
    return process.returncode, shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminal")
def test_typed_on_a_terminal(tmp_path: Path) -> None:
    file, back = tmp_path / "b.zip", tmp_path / "back"
    backup = ["backup", str(file), "--encrypt"]
    code, shown = typed(backup, [("Passphrase", PASSPHRASE), ("again", f"{PASSPHRASE}!")])
    assert (code, "The two passphrases differ" in shown) == (2, True)
    code, shown = typed(backup, [("Passphrase", "")])
    assert (code, "The passphrase is empty" in shown) == (2, True)
    code, backed_up = typed(backup, [("Passphrase", PASSPHRASE), ("again", PASSPHRASE)])
    assert code == 0, backed_up
    code, restored = typed(
        ["restore", str(file), "--library", str(back)], [("Passphrase of the backup", PASSPHRASE)]
    )
    assert code == 0, restored
    assert PASSPHRASE not in shown + backed_up + restored, "what is typed is not shown"
    with Library(back) as opened:
        assert opened.count() == 0
