"""Starting: the port, the version, and a Python without the dependencies."""

import os
import signal
import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model import __version__
from scene_model.__main__ import command
from scene_model.cli import serve
from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from scene_model.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE


@pytest.fixture(autouse=True)
def restored_signals() -> Iterator[None]:
    """Undo what `command` does; children of later tests would ignore SIGINT, too."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_named_before_anything_loads(
    taken_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", str(taken_port)]) == EXIT_FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert f"Port {taken_port} of 127.0.0.1 is in use" in line
    assert f"--port {taken_port + 1}" in line
    assert "app" not in sys.modules


def test_the_command_alone_serves(
    taken_port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["scene-gallery"])
    monkeypatch.setenv("SCENE_PORT", str(taken_port))
    assert command() == EXIT_FAILED
    assert f"Port {taken_port} of 127.0.0.1 is in use" in capsys.readouterr().err
    assert main([]) == EXIT_USAGE


def test_a_host_that_is_not_this_computers(capsys: pytest.CaptureFixture[str]) -> None:
    # An address of RFC 5737, for documentation alone: no computer has it.
    assert main(["serve", "--host", "192.0.2.1"]) == EXIT_FAILED
    assert "Cannot listen on port 8501 of 192.0.2.1" in capsys.readouterr().err


def test_the_browser_opens_once_the_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    is_open = threading.Event()

    class Browser:
        def open(self, url: str) -> None:
            opened.append(url)
            is_open.set()

    monkeypatch.setattr(webbrowser, "get", Browser)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        opening = threading.Thread(target=serve.open_browser, args=("::", port))
        opening.start()
        assert not is_open.wait(0.5)
        server.listen()
        opening.join(30)
    assert opened == [f"http://127.0.0.1:{port}"]


def test_a_browser_for_terminals_is_not_opened(
    taken_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trace = tmp_path / "ran"
    browser = webbrowser.GenericBrowser(["touch", str(trace), "%s"])
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    serve.open_browser("127.0.0.1", taken_port)
    assert not trace.exists()


def test_only_what_a_command_uses_is_imported() -> None:
    program = (
        "import sys; from scene_model.cli.main import main; main(sys.argv[1:]); "
        "print('sqlalchemy' in sys.modules)"
    )
    for arguments, is_imported in ((["--version"], "False"), (["sort", "--help"], "True")):
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert done.stdout.split()[-1] == is_imported


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == EXIT_DONE
    assert capsys.readouterr().out.strip() == __version__


def test_a_python_without_the_dependencies_is_told_what_to_do() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    # -S: no site-packages, as the system's Python outside the virtual environment.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "scene_model", "serve"],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        env=environment,
        check=False,
    )
    assert done.returncode == EXIT_FAILED
    (line,) = done.stderr.splitlines()
    assert line.endswith("Run `make run` first, or use .venv/bin/scene-gallery.")
