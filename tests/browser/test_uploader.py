"""The streaming uploader in a browser: many at once, and a server that is killed in between."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.pictures import encode, textured

pytestmark = pytest.mark.browser
MANY = 150


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "holiday"
    folder.mkdir()
    photo = encode(textured(1600, 1200))
    paths = [folder / f"{i:04d}.jpg" for i in range(MANY)]
    for i, path in enumerate(paths):
        path.write_bytes(photo + i.to_bytes(2, "big"))  # another photo to the library
    return paths


def choose(page: Page, files: list[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(files)


def test_many_with_a_film_and_a_document(visit: Visit, many: list[Path], tmp_path: Path) -> None:
    film, document = tmp_path / "film.mov", tmp_path / "letter.pdf"
    film.write_bytes(b"film")
    document.write_bytes(b"letter")
    page = visit.open()
    choose(page, [*many[:40], film, document])
    expect(page.get_by_text("40 of 42 photos tagged, 2 skipped")).to_be_visible(timeout=120_000)


def test_a_killed_server_and_continue(visit: Visit, server: Server, many: list[Path]) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files here"))).to_be_visible()
    server.kill()
    expect(page.get_by_text("The upload has stopped")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("files are still to come"))).to_be_visible()
    server.start()
    page.get_by_role("button", name="Continue").click()
    done = page.get_by_text("150 of 150 photos tagged")
    expect(done).to_be_visible(timeout=180_000)
    assert "known" not in done.inner_text(), "nothing came twice"


def test_dropped_again_after_a_refresh(visit: Visit, many: list[Path]) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files here"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("An upload is not complete")).to_be_visible()
    choose(page, many)
    expect(page.get_by_text("150 of 150 photos tagged")).to_be_visible(timeout=180_000)


def test_cancel_half_way(visit: Visit, many: list[Path], tmp_path: Path) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files here"))).to_be_visible()
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_text(re.compile("Cancelled: "))).to_be_visible(timeout=60_000)
    assert list((tmp_path / "library" / "incoming").iterdir()) == []
    assert list((tmp_path / "library" / "new").iterdir()) == []
