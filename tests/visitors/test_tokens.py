"""Tokens and the setting that holds their hashes."""

import hashlib

import pytest

from scene_model.errors import InvalidSetting, UsageError
from scene_model.visitors.tokens import Tokens, new_token


def test_a_new_token_is_known_by_its_entry() -> None:
    (mine, entry), (other, other_entry) = new_token("phone"), new_token("script")
    assert mine != other
    assert len(mine) >= 43
    assert mine not in entry
    assert entry == f"phone:{hashlib.sha256(mine.encode()).hexdigest()}"
    tokens = Tokens.read(f" {entry} ,{other_entry.upper().replace('SCRIPT', 'script')},")
    assert tokens.name_of(mine) == "phone"
    assert tokens.name_of(other) == "script"
    for wrong in ("", "phone", mine[:-1], mine + "x", entry, entry.partition(":")[2], "\udcff"):
        assert tokens.name_of(wrong) is None
    assert Tokens.read("").name_of(mine) is None


@pytest.mark.parametrize(
    "text", ["secret", "phone:secret", f"a b:{'0' * 64}", f":{'0' * 64}", f"x:{'0' * 63}"]
)
def test_a_setting_that_cannot_be_read_is_not_shown(text: str) -> None:
    with pytest.raises(InvalidSetting, match="entry 1 is no NAME:HASH") as told:
        Tokens.read(text)
    assert "secret" not in told.value.message


def test_a_name_stands_once() -> None:
    with pytest.raises(InvalidSetting, match="'a' twice"):
        Tokens.read(f"a:{'0' * 64},a:{'1' * 64}")


def test_a_token_s_name() -> None:
    with pytest.raises(UsageError, match="'a:b' is no name"):
        new_token("a:b")
