"""The place of a photo in its info."""

from streamlit.testing.v1 import AppTest

from scene_model.library.place_proposals import update_places
from scene_model.services import Services
from tests.library.rows import Row, add


def info(app: AppTest, row: Row) -> str:
    app.switch_page("gallery.py")
    app.query_params["photo"] = row.id
    app.run()
    assert not app.exception
    return "".join(str(element.proto.body) for element in app.get("html"))


def test_the_info_names_the_place(app: AppTest, opened: Services) -> None:
    rows = [
        Row("1.jpg", taken_at="2024-07-05T10:00:00", place=(38.7139, -9.1394), camera="X"),
        Row("2.jpg", taken_at="2024-07-05T10:30:00", camera="X"),
        Row("3.jpg", taken_at="2024-07-05T11:00:00", place=(38.7139, -9.1394), camera="X"),
        Row("4.jpg", place=(23.0, 5.0)),
        Row("5.jpg"),
    ]
    add(opened.library, *rows)
    update_places(opened.library)
    assert ">Lisbon, Portugal<" in info(app, rows[0])
    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert "country%3APT" in links["Show photos in Lisbon"]
    assert ">Probably Lisbon, Portugal<" in info(app, rows[1])
    assert ">Near Tamanghasset, Algeria<" in info(app, rows[3])
    assert ">Place<" not in info(app, rows[4])
