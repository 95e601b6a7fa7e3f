"""The examples of docs/api.md, run unchanged, and behaviour that needs real sockets."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.requests import Request

from scene_model.api.request import body
from scene_model.classifier.classify import Classifier
from scene_model.config import PROJECT_DIR
from scene_model.errors import NotAPicture
from tests.api.conftest import Server

RUNNERS = {
    "sh": ["bash", "-euo", "pipefail"],
    "python": [sys.executable],
    "js": ["node"],
}
SUFFIXES = {"sh": ".sh", "python": ".py", "js": ".mjs"}


def example(language: str) -> str:
    document = (PROJECT_DIR / "docs" / "api.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)
    return str(code)


@pytest.mark.parametrize(
    "language",
    [
        pytest.param("python"),
        pytest.param("sh", marks=pytest.mark.tools),
        pytest.param("js", marks=pytest.mark.tools),
    ],
)
def test_an_example_works(
    language: str, server: Server, tmp_path: Path, temple: bytes, flower: bytes
) -> None:
    program = shutil.which(RUNNERS[language][0])
    assert program is not None, f"{RUNNERS[language][0]} is not installed"
    (tmp_path / "beach.jpg").write_bytes(temple)
    (tmp_path / "cat.jpg").write_bytes(flower)
    script = tmp_path / f"example{SUFFIXES[language]}"
    script.write_text(example(language), encoding="utf-8")
    done = subprocess.run(
        [program, *RUNNERS[language][1:], str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"SCENE_URL": server.url},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "landmark" in done.stdout.lower()
    names = zipfile.ZipFile(tmp_path / "sorted.zip").namelist()
    assert names == ["manifest.csv", "landmark/beach.jpg", "flower/cat.jpg"]


def raw(server: Server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=60)


def post_head(path: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    ).encode()


PART = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'


def healthy(server: Server) -> bool:
    return httpx.get(f"{server.url}/api/health", timeout=30).status_code == 200


def test_hanging_senders_do_not_block_others(server: Server) -> None:
    hanging = [raw(server) for _ in range(20)]
    for connection in hanging:
        connection.sendall(post_head("/api/predict/batch", 1_000_000) + PART + bytes(50_000))
    assert healthy(server)
    with raw(server) as connection:
        sent = PART + b"no picture\r\n--x--\r\n"
        connection.sendall(post_head("/api/predict/batch", len(sent)) + sent)
        assert connection.recv(12) == b"HTTP/1.1 200"
    for connection in hanging:
        connection.close()


@pytest.mark.parametrize("path", ["/api/predict", "/api/predict/batch", "/api/classify"])
def test_a_slow_sender_is_dropped(
    path: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "SLOW_TIMEOUT_S", 0.5)
    with raw(server) as connection:
        connection.sendall(post_head(path, 1_000_000) + PART)
        answer = b""
        connection.settimeout(0.1)
        while not answer.endswith(b"}"):
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer += connection.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the minimum is 1,000 bytes per second" in answer
    while any((server.library / "batches").glob("*")):
        time.sleep(0.02)


def test_a_sender_above_the_minimum_rate_is_accepted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "SLOW_TIMEOUT_S", 2.0)
    monkeypatch.setattr(body, "MIN_BYTES_PER_S", 100)
    sent = PART + bytes(4_000) + b"\r\n--x--\r\n"
    with raw(server) as connection:
        connection.sendall(post_head("/api/predict/batch", len(sent)))
        for start in range(0, len(sent), 100):  # ten times the minimum rate
            connection.sendall(sent[start : start + 100])
            time.sleep(0.1)
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_disconnected_sender_leaves_no_files(server: Server) -> None:
    with raw(server) as connection:
        connection.sendall(post_head("/api/predict/batch", 1_000_000) + PART + bytes(500_000))
        batches = server.library / "batches"
        while not any(batches.glob("*/000000")):
            time.sleep(0.02)
    while any(batches.iterdir()):
        time.sleep(0.02)
    assert healthy(server)


def test_a_batch_of_a_disconnected_sender_is_cancelled(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, is_noticed = threading.Event(), threading.Event()
    is_gone = Request.is_disconnected

    def slow(*_: object) -> None:
        release.wait(60)
        raise NotAPicture("none")

    async def noticed(asked: Request) -> bool:
        if gone := await is_gone(asked):
            is_noticed.set()
        return gone

    monkeypatch.setattr(Classifier, "predict", slow)
    monkeypatch.setattr(Request, "is_disconnected", noticed)
    sent = b"".join([PART + b"no picture\r\n" for _ in range(20)]) + b"--x--\r\n"
    batches = server.library / "batches"
    with raw(server) as connection:
        connection.sendall(post_head("/api/predict/batch", len(sent)) + sent)
        while not any(batches.glob("*/000019")):
            time.sleep(0.02)
    assert is_noticed.wait(60)
    time.sleep(0.5)  # let the cancellation take effect
    release.set()
    while not (results := list(batches.glob("*/result.json"))):
        time.sleep(0.02)
    assert json.loads(results[0].read_text(encoding="utf-8"))["state"] == "cancelled"


def test_a_declared_oversized_body_is_not_read(server: Server) -> None:
    for path in ("/api/predict", "/api/predict/batch", "/api/classify"):
        with raw(server) as connection:
            connection.sendall(post_head(path, 2_000_000_000_000))
            assert connection.recv(12) == b"HTTP/1.1 413"
