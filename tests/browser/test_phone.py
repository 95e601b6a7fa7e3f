"""The upload page for phones in a browser: cut connections, a lost page, one code from scan to end.

`python -m benchmarks.phone` sends 200 photos of 5 MB with ten cuts.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from playwright.sync_api import Error as BrowserError

from scene_model.ingest.phone.addresses import lan_addresses
from scene_model.ingest.phone.codes import PhoneCodes
from scene_model.library.store import Library
from tests.browser.actions import choose, payload, serious
from tests.browser.conftest import Visit
from tests.browser.servers import LAN_ADDRESS, free_port
from tests.cut_relay import CutRelay
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
HERE, MANY = "127.0.0.1", 12
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def phone_port() -> int:
    return free_port()


@pytest.fixture
def server_environment(phone_port: int) -> dict[str, str]:
    # Not every computer that runs the tests is in a network.
    is_offline = not lan_addresses()
    return {"SCENE_PHONE_PORT": str(phone_port)} | ({LAN_ADDRESS: HERE} if is_offline else {})


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Of a code made before the server starts, for the listener on this computer's own address."""
    return PhoneCodes(tmp_path / "library").make("", 3600, HERE)[1]


@pytest.fixture
def phone_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**PHONE)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    page = context.new_page()
    errors = list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda line: errors.append(line.text) if "Content Security" in line.text else None,
    )
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "DCIM"
    folder.mkdir()
    photo = encode(textured(1600, 1200))
    paths = [folder / f"IMG_{i:04d}.jpg" for i in range(MANY)]
    for i, path in enumerate(paths):
        path.write_bytes(photo + i.to_bytes(2, "big"))  # another photo to the library
    return paths


def library_of(folder: Path) -> list[bytes]:
    with Library(folder / "library") as library:
        records = list(library.records(library.find()))
        return sorted(library.original_location(photo).read_bytes() for photo in records)


def is_taken(answer: Response) -> bool:
    return answer.request.method == "PUT" and answer.ok


def test_photos_arrive_once_over_a_connection_that_is_cut(
    token: str, phone_page: Page, visit: Visit, phone_port: int, photos: list[Path], tmp_path: Path
) -> None:
    size = sum(path.stat().st_size for path in photos)
    relay = CutRelay((HERE, phone_port), [size // 5, size // 2, size * 4 // 5], [0, 8, 0])
    page = phone_page
    page.goto(f"http://{HERE}:{relay.port}/phone/#{token}")
    expect(page.get_by_text("sees nothing of the library")).to_be_visible()
    assert token not in page.url
    choose(page, photos)
    expect(page.get_by_text("It goes on by itself.")).to_be_visible()
    expect(page.get_by_text(f"Done: {MANY} added.").first).to_be_visible(timeout=60_000)
    assert relay.cuts == 3
    assert library_of(tmp_path) == sorted(path.read_bytes() for path in photos)
    # The same photos again: by name, size and time, and with new names by their content.
    renamed = [payload(f"100000{i:04d}.jpg", p.read_bytes()) for i, p in enumerate(photos[:4])]
    sent = list[str]()
    page.on("request", lambda request: sent.append(request.method))
    choose(page, photos[4:])
    expect(page.get_by_text(f"{MANY - 4} files sent before")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(renamed)
    expect(page.get_by_text(f"{MANY} files sent before")).to_be_visible()
    assert "PUT" not in sent
    page.get_by_role("button", name="Send them again").click()
    expect(page.get_by_text(re.compile(f"{MANY} already there")).first).to_be_visible()
    relay.close()


def test_a_page_that_the_phone_closed_goes_on(
    token: str, phone_page: Page, visit: Visit, phone_port: int, photos: list[Path], tmp_path: Path
) -> None:
    page = phone_page
    page.goto(f"http://{HERE}:{phone_port}/phone/#{token}")
    arrived = list[str]()
    page.on("response", lambda answer: arrived.append(answer.url) if is_taken(answer) else None)
    page.route(re.compile(r"/files/([6-9]|1\d)$"), lambda route: route.abort())
    choose(page, photos)
    expect(page.get_by_text("It goes on by itself.")).to_be_visible()
    page.unroute_all()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"http://{HERE}:{phone_port}/phone/")  # without the token, as a tab is restored
    expect(page.get_by_text(f"Of the last upload, {MANY - 6} of {MANY} files")).to_be_visible()
    choose(page, photos)
    expect(page.get_by_text(f"Done: {MANY - 6} added.").first).to_be_visible()
    assert len(arrived) == len(set(arrived)) == MANY, "nothing came twice"
    assert library_of(tmp_path) == sorted(path.read_bytes() for path in photos)


def test_the_page_can_be_read_and_touched(
    browser: Browser, token: str, visit: Visit, phone_port: int
) -> None:
    # The checker of accessibility is a script that the page's own policy does not allow.
    context = browser.new_context(**PHONE, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"http://{HERE}:{phone_port}/phone/#{token}")
    files = [payload("1000012345.jpg", b"no picture"), payload("a.pdf", b"%PDF")]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(files)
    expect(page.get_by_text("Done: 2 refused.").first).to_be_visible()
    expect(page.get_by_text("1 file renamed by the phone")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="a.pdf")).to_contain_text("document")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == [], scheme
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    heights = page.evaluate(
        "[...document.querySelectorAll('button, summary')].filter((e) => e.checkVisibility())"
        ".map((e) => e.getBoundingClientRect().height)"
    )
    assert len(heights) >= 3
    assert min(heights) >= 44
    context.close()


def test_photos_shared_by_another_app(
    browser: Browser, token: str, visit: Visit, phone_port: int, tmp_path: Path
) -> None:
    """On this computer the page is in a secure context, as over HTTPS."""
    # The page's own policy allows no form; Android sends one from outside.
    context = browser.new_context(**PHONE, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"http://{HERE}:{phone_port}/phone/#{token}")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    photo = encode(textured(160, 120))
    page.evaluate(
        """(bytes) => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(bytes)], "IMG_0007.jpg"));
          const input = Object.assign(document.createElement("input"), {type: "file"});
          input.name = "photos";
          input.files = files.files;
          const form = document.createElement("form");
          Object.assign(form, {action: "./share", method: "POST", enctype: "multipart/form-data"});
          form.append(input);
          document.body.append(form);
          form.submit();
        }""",
        list(photo),
    )
    expect(page.get_by_text("Done: 1 added.").first).to_be_visible()
    assert library_of(tmp_path) == [photo]
    assert page.evaluate("caches.keys()") == []
    page.goto(f"http://{HERE}:{phone_port}/phone/?shared=here")
    expect(page.get_by_role("alert")).to_contain_text("did not get here")
    context.close()


def test_from_the_code_on_the_computer_to_its_end(visit: Visit, phone_page: Page) -> None:
    page = visit.open()
    page.get_by_role("tab", name="From a phone").click()
    page.get_by_role("button", name="Show code").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    link = page.get_by_test_id("stCode").inner_text().strip()
    phone_page.goto(link)
    with phone_page.expect_file_chooser() as chooser:
        phone_page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files([payload("IMG_0001.jpg", encode(textured(160, 120)))])
    expect(phone_page.get_by_text("Done: 1 added.").first).to_be_visible()
    expect(page.get_by_text("1 of 1 photo tagged")).to_be_visible()
    expect(page.get_by_text("1 file received")).to_be_visible()
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_role("button", name="Show code")).to_be_visible()
    # Nothing listens in the network any more.
    with pytest.raises(BrowserError, match="ERR_CONNECTION_REFUSED"):
        phone_page.reload()
