"""A walk of twelve steps through 200 photos; the tests walk it, and so do the README's pictures.

Every step ends when the page shows what the step was for.
"""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser import actions
from tests.pictures import encode

COUNT, LOOKS, EXAMPLES = 200, 20, 8
# What is taught: photos whose names begin so are of one kind.
KIND, KIND_COUNT, TAG = "bloom", 26, "Garden bloom"
# A class that no model says, for the photos that are corrected together.
CLASS = "Keepsake"
# As many pieces of a picture as are asked for, each from a place and of a size of its own.
_PIECE_SIDES = (0.42, 0.55, 0.7)


def pieces(path: Path) -> Iterator[bytes]:
    """Pieces of one photograph, 480 wide: other photos, where there are too few to walk through."""
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    for number in range(COUNT):
        side = _PIECE_SIDES[number % len(_PIECE_SIDES)]
        # Steps of the golden ratio and of its root fill a square evenly, without a repetition.
        left = (number * 0.618034) % 1.0 * (1 - side) * width
        top = (number * 0.786151) % 1.0 * (1 - side) * height
        box = (left, top, left + side * width, top + side * height)
        yield encode(picture.resize((480, int(480 * height / width)), box=box), quality=85)


def mixed_photos(of_kind: Iterator[bytes], others: Sequence[Iterator[bytes]]) -> list[FilePayload]:
    """Two hundred files: some of one kind, the others taken from each source in turn."""
    files = [_payload(f"{KIND}_{i:03d}.jpg", d) for i, d in enumerate(islice(of_kind, KIND_COUNT))]
    turns = (data for taken in zip(*others, strict=False) for data in taken)
    rest = islice(turns, COUNT - len(files))
    for number, data in enumerate(rest):
        # One of a kind between some others, as in life.
        files.insert(1 + number % (len(files) + 1), _payload(f"img_{number:03d}.jpg", data))
    return files


def photos_of(archive: Path, folder: str, names: Sequence[str] | None = None) -> Iterator[bytes]:
    """Photos of a folder of a ZIP, as they are; names: of those alone."""
    with zipfile.ZipFile(archive) as photos:
        for name in names or sorted(photos.namelist()):
            if name.startswith(f"{folder}/") and not name.endswith("/"):
                yield photos.read(name)


def _payload(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def walk(page: Page, files: list[FilePayload], after: Callable[[str], None]) -> None:
    """Take all twelve steps; ``after`` gets the name of each, when the page shows its end."""
    _upload(page, files)
    after(UPLOAD)
    for name, step in STEPS_AFTER_UPLOAD.items():
        step(page)
        after(name)


def go(page: Page, name: str) -> None:
    """Go to a page by its name in the navigation.

    Streamlit forgets the click when a page that shows progress refreshes itself at the same moment;
    then a person clicks again.
    """
    address = re.compile(f"/{name.lower()}")
    actions.go(page, name)
    try:
        expect(page).to_have_url(address, timeout=20_000)
    except AssertionError:
        actions.go(page, name)
        expect(page).to_have_url(address)
    _rest(page)


def _rest(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def _upload(page: Page, files: list[FilePayload]) -> None:
    page.locator('input[type="file"]').set_input_files(files)
    expect(page.get_by_text(f"{COUNT} of {COUNT} photos tagged")).to_be_visible(timeout=120_000)


def _browse(page: Page) -> None:
    go(page, "Gallery")
    expect(page.locator(".current .cell")).to_have_count(36)
    page.get_by_label("Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    chip = page.locator(".st-key-filter_chips [aria-label=Class] button").nth(1)
    photos = chip.inner_text().rsplit(" ", 1)[1]
    chip.click()
    expect(page.get_by_text(f"{photos} of {COUNT} photos")).to_be_visible()
    expect(page.locator(".cell").first).to_be_visible()


def _one_photo(page: Page) -> None:
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table", name=re.compile("most probable")).first).to_be_visible()
    _rest(page)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("button", name="Previous")).to_be_enabled()
    dialog.get_by_text("Tag sources").click()
    expect(dialog.get_by_role("table", name="Tag sources")).to_be_visible()


def _review(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    go(page, "Review")
    expect(page.get_by_text("Photo 1 of")).to_be_visible()
    expect(page.get_by_role("combobox", name="Other class")).to_be_visible()
    for number in range(LOOKS):
        page.keyboard.press("1" if number % 4 == 3 else "a")
        expect(page.get_by_text(f"Photo {number + 2} of")).to_be_visible()


def _bulk_correct(page: Page) -> None:
    _filter(page, "img_0")
    _select(page, 0, 11)
    page.get_by_role("button", name="Class", exact=True).click()
    page.get_by_role("combobox", name="Class for the selected photos").fill(CLASS)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Make class “{CLASS}”").click()
    page.get_by_role("button", name="Set class").click()
    expect(page.locator(".cell", has_text=CLASS)).to_have_count(12)
    page.keyboard.press("Escape")
    actions.undo_button(page).click()
    expect(page.locator(".cell", has_text=CLASS)).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".cell", has_text=CLASS)).to_have_count(12)


def _learn(page: Page) -> None:
    go(page, "Teach")
    page.get_by_role("button", name="Train on corrections").click()
    expect(page.get_by_text("held-out accuracy").first).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Use and retag photos").click()
    expect(page.get_by_text("In use: the model trained on your corrections.")).to_be_visible()


def _teach(page: Page) -> None:
    page.get_by_role("button", name="Restore original model").click()
    expect(page.get_by_text("The original model is in use again")).to_be_visible()
    _filter(page, KIND)
    page.get_by_role("button", name=re.compile("^Clear(?! entry)")).click()
    expect(page.locator(".st-key-selection_bar")).to_have_count(0)
    _select(page, 0, EXAMPLES - 1)
    go(page, "Teach")
    page.get_by_label("Tag name").fill(TAG)
    page.get_by_role("button", name="Train tag", exact=True).click()
    expect(page.get_by_text("Held-out examples tagged")).to_be_visible(timeout=60_000)
    expect(page.locator(".cell").first).to_be_visible()


def _search(page: Page) -> None:
    page.get_by_role("button", name="Save tag").click()
    expect(page.get_by_text("New photos will get it too")).to_be_visible()
    go(page, "Search")
    line = page.locator('input[type="search"]').first
    line.fill(f'tag:"{TAG.lower()}" name:{KIND}')
    line.press("Enter")
    expect(page.locator(".cell").nth(EXAMPLES - 1)).to_contain_text(TAG)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Search name").fill("Our garden")
    page.get_by_role("button", name="Save search").click()
    expect(page.get_by_role("button", name="Saved (1)")).to_be_visible()
    page.keyboard.press("Escape")


def _similar(page: Page) -> None:
    page.locator(".open").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Find similar").click()
    expect(page.get_by_text("most similar first")).to_be_visible()
    expect(page.locator(".cell").first).to_contain_text("similar")


def _duplicates(page: Page) -> None:
    go(page, "Duplicates")
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("not been compared with the others yet")).to_be_hidden(timeout=120_000)
    page.get_by_role("button", name="Similar photos").or_(
        page.get_by_role("radio", name="Similar photos")
    ).click()
    expect(page.get_by_text("Check each group before you move photos to the trash")).to_be_visible()


def _insights(page: Page) -> None:
    go(page, "Insights")
    expect(page.get_by_role("heading", name="Confidence")).to_be_visible()
    bars = page.locator("[data-testid=stVegaLiteChart] path[aria-roledescription='bar']")
    expect(bars.first).to_be_visible()


def _export(page: Page) -> None:
    go(page, "Export")
    line = page.locator('input[type="search"]').first
    line.fill(f'tag:"{TAG.lower()}" OR class:{CLASS.lower()}')
    line.press("Enter")
    page.get_by_text("Remove locations").click()
    expect(page.get_by_role("link", name="Download ZIP")).to_have_attribute(
        "href", re.compile("q=tag.*place=false")
    )
    with page.expect_download() as download:
        page.get_by_role("link", name="Download ZIP").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert sum(name.startswith(f"{CLASS}/") for name in names) == 12
    assert len({name for name in names if f"/{KIND}" in name}) >= EXAMPLES


def _filter(page: Page, name: str) -> None:
    """Show the photos whose names hold a text, in the gallery."""
    go(page, "Gallery")
    page.locator(".st-key-filter_chips [role=radio]").first.click()
    line = page.locator('input[type="search"]').first
    line.fill(f"name:{name}")
    line.press("Enter")
    # The address is written when the photos are: those of before must not be the ones selected.
    expect(page).to_have_url(re.compile(f"q=name(:|%3A){name}"))
    _rest(page)
    expect(page.locator(".cell").first).to_contain_text(name)


def _select(page: Page, first: int, last: int) -> None:
    page.locator(".pick").nth(first).click()
    page.locator(".pick").nth(last).click(modifiers=["Shift"])
    expect(page.get_by_text(f"{last - first + 1} selected", exact=True)).to_be_visible()


UPLOAD = "upload"
STEPS_AFTER_UPLOAD: dict[str, Callable[[Page], None]] = {
    "browse": _browse,
    "one photo": _one_photo,
    "review": _review,
    "bulk correct": _bulk_correct,
    "learn from corrections": _learn,
    "teach": _teach,
    "search": _search,
    "similar": _similar,
    "duplicates": _duplicates,
    "insights": _insights,
    "export": _export,
}
