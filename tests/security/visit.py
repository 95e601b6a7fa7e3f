"""Visits the real app in a process of its own: ``python -m tests.security.visit PHOTO``.

Prints as JSON what the app answered, and to which other computers the process turned.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.outward import outside_host

OWN, FOREIGN = "http://localhost:8501", "http://evil.example"


class Outward:
    """An audit hook that notes every name and address outside this computer."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        host = outside_host(event, arguments)
        if host is not None:
            self.noted.append(f"{event} {host}")


def visit(photo: bytes) -> dict[str, Any]:
    """Use pages, WebSockets and API; return what they answered."""
    from starlette.testclient import TestClient
    from starlette.websockets import WebSocketDisconnect
    from streamlit.web import bootstrap

    # As `streamlit run app.py` on a server, where Streamlit would print an external address.
    every_address = "0.0.0.0"  # noqa: S104 - only for what is printed
    bootstrap.load_config_options({"server_address": every_address, "server_headless": True})
    bootstrap._print_url(False)

    from app import app

    def socket_code(client: TestClient, origin: str) -> int:
        url = "ws://localhost:8501/_stcore/stream"
        try:
            with client.websocket_connect(url, ["streamlit"], headers={"origin": origin}):
                return 0
        except WebSocketDisconnect as refused:
            return refused.code

    with TestClient(app, base_url=OWN, client=("127.0.0.1", 50_000)) as client:
        page = client.get("/")
        script = next(line for line in page.text.split('"') if "static/js/" in line)
        return {
            "sockets": {origin: socket_code(client, origin) for origin in (FOREIGN, OWN)},
            "page": page.text,
            "headers": {
                path: dict(client.get(path).headers)
                for path in ("/", "/gallery", script.removeprefix("."), "/_stcore/health")
            },
            "host_config": client.get("/_stcore/host-config").json(),
            "health": client.get("/api/health").status_code,
            "predict": client.post("/api/predict", files={"file": ("t.jpg", photo)}).status_code,
        }


if __name__ == "__main__":
    outward, printed = Outward(), sys.stdout
    sys.addaudithook(outward)
    sys.stdout = sys.stderr
    answers = visit(Path(sys.argv[1]).read_bytes())
    print(json.dumps(answers | {"outward": outward.noted}), file=printed)
