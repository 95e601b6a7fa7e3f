"""Codes that let phones add photos."""

import json
import sys
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import PhoneCodeError, UsageError
from scene_model.ingest.phone.addresses import lan_addresses
from scene_model.ingest.phone.codes import MAX_ACTIVE, MAX_LIFETIME_S, CodeUse, PhoneCodes
from tests.outward import outside_host
from tests.phones import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def codes(tmp_path: Path, clock: Clock) -> PhoneCodes:
    return PhoneCodes(tmp_path, clock)


def code_of_error(codes: PhoneCodes, token: str) -> str:
    with pytest.raises(PhoneCodeError) as refused:
        codes.find(token)
    return refused.value.code


def test_a_token_finds_its_code_until_it_is_over(codes: PhoneCodes, clock: Clock) -> None:
    code, token = codes.make("anna", 900)
    other, _ = codes.make("ben", 1800)
    assert codes.find(token).id == code.id
    assert [active.id for active in codes.active()] == [code.id, other.id]
    assert [active.id for active in codes.active("anna")] == [code.id]
    clock.now += 899.5
    assert codes.find(token).id == code.id
    clock.now += 0.5
    assert code_of_error(codes, token) == "phone_code_expired"
    assert [active.id for active in codes.active()] == [other.id]


@pytest.mark.parametrize("token", ["", "x", "ä" * 40, "\udc80", "a" * 100_000])
def test_a_wrong_token_is_named(codes: PhoneCodes, token: str) -> None:
    codes.make("", 900)
    assert code_of_error(codes, token) == "phone_code_unknown"


def test_a_code_is_ended_by_its_owner_alone(codes: PhoneCodes) -> None:
    code, token = codes.make("anna", 900)
    assert codes.end(code.id, "ben") is None
    assert codes.find(token).id == code.id
    assert codes.end(code.id, "anna") is not None
    assert code_of_error(codes, token) == "phone_code_ended"


def test_the_file_holds_no_token_and_outlives_the_process(
    codes: PhoneCodes, tmp_path: Path, clock: Clock
) -> None:
    code, token = codes.make("", 900, "192.168.1.5")
    codes.add_upload(code.id, "a" * 32)
    assert token not in (tmp_path / "phone.json").read_text(encoding="utf-8")
    reopened = PhoneCodes(tmp_path, clock)
    assert reopened.find(token) == codes.find(token)
    assert reopened.upload_ids() == {"a" * 32}
    assert reopened.library_key("") == codes.library_key("")
    assert reopened.library_key("") != reopened.library_key("anna")


def test_what_was_received_is_stored_with_the_next_change(
    codes: PhoneCodes, tmp_path: Path, clock: Clock
) -> None:
    code, token = codes.make("", 900)
    codes.count(code.id, 2, 5_000)
    codes.count(code.id, -1, -2_000)
    codes.add_upload(code.id, "a" * 32)
    reopened = PhoneCodes(tmp_path, clock).find(token)
    assert (reopened.files, reopened.file_bytes) == (1, 3_000)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": "k", "codes": [{"id": 1}]}', "\0"])
def test_a_damaged_file_ends_the_codes(tmp_path: Path, content: str) -> None:
    (tmp_path / "phone.json").write_text(content, encoding="utf-8")
    codes = PhoneCodes(tmp_path)
    assert codes.active() == []
    _, token = codes.make("", 60)
    assert PhoneCodes(tmp_path).find(token)


def test_limits(codes: PhoneCodes) -> None:
    for lifetime_s in (0, -1, MAX_LIFETIME_S + 1, float("nan")):
        with pytest.raises(UsageError, match="86,400"):
            codes.make("", lifetime_s)
    made = [codes.make("", MAX_LIFETIME_S)[0] for _ in range(MAX_ACTIVE)]
    with pytest.raises(PhoneCodeError) as refused:
        codes.make("", 60)
    assert refused.value.code == "too_many_phone_codes"
    codes.make("another visitor", 60)
    codes.end(made[0].id, "")
    codes.make("", 60)


def test_old_codes_are_forgotten(codes: PhoneCodes, clock: Clock, tmp_path: Path) -> None:
    _, token = codes.make("", 60)
    clock.now += 60 + 86_400
    codes.make("", 60)
    assert len(json.loads((tmp_path / "phone.json").read_text())["codes"]) == 1
    assert code_of_error(codes, token) == "phone_code_unknown"


def test_shared_codes_are_beside_the_visitors(tmp_path: Path) -> None:
    shared = Settings(mode="shared", library=tmp_path / "own", visitors=tmp_path / "visitors")
    PhoneCodes.of(shared).make("anna", 60)
    PhoneCodes.of(shared.model_copy(update={"mode": "personal"})).make("", 60)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("phone.json")) == [
        Path("own/phone.json"),
        Path("visitors/phone.json"),
    ]


def test_addresses_are_found_without_asking_another_computer() -> None:
    is_watching, outward = True, list[str]()

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if is_watching and event.startswith("socket."):
            outward.append(f"{event} {outside_host(event, arguments)}")

    sys.addaudithook(note)
    addresses = lan_addresses()
    is_watching = False
    assert [event for event in outward if "connect" in event or "send" in event] == []
    assert [event for event in outward if "addrinfo" in event or "byname" in event] == []
    assert all(not item.address.startswith(("127.", "169.254.")) for item in addresses)
    assert all(item.adapter for item in addresses)


def test_the_code_of_an_inbox_lasts_until_it_is_ended(tmp_path: Path) -> None:
    clock = Clock()
    codes = PhoneCodes(tmp_path, clock)
    code, password = codes.make_inbox("", "127.0.0.1")
    clock.now += 3_000 * 86_400
    codes = PhoneCodes(tmp_path, clock)
    assert codes.find(password, CodeUse.INBOX).id == code.id
    assert codes.active(use=CodeUse.PAGE) == []
    with pytest.raises(PhoneCodeError):
        codes.find(password)
    codes.end(code.id, "")
    with pytest.raises(PhoneCodeError, match="was ended"):
        codes.find(password, CodeUse.INBOX)
    clock.now += 2 * 86_400
    codes.make("", 900)
    assert password not in (tmp_path / "phone.json").read_text()
    assert code.id not in (tmp_path / "phone.json").read_text()  # forgotten a day later


def test_tokens_of_one_of_several_servers_begin_with_its_name(tmp_path: Path) -> None:
    named = Settings(mode="shared", visitors=tmp_path, library=tmp_path / "l", server_name="a")
    codes = PhoneCodes.of(named)
    code, token = codes.make("anna", 60)
    assert token.startswith("a.")
    assert codes.find(token).id == code.id
