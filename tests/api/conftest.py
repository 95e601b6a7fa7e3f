"""The API on a temporary library: in process, and as a real server on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from scene_model.api import create_app
from scene_model.config import Settings


def client_of(settings: Settings) -> TestClient:
    """A client on the server's own computer."""
    return TestClient(
        create_app(settings),
        base_url="http://localhost:8501",
        raise_server_exceptions=False,
        client=("127.0.0.1", 50_000),
    )


def problem_of(response: httpx.Response, status: int) -> str:
    """Check the form of an error response and return its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert "Traceback" not in body["detail"]
    return str(body["detail"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits, so that tests can exceed them cheaply."""
    return Settings(
        library=tmp_path / "library",
        workers=2,
        max_file_bytes=400_000,
        max_pixels=1_000_000,
        max_batch_files=1_500,
        max_batch_bytes=3_000_000,
        max_images=3,
        max_json_bytes=2_000_000,
    )


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    with client_of(settings) as client:
        yield client


@dataclass(frozen=True)
class Server:
    """A listening server."""

    host: str
    port: int
    library: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """The API without pages under uvicorn, over real sockets."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        running = uvicorn.Server(
            uvicorn.Config(create_app(settings), log_level="warning", timeout_graceful_shutdown=10)
        )
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        while not running.started and thread.is_alive():
            time.sleep(0.02)
        yield Server("127.0.0.1", port, settings.library)
        running.should_exit = True
        thread.join()
