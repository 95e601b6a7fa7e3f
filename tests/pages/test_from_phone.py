"""The tab “From a phone” of the page Classify, through the navigation."""

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from pages.sections.phone import from_phone
from pages.sections.phone.qr_code import qr_svg
from pages.state.phones import Phones, get_phones
from scene_model.ingest.phone.addresses import LanAddress
from scene_model.ingest.phone.phone_uploads import PhoneLibrary
from scene_model.ingest.uploads import Announced
from scene_model.services import Services
from tests.pages.conftest import click, labels, texts

HERE = LanAddress("127.0.0.1", "a test's network")


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENE_PHONE_PORT", "0")


@pytest.fixture
def phones(opened: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    """Phones of an app whose computer has one address."""
    monkeypatch.setattr(from_phone, "lan_addresses", lambda: [HERE])
    get_phones().listener.serve(lambda _: Starlette())
    yield get_phones()
    get_phones().listener.close()


def link_of(app: AppTest) -> str:
    return next(str(code.value) for code in app.code if "/phone/" in str(code.value))


def test_a_code_is_shown_and_ended(app: AppTest, phones: Phones) -> None:
    app.run()
    assert "127.0.0.1" in texts(app)
    assert "not encrypted" in texts(app)
    click(app, "Show code")
    (code,) = phones.codes.active()
    assert code.ends_at - code.made_at == 3600
    port = phones.listener.port_of(HERE.address)
    match = re.fullmatch(rf"http://127\.0\.0\.1:{port}/phone/#(.+)", link_of(app))
    assert match is not None
    assert phones.codes.find(match[1]).id == code.id
    assert "nothing received yet" in texts(app)
    phones.codes.count(code.id, 2, 5_000_000)
    app.run()
    assert "2 files received, 5.0 MB" in texts(app)
    click(app, "End now")
    assert phones.codes.active() == []
    assert not any("/phone/" in str(element.value) for element in app.code)
    assert "Show code" in labels(app)


def test_the_upload_of_a_phone_is_followed_and_not_offered_to_continue(
    app: AppTest, phones: Phones, opened: Services, temple: bytes
) -> None:
    app.run()
    click(app, "Show code")
    (code,) = phones.codes.active()
    library = PhoneLibrary(opened.uploads, opened.jobs)
    job = phones.uploads.announce(code.id, library, [Announced("a.jpg", len(temple))])
    app.run()
    assert app.query_params["job"] in (job.id, [job.id])
    target = opened.uploads.begin_file(job.id, 0, len(temple))
    assert target is not None
    target.write_bytes(temple)
    opened.uploads.finish_file(job.id, 0, target)
    assert job.wait(60)
    app.run()
    assert "1 of 1 photo tagged" in texts(app)


def test_problems_are_named(app: AppTest, phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_phone, "lan_addresses", lambda: [LanAddress("203.0.113.7", "eth7")])
    app.run()
    click(app, "Show code")
    assert "Cannot listen on 203.0.113.7" in texts(app)
    assert phones.codes.active() == []
    monkeypatch.setattr(from_phone, "lan_addresses", list)
    app.run()
    assert "no address in a local network" in texts(app)
    assert next(button for button in app.button if button.label == "Show code").disabled


def test_a_qr_code_is_drawn_dark_on_light_without_another_server() -> None:
    svg = qr_svg("http://192.168.1.5:8502/phone/#" + "x" * 27)
    assert svg.startswith("<svg")
    assert "#fff" in svg
    assert set(re.findall(r"https?://[^\"\s]+", svg)) == {"http://www.w3.org/2000/svg"}
