"""The page Map: counts, areas of the address, the filter, and a library without places."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets import map as map_widget
from scene_model.services import Services
from tests.library.rows import Row, put
from tests.pages.conftest import texts

ROWS = [
    *(Row(f"lisbon {i}", place=(38.72, -9.14 + i / 100)) for i in range(3)),
    Row("sydney", place=(-33.87, 151.21), human_class="beach"),
    Row("nowhere"),
]
PORTUGAL = "37,-9.5,42,-7"


@pytest.fixture
def placed(opened: Services) -> Services:
    put(opened.library, ROWS)
    return opened


def open_map(app: AppTest, **parameters: str) -> str:
    app.switch_page("map.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    return texts(app)


def search_links(app: AppTest) -> list[str]:
    links = [link.proto for link in app.get("page_link")]
    return [link.query_string for link in links if link.page == "search"]


def test_no_photos(app: AppTest) -> None:
    app.run()
    assert "No photos yet" in open_map(app)


def test_no_photo_has_a_place(opened: Services, app: AppTest) -> None:
    put(opened.library, [Row("one"), Row("two")])
    assert "0 of 2 photos have a place" in open_map(app)


def test_all_photos_with_a_place_at_first(placed: Services, app: AppTest) -> None:
    text = open_map(app)
    assert "4 of 5 photos have a place" in text
    assert "4 photos in this area" in text


def test_the_area_of_the_address(placed: Services, app: AppTest) -> None:
    assert "3 photos in this area" in open_map(app, within=PORTUGAL)
    assert app.query_params["within"] == PORTUGAL
    (link,) = search_links(app)
    assert link == "q=within%3A37%2C-9.5%2C42%2C-7"
    assert placed.gallery().count(f"within:{PORTUGAL}") == 3


def test_another_area_in_the_address_is_gone_to(placed: Services, app: AppTest) -> None:
    open_map(app, within=PORTUGAL)
    assert "1 photo in this area" in open_map(app, within="-40,150,-30,152")


@pytest.mark.parametrize("within", ["here", "1,2,3", "99,0,99,0", "5,0,1,0"])
def test_an_address_that_is_no_area_shows_all(placed: Services, app: AppTest, within: str) -> None:
    assert "4 photos in this area" in open_map(app, within=within)


def test_an_area_without_photos(placed: Services, app: AppTest) -> None:
    text = open_map(app, within="0,0,1,1")
    assert "0 photos in this area" in text
    assert "zoom out" in text


def test_a_filter_counts_and_leads_to_search_too(placed: Services, app: AppTest) -> None:
    text = open_map(app, filter="name:lisbon OR name:nowhere")
    assert "3 of 4 photos have a place" in text
    (link,) = search_links(app)
    assert "q=%28name%3Alisbon+OR+name%3Anowhere%29+within" in link
    app.text_input(key="filter").set_value("nome:lisbon").run()
    assert "not a field" in texts(app)
    app.text_input(key="filter").set_value("name:nowhere").run()
    assert "0 of 1 photo of this filter has a place" in texts(app)


def test_insights_show_the_places_and_lead_to_the_map(placed: Services, app: AppTest) -> None:
    app.switch_page("insights.py").run()
    assert "Places" in [head.value for head in app.header]
    assert "Open the map" in [link.proto.label for link in app.get("page_link")]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, other: str) -> float:
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [r"\.map", r"\.map\.dark"])
def test_names_are_readable_on_land_and_sea(theme: str) -> None:
    css = (Path(map_widget.__file__).parent / "map.css").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^{theme} \{{(.*?)\}}", css, re.MULTILINE | re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    for name in ("country", "city"):
        for ground in ("sea", "land", "halo"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


def test_the_data_are_small_and_name_their_sources() -> None:
    files = {path.name: path.stat().st_size for path in map_widget.DATA_DIR.iterdir()}
    assert sum(files.values()) < 1_500_000
    readme = (map_widget.DATA_DIR / "README.md").read_text(encoding="utf-8")
    for name in files.keys() - {"README.md"}:
        assert f"`{name}`" in readme
    assert "CC BY 4.0" in readme
