"""A folder of real photos put in order on the page: plan, act, look, take back."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import serious
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.libraries import real_photos
from tests.export.sorting.source_photos import content, files_below, snapshot

pytestmark = pytest.mark.tools


@pytest.fixture
def source_folder(tmp_path: Path) -> Path:
    """Real photos in two folders, one with a sidecar; a file that is no picture, and notes."""
    folder = tmp_path / "source folder"
    (folder / "2024 spring").mkdir(parents=True)
    photos = [path for path in real_photos() if path.suffix.lower() in (".jpg", ".jpeg")]
    for number, path in enumerate(photos):
        inner = folder / ("2024 spring" if number % 2 else "")
        (inner / path.name).write_bytes(path.read_bytes())
    first = sorted(folder.glob("*.jpg"))[0]
    first.with_suffix(".xmp").write_text("a sidecar")
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("notes")
    return folder


def count_of(source_folder: Path) -> int:
    """How many files a sort of the source folder takes."""
    return len(list(files_below(source_folder))) - 2


def name_folders(page: Page, source: object, dest: object) -> None:
    for number, label, value in ((0, "Source folder", source), (1, "Destination folder", dest)):
        switch = page.get_by_role("switch", name="Type a path").nth(number)
        expect(switch).to_be_visible()
        if not switch.is_checked():
            page.get_by_text("Type a path").nth(number).click()
        field = page.get_by_role("textbox", name=label)
        field.fill(str(value))
        field.press("Enter")


@pytest.mark.parametrize(
    ("kind", "done", "undone"),
    [("Copy", "files copied", "copies removed"), ("Move", "files moved", "files moved back")],
)
def test_plan_act_and_undo(
    visit: Visit, source_folder: Path, tmp_path: Path, kind: str, done: str, undone: str
) -> None:
    before, hashes, files = snapshot(source_folder), content(source_folder), count_of(source_folder)
    dest, page = tmp_path / "sorted", visit.open("sort")
    expect(page.get_by_text("Choose both folders")).to_be_visible()
    name_folders(page, source_folder, dest)
    page.get_by_role("radio", name=kind).or_(page.get_by_role("button", name=kind)).first.click()
    page.get_by_role("button", name="Create plan").click()
    text = f"{files} files to {kind.lower()} · 1 skipped · 1 other file ignored"
    expect(page.get_by_text(text)).to_be_visible()
    expect(page.get_by_role("heading", name="Skipped files")).to_be_visible()
    assert snapshot(source_folder) == before, "a plan touches nothing"
    assert not dest.exists()

    page.get_by_role("button", name=f"{kind} {files} files").click()
    expect(page.get_by_text(f"{files} {done}.")).to_be_visible()
    moved = content(dest)
    assert sum(moved.values()) == files
    assert (content(source_folder) + moved if kind == "Move" else content(source_folder)) == hashes
    classes = {path.parent.name for path in files_below(dest)}
    assert len(classes) > 1, classes

    page.reload()  # what is on the disk is known to the page that opens tomorrow, too
    name_folders(page, source_folder, dest)
    page.get_by_role("button", name="Undo sort").click()
    expect(page.get_by_text(f"{files} {undone}.")).to_be_visible()
    assert snapshot(source_folder) == before
    assert not dest.exists()


def test_progress_and_going_on_after_the_page_was_left(
    visit: Visit, tmp_path: Path, made_photos: list[tuple[str, bytes]]
) -> None:
    source, dest = tmp_path / "many", tmp_path / "sorted"
    source.mkdir()
    for number in range(1_500):
        name, data = made_photos[number % len(made_photos)]
        (source / f"{number:04d} {name}").write_bytes(data + number.to_bytes(2, "big"))
    before, page = snapshot(source), visit.open("sort")
    name_folders(page, source, dest)
    page.get_by_role("button", name="Create plan").click()
    expect(page.get_by_text("of 1,500 photos classified")).to_be_visible()
    page.get_by_role("button", name="Copy 1,500 files").click(timeout=300_000)
    expect(page.get_by_text(re.compile(r"^[1-9][\d,]* of 1,500 files"))).to_be_visible()
    page.reload()  # in the middle
    name_folders(page, source, dest)
    expect(page.get_by_text("was interrupted")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("1,500 files copied.")).to_be_visible(timeout=300_000)
    assert content(dest) == content(source)
    page.get_by_role("button", name="Undo sort").click()
    expect(page.get_by_text("1,500 copies removed.")).to_be_visible(timeout=300_000)
    assert snapshot(source) == before


def test_what_cannot_be_sorted_is_told(visit: Visit, source_folder: Path, tmp_path: Path) -> None:
    before, page = snapshot(source_folder), visit.open("sort")
    (tmp_path / "file").write_text("mine")
    for source, dest, text in (
        (tmp_path / "nowhere", tmp_path / "sorted", "There is no folder"),
        (source_folder, tmp_path / "file", "is not a folder, so"),
        (source_folder, tmp_path / "library", "belongs to the library in"),
    ):
        name_folders(page, source, dest)
        page.get_by_role("button", name="Create plan").click()
        expect(page.get_by_text(text)).to_be_visible()
        expect(page.get_by_role("heading", name="Plan", exact=True)).to_have_count(0)
    # One folder in the other is no mistake, but worth a word.
    name_folders(page, source_folder, source_folder / "sorted")
    expect(page.get_by_text("is inside the source folder")).to_be_visible()
    assert snapshot(source_folder) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everyone(visit: Visit, source_folder: Path, tmp_path: Path, scheme: str) -> None:
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = visit.open("sort")
    name_folders(page, source_folder, tmp_path / "sorted")
    page.get_by_role("button", name="Create plan").click()
    expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page, 390)
