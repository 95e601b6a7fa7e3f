"""The tab “From a phone” of the page Classify, through the navigation."""

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from pages.sections.phone import from_phone, webdav_inbox
from pages.sections.phone.qr_code import qr_svg
from pages.state.phones import Phones, get_phones
from scene_model.errors import EmptyFile
from scene_model.ingest.announced import Announced
from scene_model.ingest.inbox.inbox import Arrived
from scene_model.ingest.inbox.inboxes import Inboxes
from scene_model.ingest.phone.addresses import LanAddress
from scene_model.ingest.phone.codes import CodeUse
from scene_model.ingest.phone.phone_uploads import PhoneLibrary
from scene_model.jobs.job import skipped_outcome
from scene_model.services import Services
from tests.pages.conftest import click, labels, texts

HERE = LanAddress("127.0.0.1", "a test's network")


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENE_PHONE_PORT", "0")


@pytest.fixture
def phones(opened: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    """Phones of an app whose computer has one address."""
    for module in (from_phone, webdav_inbox):
        monkeypatch.setattr(module, "lan_addresses", lambda: [HERE])
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


def test_an_inbox_is_opened_followed_and_ended(
    app: AppTest, phones: Phones, opened: Services, temple: bytes
) -> None:
    app.run()
    assert "An inbox only adds" in texts(app)
    click(app, "Open an inbox")
    (code,) = phones.codes.active(use=CodeUse.INBOX)
    url = f"http://127.0.0.1:{phones.listener.port_of(HERE.address)}/inbox/"
    address, user, password = (str(shown.value) for shown in app.code[-3:])
    assert (address, user) == (url, "photos")
    assert phones.codes.find(password, CodeUse.INBOX).id == code.id
    assert "nothing received yet" in texts(app)
    inbox = opened.inboxes.of(code.id)
    written = inbox.new_path()
    written.write_bytes(temple[:1000])
    inbox.finish_file("broken.jpg", Arrived(written, 1000, ""))
    inbox.settle(
        inbox.waiting()[0].source, skipped_outcome("broken.jpg", EmptyFile("It is empty."))
    )
    app.run()
    assert "1 file refused" in texts(app)
    # The page of another window does not have the password.
    del app.session_state["inbox_shown"]
    app.run()
    assert password not in [str(shown.value) for shown in app.code]
    assert "1 file refused" in texts(app)
    click(app, "End")
    assert phones.codes.active() == []
    assert "Open an inbox" in labels(app)
    assert not inbox.folder.exists()


def test_an_inbox_whose_address_is_gone_can_be_moved(app: AppTest, phones: Phones) -> None:
    phones.codes.make_inbox("", "203.0.113.7")  # of another network
    app.run()
    assert "does not have the address 203.0.113.7" in texts(app)
    click(app, "Use 127.0.0.1 from now on")
    (code,) = phones.codes.active(use=CodeUse.INBOX)
    assert code.address == HERE.address
    assert phones.listener.port_of(HERE.address) is not None


def test_inboxes_of_another_process_are_named(
    app: AppTest, phones: Phones, opened: Services
) -> None:
    code, _ = phones.codes.make_inbox("", HERE.address)
    other = Inboxes(opened.library, opened.jobs, opened.classifier.limits)
    other.of(code.id)
    app.run()
    assert not app.exception
    assert "Another running Scene Gallery has the inboxes" in texts(app)
    other.close()
    app.run()
    assert "nothing received yet" in texts(app)


def test_a_qr_code_is_drawn_dark_on_light_without_another_server() -> None:
    svg = qr_svg("http://192.168.1.5:8502/phone/#" + "x" * 27)
    assert svg.startswith("<svg")
    assert "#fff" in svg
    assert set(re.findall(r"https?://[^\"\s]+", svg)) == {"http://www.w3.org/2000/svg"}
