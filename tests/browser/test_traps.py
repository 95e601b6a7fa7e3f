"""What used to lead people astray: each of these once did something else than it seemed to."""

import csv
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from scene_model.config import PROJECT_DIR, Settings
from scene_model.library import edits
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.embedding_files import packed
from scene_model.photos.xmp import rating_of
from scene_model.services import Services, open_services
from tests.browser.actions import drop, go, payload
from tests.browser.conftest import Visit, at_rest
from tests.browser.libraries import FilledLibraries
from tests.browser.servers import Server, running
from tests.conftest import ASSETS
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools

TAKEN = (2019, 5, 4, 10, 20, 30)
TAGS = {"pets.jpg": ("dog", "cat", "night"), "dog.jpg": ("dog",)}
CSV_BEGINS = ["ID", "Name", "Timestamp", "Label 1", "Score 1", "Label 2"]
PEOPLE_COLUMNS = ["Name", "Class", "Group", "Confidence", "Tags", "Taken", "Description"]


@dataclass(frozen=True)
class Prepared:
    """A library whose tags and predictions were set by hand.

    other_heads: names of labels that only the heads for places and objects have.
    """

    folder: Path
    photos: list[Path]
    other_heads: frozenset[str]


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, filled_libraries: FilledLibraries
) -> Prepared:
    folder = tmp_path_factory.mktemp("traps")
    paths = _photos(folder)
    filled_libraries.copy_to(folder / "library", paths)
    services = open_services(Settings(library=folder / "library", workers=1))
    try:
        _decide(services)
        heads = services.classifier.heads
        names = {head: {label.name for label in heads[head].labels.labels} for head in heads}
    finally:
        services.close()
    others = (names["places"] | names["objects"]) - names["scenes"] - names["camera"]
    return Prepared(folder / "library", paths, frozenset(others))


def _photos(folder: Path) -> list[Path]:
    """Two photographs, the one with a time and the other with a small copy; and drawings."""
    exif = Image.Exif()
    year, month, day, hour, minute, second = TAKEN
    exif.get_ifd(0x8769)[0x9003] = f"{year}:{month:02}:{day:02} {hour}:{minute}:{second}"
    temple = Image.open(ASSETS / "china.jpg")
    pictures = {
        "flower.jpg": encode(Image.open(ASSETS / "flower.jpg"), exif=exif),
        "temple.jpg": encode(temple),
        "small.jpg": encode(temple.resize((320, 214))),
        "nothing.jpg": encode(textured(160, 120, seed=1)),
        **{name: encode(textured(160, 120, seed=2 + i)) for i, name in enumerate(TAGS)},
    }
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in pictures]


def _decide(services: Services) -> None:
    """Make a head sure of the flower, another guess the temple, and no head know one drawing."""
    library = services.library
    ids = {photo.name: photo.id for photo in library.records(library.find())}
    for name, tags in TAGS.items():
        for tag in tags:
            edits.add_tag(library, [ids[name]], tag)
    edits.set_class(library, [ids[name] for name in (*TAGS, "small.jpg")], "sea")
    unsure = {"auto_class": "unsure", "auto_class_source": "none", "auto_class_score": 0.0}
    decisions: dict[str, dict[str, Any]] = {
        "flower.jpg": {"auto_class": "flower", "auto_class_source": "camera"},
        "temple.jpg": unsure | {"guess": "airfield", "guess_score": 0.4},
        "nothing.jpg": unsure | {"guess": "cat", "guess_score": 0.05},
    }
    with library.database.writer.begin() as connection:
        for name, columns in decisions.items():
            connection.execute(photos.update().where(photos.c.name == name).values(columns))
        row = connection.execute(photos.select().where(photos.c.name == "nothing.jpg")).one()
    nothing = np.zeros(services.classifier.bundle.backbone.embedding_size)
    library.embeddings.write(row.embedding_file, row.embedding_slot, packed(row.id, nothing))


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Server]:
    """One server for the tests that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    with running(Server(folder, SCENE_LIBRARY=str(prepared.folder))) as started:
        yield started


@pytest.fixture
def server(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    prepared: Prepared,
    filled_libraries: FilledLibraries,
) -> Iterator[Server]:
    """The shared server with the marker `read_only`, else one on the same photos."""
    if request.node.get_closest_marker("read_only"):
        yield request.getfixturevalue("shared_server")
        return
    filled_libraries.copy_to(tmp_path / "library", prepared.photos)
    with running(Server(tmp_path)) as started:
        yield started


def search(page: Page, query: str, *names: str) -> None:
    """Type a query and check which photos are found, in any order."""
    line = page.locator('input[type="search"]').first
    line.fill(query)
    line.press("Enter")
    shows(page, *names)


def shows(page: Page, *names: str) -> None:
    expect(page.locator(".cell")).to_have_count(len(names))
    for name in names:
        expect(page.locator(".cell", has_text=name)).to_have_count(1)


def download(page: Page, link: str) -> bytes:
    with page.expect_download() as info:
        page.get_by_role("link", name=link, exact=True).click()
    return Path(info.value.path()).read_bytes()


def is_above(upper: Locator, lower: Locator) -> bool:
    above, below = upper.bounding_box(), lower.bounding_box()
    assert above is not None
    assert below is not None
    return above["y"] + above["height"] <= below["y"]


@pytest.mark.read_only
def test_words_operators_and_plain_sentences(visit: Visit) -> None:
    page = visit.open("search")
    search(page, "dogs and cats at night", "pets.jpg")
    expect(page.get_by_text("Ignored words: at")).to_be_visible()
    search(page, "photos of my dogs", "pets.jpg", "dog.jpg")
    search(page, "dog AND cat", "pets.jpg")
    search(page, "dog NOT cat", "dog.jpg")
    search(page, "dog without night", "dog.jpg")
    search(page, "(cat OR name:flower) NOT sea", "flower.jpg")


@pytest.mark.read_only
def test_a_search_without_photos_says_why_and_what_finds_some(visit: Visit) -> None:
    page = visit.open("search")
    search(page, "dog submarine")
    expect(page.get_by_text("No photos match “submarine”.")).to_be_visible()
    page.get_by_role("button", name="Without “submarine”: 2 photos").click()
    shows(page, "pets.jpg", "dog.jpg")
    search(page, "nihgt")
    expect(page.get_by_text("No photos match “nihgt”.")).to_be_visible()
    page.get_by_role("button", name="“night” instead of “nihgt”: 1 photo").click()
    shows(page, "pets.jpg")
    search(page, "cat name:flower")
    expect(page.get_by_text("No photo has all of these.")).to_be_visible()
    expect(page.get_by_text("Alone: “cat” 1 photo · “name:flower” 1 photo")).to_be_visible()


@pytest.mark.read_only
def test_review_asks_and_stresses_only_what_is_sure(visit: Visit, prepared: Prepared) -> None:
    page = visit.open("review")
    accept, skip = (
        page.locator(".st-key-review_accept button"),
        page.locator(".st-key-review_skip button"),
    )
    questions = {"flower.jpg": "Flower?", "temple.jpg": "Airfield?", "nothing.jpg": "What is this?"}
    for number in range(len(questions)):
        expect(page.get_by_text(f"Photo {number + 1} of 3")).to_be_visible()
        name = page.get_by_text(re.compile(r"^(flower|temple|nothing)\.jpg$")).inner_text()
        question = page.get_by_role("heading", name=questions.pop(name))
        expect(question).to_be_visible()
        choices = page.locator("[class*=st-key-review_choice_] button")
        expect(choices).to_have_count(4)
        if name == "nothing.jpg":
            expect(accept).to_have_count(0)
        else:
            kind = "primary" if name == "flower.jpg" else "secondary"
            expect(accept).to_have_attribute("data-testid", f"stBaseButton-{kind}")
        if name == "temple.jpg":
            offered = {text.split("\n")[0] for text in choices.all_inner_texts()}
            assert offered & prepared.other_heads, offered
        expect(page.get_by_test_id("stMain").get_by_test_id("stBaseButton-primary")).to_have_count(
            int(name == "flower.jpg")
        )
        skip.click()
    expect(page.get_by_text("No photos left to review.")).to_be_visible()


@pytest.mark.read_only
def test_export_for_people_beside_the_documented_table(visit: Visit) -> None:
    page = visit.open("export")
    expect(page.get_by_role("tab").first).to_have_text("CSV for people")
    expect(page.get_by_role("tab").first).to_have_attribute("aria-selected", "true")
    preview = page.get_by_role("tabpanel").locator("canvas th, canvas [role=columnheader]")
    expect(preview).to_contain_text(PEOPLE_COLUMNS)
    (columns, *rows) = csv.reader(io.StringIO(download(page, "Download CSV").decode()))
    assert columns[:6] == CSV_BEGINS
    end = ["Bundle", "Group", "Favourite", "Rating", "Duration"]
    end += ["Place", "Region", "Country", "Place source"]
    assert columns[columns.index("Bundle") :] == end
    assert len(rows) == 6
    people = csv.reader(io.StringIO(download(page, "CSV for people").decode()))
    (columns, *rows) = people
    assert columns[: len(PEOPLE_COLUMNS)] == PEOPLE_COLUMNS
    (flower,) = (row for row in rows if row[0] == "flower.jpg")
    assert flower[5] == "2019-05-04 10:20"
    with zipfile.ZipFile(io.BytesIO(download(page, "Download ZIP"))) as archive:
        (member,) = (info for info in archive.infolist() if info.filename.endswith("/flower.jpg"))
    assert member.date_time == TAKEN


@pytest.mark.read_only
def test_nothing_is_said_of_duplicates_before_photos_are_compared(visit: Visit) -> None:
    page = visit.open("duplicates")
    expect(page.get_by_text("6 photos have not been compared")).to_be_visible()
    expect(page.get_by_text("Copies of one photo")).to_be_visible()
    expect(page.get_by_text(re.compile("No (duplicates|similar photos) found"))).to_have_count(0)
    page.get_by_text("Similar photos", exact=True).click()
    expect(page.get_by_text("Different photos that look alike")).to_be_visible()
    expect(page.get_by_text(re.compile("No (duplicates|similar photos) found"))).to_have_count(0)


def test_a_notice_undoes_its_edit(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    tagged = page.locator(".cell", has_text=re.compile("Grandma Rosa"))
    notice = page.locator(".notice")
    _tag_first(page, "Grandma Rosa")
    expect(tagged).to_have_count(1)
    expect(notice).to_contain_text("Added “Grandma Rosa”: 1 photo.")
    for other in (page.locator(".st-key-gallery_header"), page.locator(".st-key-selection_bar")):
        assert not _overlap(notice, other)
    page.keyboard.press("Escape")
    notice.get_by_role("button", name="Undo").click()
    expect(tagged).to_have_count(0)
    expect(notice).to_contain_text("Undone: Added “Grandma Rosa”.")
    expect(notice.get_by_role("button", name="Undo")).to_have_count(0)
    # The trash shows pictures; its notice undoes it too.
    page.locator(".st-key-selection_bar").get_by_role("button", name="Trash").click()
    page.get_by_role("button", name="Trash (1)").click()
    picture = page.get_by_role("dialog").locator(".cell img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 0
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    notice.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Trash (1)")).to_have_count(0)
    expect(page.locator(".cell")).to_have_count(6)


def test_a_notice_undoes_no_later_edit(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    _tag_first(page, "Grandma Rosa")
    undo = page.locator(".notice").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.keyboard.press("Escape")
    undo.hover()  # it stays
    page.keyboard.press("Escape")
    page.locator(".cell .open").first.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Not rated.")).to_be_attached()
    page.keyboard.press("f")
    expect(dialog.get_by_role("button", name="Remove from favourites")).to_be_attached()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".notice")).to_contain_text("Added “Grandma Rosa”: 1 photo.")
    expect(undo).to_have_count(0)
    expect(page.locator(".cell", has_text="Grandma Rosa")).to_have_count(1)


def _tag_first(page: Page, tag: str) -> None:
    """Give the first photo of the gallery a new tag."""
    page.locator(".pick").first.check()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_role("combobox", name="Tag for the selected photos").fill(tag)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Make tag “{tag}”").click()
    page.get_by_role("button", name="Add tag").click()


def _overlap(first: Locator, second: Locator) -> bool:
    a, b = first.bounding_box(), second.bounding_box()
    assert a is not None
    assert b is not None
    is_beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    return not (is_beside or is_above(first, second) or is_above(second, first))


def test_a_favourite_is_found_exported_and_kept_in_an_album(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("gallery?q=name:flower")
    page.locator(".cell .open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Not rated.")).to_be_attached()
    page.keyboard.press("f")
    expect(dialog.get_by_role("button", name="Remove from favourites")).to_be_attached()
    page.keyboard.press("4")
    expect(dialog.get_by_text("Rating: 4 of 5.")).to_be_attached()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    go(page, "Search")
    at_rest(page)
    search(page, "rating>=4", "flower.jpg")
    search(page, "is:favourite", "flower.jpg")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Search name").fill("The best")
    page.get_by_role("button", name="Save search").click()
    page.get_by_role("button", name="Saved (1)").click()
    page.get_by_role("button", name="Make album").click()
    expect(page.get_by_text("Album “The best” made")).to_be_visible()
    page.keyboard.press("Escape")
    search(page, 'album:"the best"', "flower.jpg")
    go(page, "Export")
    # The search has such a line, too.
    expect(page.get_by_role("heading", name="Export", exact=True)).to_be_visible()
    page.locator('input[type="search"]').first.fill('album:"the best"')
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 photo", exact=True)).to_be_visible()
    at_rest(page)
    (row,) = csv.DictReader(io.StringIO(download(page, "Download CSV").decode()))
    assert (row["Name"], row["Favourite"], row["Rating"]) == ("flower.jpg", "true", "4")
    with zipfile.ZipFile(io.BytesIO(download(page, "Download ZIP"))) as archive:
        members = [name for name in archive.namelist() if name.endswith(".jpg")]
    assert [Path(name).name for name in members] == ["flower.jpg"]
    assert rating_of(_sidecar(tmp_path)) == 4


def _sidecar(folder: Path) -> bytes:
    """Write the sidecar of the only favourite of a library."""
    command = [sys.executable, "-m", "scene_model", "library", "sidecars", "is:favourite"]
    done = subprocess.run(
        [*command, "--into", str(folder / "out"), "--library", str(folder / "library")],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (sidecar,) = (folder / "out").rglob("*.xmp")
    return sidecar.read_bytes()


def test_after_an_upload(visit: Visit) -> None:
    page = visit.open()
    flower, temple = ((ASSETS / name).read_bytes() for name in ("flower.jpg", "china.jpg"))
    drop(page, [payload("one.jpg", flower)])
    expect(page.get_by_text("1 of 1 photo tagged")).to_be_visible()
    # The chart is that of the head that decided the class; the six scenes have no flower.
    expect(page.get_by_test_id("stMetric").first).to_contain_text("Flower")
    chart = page.get_by_test_id("stVegaLiteChart")
    expect(chart).to_contain_text("Camera scenes: probability")
    way_on = page.get_by_test_id("stMain").get_by_role("link", name="Review unsure photos")
    picture = page.locator("img[alt^='one.jpg']")
    assert is_above(way_on, picture)
    drop(page, [payload("two.jpg", temple), payload("three.jpg", encode(textured(160, 120)))])
    expect(page.get_by_test_id("stAlertContentSuccess")).to_contain_text("2 of 2 photos tagged.")
    assert is_above(way_on, page.locator(".cell").first)
    drop(page, [payload("four.jpg", encode(textured(160, 120, 9))), payload("bad.jpg", b"text")])
    expect(page.get_by_test_id("stAlertContentWarning")).to_contain_text("1 of 2 photos tagged")
    expect(page.get_by_test_id("stAlertContentSuccess")).to_have_count(0)
    skipped = page.get_by_role("heading", name="Skipped files")
    assert is_above(way_on, skipped)
    assert is_above(page.get_by_test_id("stDataFrame"), page.locator(".cell").first)
