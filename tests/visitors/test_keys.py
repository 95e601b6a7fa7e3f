"""Cookies that only this server can issue."""

import stat
from pathlib import Path

import pytest

from scene_model.errors import LibraryUnavailable
from scene_model.visitors.keys import COOKIE_NAME, SECURE_COOKIE_NAME, VisitorKeys, owner_name


def test_a_cookie_stays_valid_after_a_restart(tmp_path: Path) -> None:
    keys = VisitorKeys.open(tmp_path)
    cookie = keys.issue()
    owner = keys.owner(cookie)
    assert owner is not None
    assert cookie.partition(".")[0] not in owner
    assert VisitorKeys.open(tmp_path).owner(cookie) == owner
    assert keys.owner(keys.issue()) != owner
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_forged_cookies_are_refused(tmp_path: Path) -> None:
    keys = VisitorKeys.open(tmp_path)
    cookie = keys.issue()
    key, _, signature = cookie.partition(".")
    foreign = VisitorKeys(b"x" * 32).issue()
    for forged in (
        *("", ".", key, key + ".", "." + signature, "é.é", foreign, cookie + "0", cookie[:-1]),
        ("0" if key[0] != "0" else "1") + cookie[1:],
        f"{key}.{foreign.partition('.')[2]}",
        str(keys.owner(cookie)),
    ):
        assert keys.owner(forged) is None, forged


def test_one_of_several_servers_accepts_only_its_own_cookies() -> None:
    alone, first, second = (VisitorKeys(b"one secret", prefix) for prefix in ("", "a.", "b."))
    cookie = first.issue()
    assert cookie.startswith("a.")
    assert first.owner(cookie) is not None
    assert not first.is_of_another_server({SECURE_COOKIE_NAME: cookie})
    for other in (second, alone):
        assert other.owner(cookie) is None, "though the secret is the same"
        assert other.is_of_another_server({SECURE_COOKIE_NAME: cookie})
        assert other.is_of_another_server({COOKIE_NAME: cookie})
    forged = VisitorKeys(b"another", "a.").issue()
    assert first.owner(forged) is None
    assert not first.is_of_another_server({COOKIE_NAME: forged})
    both = {SECURE_COOKIE_NAME: second.issue(), COOKIE_NAME: cookie}
    assert not second.is_of_another_server(both)


def test_a_cookie_stays_valid_when_its_server_gets_a_name() -> None:
    alone, named = VisitorKeys(b"one secret"), VisitorKeys(b"one secret", "a.")
    cookie = alone.issue()
    assert named.owner(cookie) == alone.owner(cookie)
    assert named.valid_cookie({COOKIE_NAME: cookie}) == f"a.{cookie}"
    assert named.owner(f"a.{cookie}") == alone.owner(cookie)
    assert not named.is_of_another_server({COOKIE_NAME: VisitorKeys(b"another").issue()})


def test_a_damaged_secret_is_reported(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(LibraryUnavailable, match="has 5 bytes"):
        VisitorKeys.open(tmp_path)


def test_owner_names_separate_their_parts() -> None:
    assert owner_name("identity", "a", "bc") != owner_name("identity", "ab", "c")
    assert owner_name("identity", "a") != owner_name("visitor", "a")
