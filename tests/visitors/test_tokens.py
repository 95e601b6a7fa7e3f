"""Tokens and the setting that holds their hashes."""

import hashlib

import pytest

from scene_model.errors import InvalidSetting, UsageError
from scene_model.visitors.tokens import Tokens, new_token


def test_a_new_token_matches_its_entry() -> None:
    (phone, phone_entry), (script, script_entry) = new_token("phone"), new_token("script")
    assert phone != script
    assert len(phone) >= 43
    assert phone not in phone_entry
    assert phone_entry == f"phone:{hashlib.sha256(phone.encode()).hexdigest()}"
    tokens = Tokens.read(f" {phone_entry} ,{script_entry.upper().replace('SCRIPT', 'script')},")
    assert tokens.name_of(phone) == "phone"
    assert tokens.name_of(script) == "script"
    for wrong in (
        "",
        "phone",
        phone[:-1],
        phone + "x",
        phone_entry,
        phone_entry.partition(":")[2],
        "\udcff",
    ):
        assert tokens.name_of(wrong) is None
    assert Tokens.read("").name_of(phone) is None


@pytest.mark.parametrize(
    "text", ["secret", "phone:secret", f"a b:{'0' * 64}", f":{'0' * 64}", f"x:{'0' * 63}"]
)
def test_an_invalid_setting_is_not_shown(text: str) -> None:
    with pytest.raises(InvalidSetting, match="entry 1 is not NAME:HASH") as error:
        Tokens.read(text)
    assert "secret" not in error.value.message


def test_duplicate_names_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="'a' twice"):
        Tokens.read(f"a:{'0' * 64},a:{'1' * 64}")


def test_invalid_token_names_are_refused() -> None:
    with pytest.raises(UsageError, match="'a:b' is not a token name"):
        new_token("a:b")
