"""A page applies its URL, unless an action on the page is newer than the URL."""

import pytest
from streamlit.testing.v1 import AppTest


def _pages() -> None:
    import streamlit as st

    from pages.state.address import AddressPart, note_action, read_address, write_address

    def next_page() -> None:
        note_action("gallery")
        st.session_state.number = "2"

    st.button("Next", on_click=next_page)
    st.button("Other page", on_click=note_action, args=("teach",))
    is_new = "number" not in st.session_state
    part = AddressPart(
        apply=lambda values: st.session_state.update(number=values[0] if values else "1"),
        values=lambda: [st.session_state.number],
    )
    read_address("gallery", {"page": part}, is_new)
    write_address("gallery", {"page": part})
    st.text(st.session_state.number)


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(_pages, default_timeout=60).run()


def shown(app: AppTest) -> str:
    assert not app.exception, app.exception
    return str(app.text[0].value)


def click(app: AppTest, name: str, url_page: str) -> None:
    """Click a button while the browser's URL has a page number."""
    app.query_params["page"] = url_page
    next(button for button in app.button if button.label == name).click().run()


def test_url_is_applied(app: AppTest) -> None:
    app.query_params["page"] = "7"
    assert shown(app.run()) == "7"


def test_action_takes_precedence_over_an_older_url(app: AppTest) -> None:
    click(app, "Next", url_page="7")
    assert shown(app) == "2"
    assert app.query_params["page"][0] == "2"


def test_action_on_another_page_does_not_block_the_url(app: AppTest) -> None:
    click(app, "Other page", url_page="7")
    assert shown(app) == "7"


def test_action_blocks_one_url_only(app: AppTest) -> None:
    click(app, "Next", url_page="7")
    app.query_params["page"] = "7"
    assert shown(app.run()) == "7"
