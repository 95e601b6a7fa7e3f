"""Three browsers on one shared server: each its own library, and nothing left after its time."""

import hashlib
import io
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, expect
from streamlit.runtime.memory_media_file_storage import _calculate_file_id
from streamlit.web.server.starlette import starlette_agent_routes, starlette_routes

from tests.browser.conftest import at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
# Every route of Streamlit's own that 1.67 has. A new one has to be looked at, and added here.
STREAMLIT_ROUTES = {
    *("_stcore/health", "_stcore/script-health-check", "_stcore/metrics", "_stcore/host-config"),
    *("media/{file_id:path}", "_stcore/upload_file/{session_id}/{file_id}"),
    *("component/{path:path}", "_stcore/bidi-components/{path:path}", "app/static/{path:path}"),
    *("_stcore/agent/interact", "_stcore/agent/openapi.json", "_stcore/agent/mcp"),
}
FOR_ANYBODY = {"/health", "/models", "/openapi.json", "/docs"}


@dataclass
class Person:
    """One browser, and what its owner put into the library."""

    name: str
    context: BrowserContext
    page: Page
    photos: dict[str, bytes]

    @property
    def ids(self) -> list[str]:
        return [hashlib.sha256(data).hexdigest() for data in self.photos.values()]

    def ask(self, method: str, path: str, **options: Any) -> APIResponse:
        return self.context.request.fetch(path, method=method, **options)


def shared_server(folder: Path, **settings: str) -> Server:
    environment = {"SCENE_MODE": "shared", "SCENE_VISITORS": str(folder / "visitors")} | settings
    return Server(folder, None, **environment)


@pytest.fixture
def server_environment(tmp_path: Path) -> dict[str, str]:
    return {"SCENE_MODE": "shared", "SCENE_VISITORS": str(tmp_path / "visitors")}


@pytest.fixture
def come(browser: Browser, server: Server, tmp_path: Path) -> Iterator[Callable[[str], Person]]:
    """Let a person come with a browser of their own and add three photos through the page."""
    with ExitStack() as stack:

        def made(name: str) -> Person:
            context = browser.new_context(base_url=server.base_url, accept_downloads=True)
            stack.callback(context.close)
            context.set_default_timeout(60_000)
            page = context.new_page()
            temple = (ASSETS / "china.jpg").read_bytes()
            seed = sum(name.encode())
            photos = {
                f"{name} {kind}.jpg": data
                for kind, data in (
                    ("temple", temple + name.encode()),
                    ("first", encode(textured(800, 600, seed=seed))),
                    ("second", encode(textured(800, 600, seed=seed + 1))),
                )
            }
            folder = tmp_path / name
            folder.mkdir()
            for file, data in photos.items():
                (folder / file).write_bytes(data)
            page.goto("/")
            with page.expect_file_chooser() as chooser:
                page.get_by_role("button", name="Choose photos").click()
            chooser.value.set_files(sorted(folder.iterdir()))
            expect(page.get_by_text("3 of 3 photos tagged")).to_be_visible(timeout=60_000)
            return Person(name, context, page, photos)

        yield made


def one_photo_s_upload(person: Person) -> tuple[str, str]:
    """Send a photo by Streamlit's own uploader; returns the address it went to, and its token."""
    page = person.page
    page.get_by_role("tab", name="Simple upload").click()
    with page.expect_request(lambda r: "/_stcore/upload_file/" in r.url) as sent:
        page.locator('input[type="file"]').set_input_files(
            {"name": "few.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
        )
    return sent.value.url, sent.value.headers["x-xsrftoken"]


def background(person: Person) -> str:
    """Have a photo classified in a batch; returns the job's id."""
    file = {
        "name": "batch.jpg",
        "mimeType": "image/jpeg",
        "buffer": list(person.photos.values())[0],
    }
    answer = person.ask("POST", "/api/predict/batch?background=true", multipart={"files": file})
    assert answer.status == 202, answer.text()
    return str(answer.json()["job_id"])


def api_requests(person: Person, jobs: list[str], photo_id: str) -> list[tuple[str, str]]:
    """Every route of our API by its own description, with the ids of another in the path."""
    described = person.ask("GET", "/api/openapi.json").json()["paths"]
    assert len(described) >= 15
    routes = set()
    for path, methods in described.items():
        for job_id in jobs:
            parameters = {"job_id": job_id, "photo_id": photo_id, "trip_id": "1", "number": "0"}
            filled = path.format_map(parameters)
            routes |= {(method.upper(), filled) for method in methods}
    return sorted(routes)


def media_requests(secrets: list[bytes], names: list[str]) -> list[tuple[str, str]]:
    """Where Streamlit would have put these bytes, had a page given them to it."""
    kinds = ("image/jpeg", "image/webp", "image/png", "application/octet-stream", "text/csv")
    ids = {
        _calculate_file_id(data, kind, name)
        for data in secrets
        for kind in kinds
        for name in (None, *names)
    }
    return [("GET", f"/media/{file_id}.jpg") for file_id in sorted(ids)]


def test_each_sees_their_own(come: Callable[[str], Person]) -> None:
    people = [come(name) for name in ("ada", "ben", "cleo")]
    for person in people:
        page = person.page
        page.goto("/gallery")
        expect(page.locator(".cell")).to_have_count(3)
        shown = "\n".join(page.locator(".cell").all_inner_texts())
        for other in people:
            assert shown.count(f"{other.name} ") == (3 if other is person else 0)
        assert {p["id"] for p in person.ask("GET", "/api/photos").json()["photos"]} == set(
            person.ids
        )
    keys = {person.context.cookies()[0]["value"] for person in people}
    assert len(keys) == 3
    for person in people:
        (cookie,) = [c for c in person.context.cookies() if c["name"] == "scene_visitor"]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
        assert cookie["value"] not in person.page.content()
        assert "scene_visitor" not in person.page.evaluate("document.cookie")


def test_no_route_answers_for_another(come: Callable[[str], Person]) -> None:
    ada, ben, cleo = come("ada"), come("ben"), come("cleo")
    (upload_id,) = re.findall(r"job=([0-9a-f]{32})", ada.page.url)
    jobs = [upload_id, background(ada)]
    window, token = one_photo_s_upload(ada)
    derived = [
        ada.ask("GET", f"/api/photos/{ada.ids[0]}/{kind}").body()
        for kind in ("thumbnail", "preview")
    ]
    secrets = [*ada.photos.values(), *derived]
    for person in (ben, cleo):
        for method, path in api_requests(person, jobs, ada.ids[0]):
            body = {"files": [{"path": "x.jpg", "size": 1}], "tags": ["x"], "images": ["eA=="]}
            answer = person.ask(method, f"/api{path}", data=body, params={"tag": "x"})
            if any(parameters in path for parameters in (*jobs, *ada.ids)):
                assert answer.status in (403, 404), (method, path, answer.text())
            content = answer.body()
            assert not any(secret[-64:] in content for secret in secrets), path
            assert b"ada temple" not in content, path
        # Streamlit's own: nothing of a photo is there, and another's window takes nothing.
        for method, path in media_requests(secrets, list(ada.photos)):
            assert person.ask(method, path).status == 404
        own_token = {"X-Xsrftoken": token}
        for method in ("PUT", "DELETE", "GET"):
            file = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"x"}
            options: dict[str, Any] = {"multipart": {"file": file}} if method == "PUT" else {}
            answer = person.ask(method, window, headers=own_token, **options)
            assert answer.status == 403, (method, answer.text())
    assert {p["id"] for p in ada.ask("GET", "/api/photos").json()["photos"]} == set(ada.ids)
    assert ada.ask("GET", f"/api/jobs/{jobs[1]}").status == 200


def test_streamlit_has_no_other_routes(come: Callable[[str], Person]) -> None:
    parameters = {
        value
        for module in (starlette_routes, starlette_agent_routes)
        for name, value in vars(module).items()
        if re.fullmatch(r"_?ROUTE_[A-Z0-9_]+", name) and isinstance(value, str)
    }
    assert parameters == STREAMLIT_ROUTES
    ada = come("ada")
    answers = {route: ada.ask("GET", "/" + re.sub(r"{.*?}", "x", route)) for route in parameters}
    for route, answer in answers.items():
        content = answer.body()
        assert b"ada temple" not in content, route
        assert not any(data[-64:] in content for data in ada.photos.values()), route
    # Programs may not drive the pages of whoever is there.
    for route in ("interact", "mcp"):
        answer = ada.ask("POST", f"/_stcore/agent/{route}", data={})
        assert answer.status >= 400
        assert "does not serve the agent API" in answer.text(), route


def test_notice_and_everything_in_one_download(come: Callable[[str], Person]) -> None:
    ada = come("ada")
    page = ada.page
    page.goto("/")
    expect(page.get_by_text("Only you can see these photos")).to_be_visible()
    expect(page.get_by_text(re.compile(r"deleted 24 hours after your last visit"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"3 of 5,000 photos · 0\.00 of 10\.00 GB"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all photos").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert archive.testzip() is None
    packed = {n.split("/")[-1]: archive.read(n) for n in archive.namelist() if "/" in n}
    assert packed == ada.photos
    assert b"ada temple.jpg" in archive.read("manifest.csv")


def test_what_visitors_do_not_find(come: Callable[[str], Person], tmp_path: Path) -> None:
    page = come("ada").page
    for name in (
        "",
        "gallery",
        "search",
        "review",
        "duplicates",
        "teach",
        "insights",
        "map",
        "export",
    ):
        page.goto(f"/{name}")
        expect(page.get_by_text("Only you can see these photos")).to_be_visible()
        page.locator("[data-test-script-state='notRunning']").wait_for(state="attached")
        assert str(tmp_path) not in page.content(), name
    page.get_by_role("button", name="Tidy up").click()
    expect(page.get_by_role("menuitem", name="Review")).to_be_visible()
    assert page.get_by_role("menuitem", name="Sort").count() == 0
    page.goto("/model_card")
    expect(page.get_by_text("The administrator of this server chooses the model")).to_be_visible()
    assert page.get_by_role("button", name="Use this model").count() == 0
    page.goto("/teach")
    expect(page.get_by_text("Teach a tag", exact=True)).to_be_visible()
    assert page.get_by_text("Learn from your corrections").count() == 0
    page.goto("/")
    expect(page.get_by_role("tab")).to_have_text(
        ["Drop photos or folders", "From a phone", "Simple upload"]
    )
    page.goto("/sort")
    expect(page.get_by_text("Page not found")).to_be_visible()


def test_too_many_are_refused_before_they_are_sent(browser: Browser, tmp_path: Path) -> None:
    server = shared_server(tmp_path, SCENE_VISITOR_MAX_PHOTOS="2")
    server.start()
    page = browser.new_page()
    files = []
    for i in range(3):
        files.append(tmp_path / f"{i}.jpg")
        files[-1].write_bytes((ASSETS / "china.jpg").read_bytes() + bytes([i]))
    try:
        page.goto(server.base_url)
        for few, content in (
            (files, "Nothing was sent. The library holds 0, and 3 photos would be added"),
            (files[:2], "2 of 2 photos tagged"),
            (files[2:], "Nothing was sent. The library holds 2, and 1 photo would be added"),
        ):
            with page.expect_file_chooser() as chooser:
                page.get_by_role("button", name="Choose photos").click()
            chooser.value.set_files(few)
            expect(page.get_by_text(content)).to_be_visible()
            if "Nothing" in content:
                page.get_by_role("button", name="Cancel").click()
                expect(page.get_by_text(content)).to_be_hidden()
        expect(page.get_by_text(re.compile("2 of 2 photos ·"))).to_be_visible()
    finally:
        page.close()
        server.stop()


class TestExpiry:
    """Two visitors, one of whom comes back; times are short."""

    @pytest.fixture
    def server_environment(self, server_environment: dict[str, str]) -> dict[str, str]:
        return server_environment | {"SCENE_VISITOR_HOURS": str(120 / 3600)}

    def test_nothing_is_left_on_the_disk(
        self, come: Callable[[str], Person], tmp_path: Path
    ) -> None:
        ada = come("ada")
        old = f"/api/photos/{ada.ids[0]}/original"
        assert ada.ask("GET", old).body() == ada.photos["ada temple.jpg"]
        (before,) = (tmp_path / "visitors" / "libraries").iterdir()
        assert [p for p in before.rglob("*") if p.is_file() and p.name != "visited"]
        removed = tmp_path / "visitors" / "removed"
        # What is still on its way would be one more visit.
        expect(ada.page.locator(".cell img")).to_have_count(3)
        ada.page.wait_for_load_state("networkidle")
        at_rest(ada.page)
        os.utime(before / "visited", (0, 0))
        deadline = time.monotonic() + 300
        while (before.exists() or list(removed.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.5)  # the window stays open, and nobody touches it
        left = [p for p in (tmp_path / "visitors").rglob("*") if p.is_file()]
        names = {p.name for p in left if "empty" not in p.parts}
        assert names == {"secret", "libraries.lock"}
        assert not list(removed.iterdir())
        ada.page.goto("/gallery")
        expect(ada.page.get_by_text("No photos yet")).to_be_visible()
        assert ada.ask("GET", old).status == 404
