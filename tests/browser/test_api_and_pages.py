"""One server for pages and REST at once: a batch and an upload both get on."""

import io
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.actions import choose
from tests.browser.conftest import Visit
from tests.browser.servers import Server
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
IN_BATCH, IN_UPLOAD = 1_000, 60


def numbered(count: int, kind: bytes) -> list[bytes]:
    """Photos that differ in a few bytes: each is another one to the library."""
    photo = encode(textured(1600, 1200))
    return [photo + kind + number.to_bytes(2, "big") for number in range(count)]


def ask(server: Server, path: str, body: bytes | None = None, kind: str = "") -> Any:
    headers = {"Content-Type": kind} if body is not None else {}
    request = urllib.request.Request(f"{server.base_url}{path}", body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return json.load(answer)


def start_batch(server: Server) -> str:
    form = io.BytesIO()
    for number, photo in enumerate(numbered(IN_BATCH, b"batch")):
        form.write(b'--x\r\nContent-Disposition: form-data; name="files"; ')
        form.write(b'filename="%d.jpg"\r\n\r\n%b\r\n' % (number, photo))
    form.write(b"--x--\r\n")
    kind = "multipart/form-data; boundary=x"
    started = ask(server, "/api/predict/batch?background=true", form.getvalue(), kind)
    return str(started["status_url"])


def test_a_batch_and_an_upload_both_get_on(visit: Visit, server: Server, tmp_path: Path) -> None:
    paths = []
    for number, photo in enumerate(numbered(IN_UPLOAD, b"upload")):
        paths.append(tmp_path / f"{number:03d}.jpg")
        paths[-1].write_bytes(photo)
    page = visit.open()
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
    job = start_batch(server)
    choose(page, paths)
    together: list[tuple[int, int]] = []
    while True:
        batch, uploads = ask(server, job), ask(server, "/api/uploads")
        if batch["state"] != "running" or (together and not uploads):
            break
        together += [(batch["done"], upload["done"]) for upload in uploads]
        time.sleep(0.05)
    # While both ran, both went on.
    assert together[-1][0] > together[0][0], together
    assert together[-1][1] > together[0][1], together
    done = page.get_by_text(f"{IN_UPLOAD} of {IN_UPLOAD} photos tagged")
    expect(done).to_be_visible(timeout=180_000)
    while (batch := ask(server, job))["state"] == "running":
        time.sleep(0.2)
    assert (batch["state"], batch["done"], batch["failed"]) == ("done", IN_BATCH, 0)
