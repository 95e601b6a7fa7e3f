"""A page follows its address, unless what was done on that page is newer than the address."""

import pytest
from streamlit.testing.v1 import AppTest


def _pages() -> None:
    import streamlit as st

    from pages.state.address import AddressPart, note_act, take_address, write_address

    def turn() -> None:
        note_act("gallery")
        st.session_state.number = "2"

    st.button("Turn", on_click=turn)
    st.button("Mark", on_click=note_act, args=("teach",))
    is_new = "number" not in st.session_state
    part = AddressPart(
        take=lambda said: st.session_state.update(number=said[0] if said else "1"),
        say=lambda: [st.session_state.number],
    )
    take_address("gallery", {"page": part}, is_new)
    write_address("gallery", {"page": part})
    st.text(st.session_state.number)


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(_pages).run()


def shown(app: AppTest) -> str:
    assert not app.exception, app.exception
    return str(app.text[0].value)


def click(app: AppTest, name: str, address: str) -> None:
    """Click a button while the browser's address names a page."""
    app.query_params["page"] = address
    next(button for button in app.button if button.label == name).click().run()


def test_a_link_is_followed(app: AppTest) -> None:
    app.query_params["page"] = "7"
    assert shown(app.run()) == "7"


def test_an_act_goes_before_the_address_of_the_click_before_it(app: AppTest) -> None:
    click(app, "Turn", address="7")
    assert shown(app) == "2"
    assert app.query_params["page"][0] == "2"


def test_an_act_on_another_page_holds_no_link_back(app: AppTest) -> None:
    click(app, "Mark", address="7")
    assert shown(app) == "7"


def test_an_act_holds_back_one_address_only(app: AppTest) -> None:
    click(app, "Turn", address="7")
    app.query_params["page"] = "7"
    assert shown(app.run()) == "7"
