"""The pages in shared mode: each visitor sees only the library of the own cookie or identity."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.sections.phone import from_phone
from pages.state import identity, session, visitor
from pages.state.session import get_visitors, owner_of
from scene_model.config import PROJECT_DIR, Settings
from scene_model.errors import InvalidSetting
from scene_model.library.rules.rule_rows import all_rules
from scene_model.library.sort_order import Sort
from scene_model.services import Services
from scene_model.visitors.keys import COOKIE_NAME
from tests.pages.conftest import texts

SetCookies = Callable[[dict[str, str]], None]


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("SCENE_MODE", "shared")
    monkeypatch.setenv("SCENE_VISITORS", str(tmp_path / "visitors"))
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    st.cache_resource.clear()
    yield AppTest.from_file(str(PROJECT_DIR / "pages" / "navigation.py"), default_timeout=60)
    get_visitors().close()
    st.cache_resource.clear()


@pytest.fixture
def set_cookies(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Set the cookies of the pages; AppTest has no browser that sends them."""

    def set_(cookies: dict[str, str]) -> None:
        for module in (session, visitor, from_phone):
            monkeypatch.setattr(module, "page_owner", lambda: owner_of(cookies))

    return set_


def test_no_cookie_no_library(shared: AppTest, tmp_path: Path, set_cookies: SetCookies) -> None:
    set_cookies({})
    assert "does not identify one" in texts(shared.run())
    assert not list((tmp_path / "visitors" / "libraries").iterdir())
    assert not (tmp_path / "library").exists()


def test_pages_of_a_visitor(shared: AppTest, tmp_path: Path, set_cookies: SetCookies) -> None:
    cookie = get_visitors().keys.issue()
    set_cookies({COOKIE_NAME: cookie})
    text = texts(shared.run())
    assert "Only you can see these photos" in text
    assert "24 hours after your last visit" in text
    assert "0 of 5,000 photos" in text
    assert "A shared server has no WebDAV inbox" in text
    tabs = ["Drop photos or folders", "From a phone", "Simple upload"]
    assert [tab.label for tab in shared.tabs] == tabs
    libraries = tmp_path / "visitors" / "libraries"
    assert not list(libraries.iterdir()), "a library is made when there is something to store"
    owner = get_visitors().keys.owner(cookie)
    assert get_visitors().services(owner).library.folder.is_relative_to(libraries)
    assert cookie.partition(".")[0] not in str(owner)
    shared.switch_page("model_card.py").run()
    assert "The administrator of this server chooses the model" in texts(shared)
    assert not [b for b in shared.button if b.label == "Use this model"]
    shared.switch_page("teach.py").run()
    assert "Teach a tag" in texts(shared)
    assert "Learn from your corrections" not in texts(shared)


def test_no_page_makes_a_library(shared: AppTest, tmp_path: Path, set_cookies: SetCookies) -> None:
    set_cookies({COOKIE_NAME: get_visitors().keys.issue()})
    shared.run()
    for page in sorted((PROJECT_DIR / "pages").glob("*.py")):
        if page.name in ("__init__.py", "navigation.py", "sort.py"):
            continue
        shared.switch_page(page.name).run()
        assert not shared.exception, page.name
    assert not list((tmp_path / "visitors" / "libraries").iterdir())


def test_visitors_make_albums_and_cannot_change_the_rules(
    shared: AppTest, set_cookies: SetCookies
) -> None:
    cookie = get_visitors().keys.issue()
    set_cookies({COOKIE_NAME: cookie})
    shared.run()
    shared.session_state["rule_editor"] = True
    shared.switch_page("albums.py").run()
    assert "only the operator can change them" in texts(shared)
    assert shared.code[0].value.startswith("# Albums")
    assert not [button for button in shared.button if button.label == "Save rules"]
    shared.text_input(key="new_album").set_value("Our trip")
    next(button for button in shared.button if button.label == "Make album").click().run()
    owner = get_visitors().keys.owner(cookie)
    albums = get_visitors().services(owner).gallery().own_albums()
    assert [album.name for album in albums] == ["Our trip"]


def test_visitors_have_rules_of_their_own(shared: AppTest, set_cookies: SetCookies) -> None:
    cookies = [get_visitors().keys.issue() for _ in range(2)]
    set_cookies({COOKIE_NAME: cookies[0]})
    shared.run()
    shared.switch_page("rules.py").run()
    shared.button(key="new_rule").click().run()
    shared.text_input(key="rule_name_0").set_value("Favourites")
    shared.text_input(key="rule_query_0").set_value("dog")
    assert "Write XMP sidecars" not in [box.label for box in shared.checkbox]
    shared.checkbox(key="rule_favourite_0").check()
    next(button for button in shared.button if button.label == "Save and try").click().run()
    assert "Dry run: 0 photos match now." in texts(shared)
    next(button for button in shared.button if button.label == "Make active").click().run()
    owners = map(get_visitors().keys.owner, cookies)
    names = [[r.name for r in all_rules(get_visitors().services(o).library)] for o in owners]
    assert names == [["Favourites"], []]


def test_a_session_keeps_its_state_when_its_library_is_closed(
    shared: AppTest, set_cookies: SetCookies, temple: bytes
) -> None:
    cookie = get_visitors().keys.issue()
    set_cookies({COOKIE_NAME: cookie})
    owner = get_visitors().keys.owner(cookie)
    shared.run()
    assert get_visitors().services(owner).jobs.submit([("t.jpg", temple)]).wait(60)
    shared.run()
    gallery = shared.session_state["gallery"]
    (photo_id,) = gallery.ids()
    gallery.sort, gallery.query = Sort.read("name"), "name:t"
    gallery.select([photo_id, "gone"])
    get_visitors().close()
    st.cache_resource.clear()
    shared.run()
    reopened = shared.session_state["gallery"]
    assert reopened is not gallery
    assert (reopened.sort, reopened.query) == (Sort.read("name"), "name:t")
    assert reopened.selection == [photo_id]


def test_visitor_does_not_see_server_paths(
    shared: AppTest, tmp_path: Path, set_cookies: SetCookies
) -> None:
    cookie = get_visitors().keys.issue()
    set_cookies({COOKIE_NAME: cookie})
    get_visitors().services(get_visitors().keys.owner(cookie))
    shared.run()
    get_visitors().close()
    (database,) = (tmp_path / "visitors" / "libraries").glob("*/library/library.db")
    database.write_bytes(b"no database any more" * 1000)
    st.cache_resource.clear()
    text = texts(shared.run())
    assert "database … is damaged" in text
    assert str(tmp_path) not in text


def test_owner_sees_the_path(app: AppTest, opened: Services, tmp_path: Path) -> None:
    opened.close()
    database = tmp_path / "library" / "library.db"
    database.write_bytes(b"no database any more" * 1000)
    st.cache_resource.clear()
    assert f"{database} is damaged" in texts(app.run())
    database.unlink()  # the fixture closes the services, which needs a readable library


def test_session_state_is_cleared_for_another_owner(
    shared: AppTest, set_cookies: SetCookies
) -> None:
    cookies = [{COOKIE_NAME: get_visitors().keys.issue()} for _ in range(2)]
    set_cookies(cookies[0])
    shared.run()
    shared.session_state["teach_candidate_of"] = "the first visitor"
    shared.run()
    assert "teach_candidate_of" in shared.session_state
    set_cookies(cookies[1])
    shared.run()
    assert "teach_candidate_of" not in shared.session_state


def signed(user: dict[str, object], secret: str) -> str:
    """Return a cookie signed like Streamlit's."""
    from streamlit.web.server.starlette import starlette_app_utils

    made = starlette_app_utils.create_signed_value(
        secret, "_streamlit_user", json.dumps(user).encode()
    )
    return made.decode("latin-1") if isinstance(made, bytes) else str(made)


def test_library_belongs_to_the_identity(
    shared: AppTest, monkeypatch: pytest.MonkeyPatch, set_cookies: SetCookies
) -> None:
    from streamlit.web.server.starlette import starlette_websocket

    secret = "s" * 64
    monkeypatch.setattr(starlette_websocket, "get_cookie_secret", lambda: secret)
    monkeypatch.setattr(identity, "get_secrets_auth_section", lambda: {"client_id": "x"})
    monkeypatch.setattr(identity, "get_origin_from_redirect_uri", lambda: "https://photos.example")
    user = {
        "iss": "https://login.example",
        "sub": "17",
        "origin": "https://photos.example",
        "is_logged_in": True,
    }

    def owner(secret: str = secret, **changed: object) -> str | None:
        return owner_of({"_streamlit_user": signed(user | changed, secret)})

    assert owner() is not None
    assert owner() == owner(email="another@login.example")
    assert owner() != owner(sub="18")
    assert owner() != owner(iss="https://other.example")
    for nobody in (
        owner(is_logged_in=False),
        owner(origin="https://evil.example"),
        owner(sub=""),
        owner(sub=None),
        owner(secret="t" * 64),
        owner_of({"_streamlit_user": "forged"}),
        owner_of({COOKIE_NAME: get_visitors().keys.issue()}),
    ):
        assert nobody is None
    set_cookies({COOKIE_NAME: get_visitors().keys.issue()})
    text = texts(shared.run())
    assert "Sign in to see your photos" in text
    assert "Put your photos" not in text
    assert [button.label for button in shared.button] == ["Sign in"]


def test_several_identity_providers(
    shared: AppTest, monkeypatch: pytest.MonkeyPatch, set_cookies: SetCookies
) -> None:
    section = {"redirect_uri": "https://photos.example/oauth2callback", "cookie_secret": "s" * 64}
    named = {name: {"client_id": "x"} for name in ("google", "university")}
    monkeypatch.setattr(identity, "get_secrets_auth_section", lambda: section | named)
    set_cookies({})
    assert "Sign in to see your photos" in texts(shared.run())
    labels = [button.label for button in shared.button]
    assert labels == ["Sign in with Google", "Sign in with University"]


def test_sign_in_has_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Settings(mode="shared", server_name="a")
    monkeypatch.setattr(identity, "get_secrets_auth_section", dict)
    identity.require_one_server_for_sign_in(named)
    monkeypatch.setattr(identity, "get_secrets_auth_section", lambda: {"client_id": "x"})
    with pytest.raises(InvalidSetting, match="SCENE_SERVER_NAME is 'a', and sign-in"):
        identity.require_one_server_for_sign_in(named)
    identity.require_one_server_for_sign_in(Settings(mode="shared"))
