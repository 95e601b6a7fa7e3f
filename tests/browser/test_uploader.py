"""The streaming uploader in a browser: many at once, and a server that is killed in between."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from scene_model.library.store import Library
from tests.browser.actions import choose
from tests.browser.conftest import Visit
from tests.browser.servers import Server
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
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


def test_many_with_a_film_and_a_document(visit: Visit, many: list[Path], tmp_path: Path) -> None:
    film, document = tmp_path / "film.mov", tmp_path / "letter.pdf"
    film.write_bytes(b"film")
    document.write_bytes(b"letter")
    page = visit.open()
    choose(page, [*many[:40], film, document])
    expect(page.get_by_text("40 of 42 photos tagged, 2 skipped")).to_be_visible(timeout=120_000)


def drop(page: Page, paths: list[Path]) -> None:
    """Drop files and folders from outside on the zone, as a file manager does."""
    zone = page.get_by_text("Drop photos or whole folders here")
    zone.scroll_into_view_if_needed()
    box = zone.bounding_box()
    assert box is not None
    files = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": files, **place})


def small_photos(folder: Path, count: int) -> list[Path]:
    """So many small JPEGs, each another photo to the library."""
    folder.mkdir(parents=True)
    photo = encode(textured(160, 120))
    paths = [folder / f"{i:04d}.jpg" for i in range(count)]
    for i, path in enumerate(paths):
        path.write_bytes(photo + i.to_bytes(2, "big"))
    return paths


def test_three_hundred_in_one_drop(visit: Visit, tmp_path: Path) -> None:
    """`python -m benchmarks.upload_browser` drops a thousand."""
    paths = small_photos(tmp_path / "many", 300)
    page = visit.open()
    drop(page, paths)
    done = page.get_by_text("300 of 300 photos tagged")
    expect(done).to_be_visible(timeout=300_000)
    assert "known" not in done.inner_text()
    assert library_of(tmp_path) == {path.name: path.read_bytes() for path in paths}


def test_a_whole_folder_is_dropped(visit: Visit, tmp_path: Path) -> None:
    # A browser gives a folder's children a hundred at a time.
    paths = small_photos(tmp_path / "holiday", 130) + small_photos(
        tmp_path / "holiday" / "beach" / "evening", 110
    )
    for i, path in enumerate(paths[130:]):
        path.write_bytes(path.read_bytes() + b"beach")
        paths[130 + i] = path.rename(path.with_name(f"beach {path.name}"))
    (tmp_path / "holiday" / "beach" / "waves.mov").write_bytes(b"film")
    (tmp_path / "holiday" / ".DS_Store").write_bytes(b"nobody's business")
    page = visit.open()
    drop(page, [tmp_path / "holiday"])
    expect(page.get_by_text("240 of 241 photos tagged, 1 skipped")).to_be_visible(timeout=120_000)
    assert library_of(tmp_path) == {path.name: path.read_bytes() for path in paths}


def library_of(folder: Path) -> dict[str, bytes]:
    """What the library holds, by name."""
    with Library(folder / "library") as library:
        photos = list(library.records(library.find()))
        return {photo.name: library.original_location(photo).read_bytes() for photo in photos}


def is_taken(answer: Response) -> bool:
    """Tell whether an answer says that a file has arrived."""
    return answer.request.method == "PUT" and answer.ok


def missing_names(page: Page) -> list[str]:
    """The files that the page names as still to come."""
    summary = page.get_by_text(re.compile("files are still to come"))
    expect(summary).to_be_visible()
    names = page.locator("details li").all_text_contents()
    assert summary.inner_text().startswith(f"{len(names)} ")
    return names


def test_a_killed_server_and_continue(
    visit: Visit, server: Server, many: list[Path], tmp_path: Path
) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files uploaded"))).to_be_visible()
    server.kill()
    expect(page.get_by_text("The upload has stopped")).to_be_visible(timeout=60_000)
    here = library_of(tmp_path)
    waiting = [p.read_bytes() for p in (tmp_path / "library" / "incoming").glob("*/0*")]
    sent = {path.name: path.read_bytes() for path in many}
    missing = missing_names(page)
    arrived = [name for name in sent if name not in missing]
    assert missing and arrived
    assert set(missing) < set(sent)
    for name in arrived:
        assert sent[name] in (here.get(name), *waiting), "what arrived is there"
    server.start()
    urls: list[str] = []
    page.on("response", lambda got: urls.append(got.url) if is_taken(got) else None)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("150 of 150 photos tagged")).to_be_visible(timeout=180_000)
    again = [many[int(url.rpartition("/")[2])].name for url in urls]
    assert set(again) <= set(missing), "nothing came twice"
    assert len(again) == len(set(again)), "nothing came twice"
    assert library_of(tmp_path) == sent


def test_a_cut_connection_and_continue(visit: Visit, many: list[Path], tmp_path: Path) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files uploaded"))).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("The upload has stopped")).to_be_visible(timeout=60_000)
    assert set(missing_names(page)) < {path.name for path in many}
    page.context.set_offline(False)
    page.get_by_role("button", name="Continue").click()
    done = page.get_by_text("150 of 150 photos tagged")
    expect(done).to_be_visible(timeout=180_000)
    assert "known" not in done.inner_text(), "nothing came twice"
    assert library_of(tmp_path) == {path.name: path.read_bytes() for path in many}


def test_streamlit_s_uploader_keeps_nothing_in_memory(
    visit: Visit, tmp_path: Path, many: list[Path]
) -> None:
    page = visit.open()
    page.get_by_role("tab", name="Simple upload").click()
    with page.expect_request(lambda request: "/_stcore/upload_file/" in request.url):
        page.locator('input[type="file"]').set_input_files(many[:20])
    expect(page.get_by_text("20 of 20 photos tagged")).to_be_visible(timeout=60_000)
    assert library_of(tmp_path) == {path.name: path.read_bytes() for path in many[:20]}
    # Streamlit counts what its uploader holds, and looks again every five seconds.
    page.wait_for_timeout(6_000)
    address = f"{visit.base_url}/_stcore/metrics?families=cache_memory_bytes"
    lines = page.request.get(address).text().splitlines()
    held = [line for line in lines if "UploadedFileManager" in line]
    assert not [line for line in held if not line.endswith(" 0")], held


def test_dropped_again_after_a_refresh(visit: Visit, many: list[Path]) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files uploaded"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("An upload is not complete")).to_be_visible()
    choose(page, many)
    expect(page.get_by_text("150 of 150 photos tagged")).to_be_visible(timeout=180_000)


def test_cancel_half_way(visit: Visit, many: list[Path], tmp_path: Path) -> None:
    page = visit.open()
    choose(page, many)
    expect(page.get_by_text(re.compile(r"[1-9]\d* of 150 files uploaded"))).to_be_visible()
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.get_by_text(re.compile("Cancelled: "))).to_be_visible(timeout=60_000)
    folders = [tmp_path / "library" / name for name in ("incoming", "new")]
    deadline = time.monotonic() + 60
    # A part that was on its way goes when its sender is gone.
    while left := [path for folder in folders for path in folder.iterdir()]:
        assert time.monotonic() < deadline, left
        page.wait_for_timeout(100)


def test_a_click_during_which_the_numbers_change(visit: Visit, many: list[Path]) -> None:
    page = visit.open()
    choose(page, many)
    count = page.get_by_text(re.compile(r"[1-9]\d* of 150 files uploaded"))
    page.get_by_role("button", name="Cancel").first.hover()
    shown = count.inner_text()
    page.mouse.down()
    expect(count).not_to_have_text(shown)
    page.mouse.up()
    expect(page.get_by_text(re.compile("Cancelled: "))).to_be_visible(timeout=60_000)
