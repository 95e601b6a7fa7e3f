"""A shared server with a provider of identities: the library is the person's, on every device."""

import json
import re
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scene_model.config import PROJECT_DIR
from tests.browser.oidc_provider import CLIENT_ID, CLIENT_SECRET, provider
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools


@pytest.fixture
def server_environment(tmp_path: Path, port: int) -> Iterator[dict[str, str]]:
    """A shared server whose visitors sign in with the test's identity provider."""
    secrets_file = tmp_path / "secrets.toml"
    with provider() as identities:
        auth = configuration()["auth"]
        auth["redirect_uri"] = auth["redirect_uri"].replace(
            "https://photos.example.org", f"http://127.0.0.1:{port}"
        )
        auth |= {
            "cookie_secret": secrets.token_hex(32),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": identities.metadata_url,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in auth.items()]
        secrets_file.write_text("\n".join(["[auth]", *lines]), encoding="utf-8")
        yield {
            "SCENE_MODE": "shared",
            "SCENE_VISITORS": str(tmp_path / "visitors"),
            "STREAMLIT_SECRETS_FILES": str(secrets_file),
        }


def configuration() -> dict[str, dict[str, str]]:
    """The example that docs/shared.md gives."""
    text = (PROJECT_DIR / "docs" / "shared.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    example = tomllib.loads(block)
    assert list(example) == ["auth"]
    return example


def device(browser: Browser, server: Server) -> BrowserContext:
    context = browser.new_context(base_url=server.base_url)
    context.set_default_timeout(60_000)
    return context


def sign_in(context: BrowserContext, person: str) -> Page:
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=person).click()
    expect(page.get_by_text("Only you can see these photos")).to_be_visible()
    return page


def test_the_library_is_the_person_s(browser: Browser, server: Server) -> None:
    laptop, phone, other = (device(browser, server) for _ in range(3))
    page = laptop.new_page()
    page.goto("/gallery")
    expect(page.get_by_text("Sign in to see your photos")).to_be_visible()
    assert laptop.request.get("/api/photos").status == 401
    page.close()

    page = sign_in(laptop, "ada")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(ASSETS / "china.jpg")
    expect(page.get_by_text("1 of 1 photo tagged")).to_be_visible()
    # The server may close a connection that was idle in the moment in which it is used again.
    (photo,) = laptop.request.get("/api/photos", max_retries=2).json()["photos"]

    sign_in(other, "ben")
    assert other.request.get("/api/photos").json()["photos"] == []
    assert other.request.get(photo["original_url"]).status == 404

    page_on_phone = sign_in(phone, "ada")
    page_on_phone.goto("/gallery")
    expect(page_on_phone.locator(".cell", has_text="china.jpg")).to_be_visible()
    assert phone.request.get(photo["original_url"]).ok

    page_on_phone.get_by_role("button", name="Sign out").click()
    expect(page_on_phone.get_by_text("Sign in to see your photos")).to_be_visible()
    assert phone.request.get(photo["original_url"]).status == 401
    assert laptop.request.get(photo["original_url"]).ok
    assert re.fullmatch(r"/api/photos/[0-9a-f]{64}/original", photo["original_url"])
    for context in (laptop, phone, other):
        context.close()
