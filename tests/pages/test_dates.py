"""The page Dates: groups by reason, proposals, one date by hand, a camera shifted, and undo."""

import datetime
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.dates import MadePhoto
from benchmarks.dates import put as put_made
from scene_model.library.dates.date_edits import set_date
from scene_model.library.records import PhotoRecord
from scene_model.services import Services
from tests.library.rows import Row, put
from tests.pages.conftest import press, texts

FOLDER = {"folder": "/photos"}
ROWS = [
    Row("IMG_0411.JPG", taken_at="2024-07-15T10:00:00", camera="Canon", more=FOLDER),
    Row("IMG_0412.JPG", more=FOLDER),
    Row("IMG_0413.JPG", taken_at="2024-07-15T10:04:00", camera="Canon", more=FOLDER),
    Row("IMG_20240714_123456.jpg", taken_at="2000-01-01T00:00:07", more=FOLDER),
    Row("*stars*.jpg", more=FOLDER),
]
MIDDLE, DEFAULT, OPEN = ROWS[1].id, ROWS[3].id, ROWS[4].id


@pytest.fixture
def page(app: AppTest, opened: Services) -> AppTest:
    put(opened.library, ROWS)
    app.switch_page("dates.py").run()
    return app


@pytest.fixture
def photo(opened: Services) -> Callable[[str], PhotoRecord]:
    return lambda photo_id: opened.library.photo(photo_id)


def test_groups_by_reason(page: AppTest) -> None:
    shown = texts(page)
    assert "2 photos have no date. 1 date is doubtful." in shown
    assert "No date: 2 photos" in shown
    assert "Start of a camera's clock: 1 photo" in shown
    assert "No proposal for 1 photo." in shown
    html = "".join(str(getattr(element, "value", "")) for element in page.get("html"))
    assert "Proposed: <b>2024-07-15 10:02:00</b>" in html
    assert "from the photos taken before and after (sure, 95%)" in html
    assert html.index("IMG_0412.JPG") < html.index("*stars*.jpg"), "proposals come first"


def test_a_group_is_set_and_undone(page: AppTest, photo: Callable[[str], PhotoRecord]) -> None:
    page.button(key="set_missing").click().run()
    assert photo(MIDDLE).taken_at == "2024-07-15T10:02:00"
    assert photo(OPEN).taken_at is None
    assert "1 photo has no date." in texts(page)
    press(page, "Undo")
    assert photo(MIDDLE).taken_at is None
    page.button(key="set_default").click().run()
    assert photo(DEFAULT).taken_at == "2024-07-14T12:34:56"


def test_one_date_by_hand(page: AppTest, photo: Callable[[str], PhotoRecord]) -> None:
    page.button(key=f"edit_{OPEN[:16]}").click().run()
    page.text_input(key=f"date_{OPEN}").set_value("15.07.2024").run()
    assert "is no date" in texts(page)
    assert photo(OPEN).taken_at is None
    page.text_input(key=f"date_{OPEN}").set_value("2024-07-15 12:30").run()
    assert photo(OPEN).taken_at == "2024-07-15T12:30:00"
    assert "1 photo has no date." in texts(page)


def test_the_date_is_not_known(page: AppTest, photo: Callable[[str], PhotoRecord]) -> None:
    page.button(key=f"edit_{DEFAULT[:16]}").click().run()
    page.button(key="date_none").click().run()
    assert (photo(DEFAULT).taken_at, photo(DEFAULT).is_date_decided) == (None, True)
    assert "doubtful" not in texts(page)


def test_a_camera_is_shifted_with_a_preview(
    page: AppTest, photo: Callable[[str], PhotoRecord]
) -> None:
    page.text_input(key="clock_shift").set_value("soon").run()
    assert "Write a number with d, h, m or s" in texts(page)
    page.text_input(key="clock_shift").set_value("-1h30m").run()
    assert "2024-07-15 10:00:00" in texts(page)
    assert "2024-07-15 08:30:00" in texts(page)
    press(page, "Shift 2 photos by -1h 30m")
    assert photo(ROWS[0].id).taken_at == "2024-07-15T08:30:00"
    press(page, "Undo")
    assert photo(ROWS[0].id).taken_at == "2024-07-15T10:00:00"


def trip(camera: str, hours: int) -> list[MadePhoto]:
    """Photos of the same scenes on two days, by a clock that is off by so many hours."""
    photos = []
    for number in range(16):
        truth = datetime.datetime(2024, 7, 15 + number // 8, 10) + datetime.timedelta(  # noqa: DTZ001
            minutes=20 * (number % 8)
        )
        written = (truth + datetime.timedelta(hours=hours)).isoformat()
        name = f"{camera} {number}.jpg"
        photos.append(MadePhoto(name, f"/{camera}", truth, camera, number, written))
    return photos


@pytest.mark.parametrize(
    ("reference", "text", "button"),
    [
        ("Apple iPhone 13", "the same as photos of a phone at another time", "set_clock_0"),
        ("*Nikon*", "either of the two clocks may be wrong", "set_unsure_clock_0"),
    ],
)
def test_a_wrong_clock(
    app: AppTest, opened: Services, reference: str, text: str, button: str
) -> None:
    put_made(opened.library, [*trip(reference, 0), *trip("Canon [X]", 7)[:14]], seed=1)
    app.switch_page("dates.py").run()
    shown = texts(app)
    assert "Wrong clock: Canon [X], 14 photos" in shown
    assert text in shown
    assert "-7h" in shown
    assert reference.startswith("Apple") or reference in shown
    app.button(key=button).click().run()
    assert "No photo has a missing or doubtful date." in texts(app)
    dates = [photo.taken_at for photo in opened.library.records(opened.library.find())]
    assert "2024-07-15T17:00:00" not in dates


def test_nothing_to_do(page: AppTest, opened: Services) -> None:
    set_date(opened.library, [MIDDLE, DEFAULT, OPEN], "2024-07-15")
    page.run()
    assert "No photo has a missing or doubtful date." in texts(page)


def test_an_empty_library(app: AppTest, opened: Services) -> None:
    app.switch_page("dates.py").run()
    assert "No photos yet." in texts(app)
