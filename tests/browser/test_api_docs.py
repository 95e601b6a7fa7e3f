"""The API documentation in a browser: its files come from this server, its policy lets it work."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = pytest.mark.tools


def test_it_shows_and_sends_requests(visit: Visit) -> None:
    page = visit.open("api/docs")
    route = page.locator(".opblock", has_text="/health").first
    route.click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table")).to_contain_text('"status": "ok"')
