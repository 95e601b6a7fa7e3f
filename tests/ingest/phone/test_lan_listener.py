"""The listener for phones, over real sockets."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from scene_model.errors import PhoneUnreachable
from scene_model.ingest.phone.codes import PhoneCodes
from scene_model.ingest.phone.lan_listener import LanListener
from tests.phones import Clock

HERE = "127.0.0.1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def codes(tmp_path: Path, clock: Clock) -> PhoneCodes:
    return PhoneCodes(tmp_path, clock)


def app_of(address: str) -> Starlette:
    return Starlette(routes=[Route("/", lambda _: PlainTextResponse(f"page at {address}"))])


@pytest.fixture
def make_listener(codes: PhoneCodes) -> Iterator[Callable[[int], LanListener]]:
    made = list[LanListener]()

    def make(port: int) -> LanListener:
        listener = LanListener(codes, port)
        made.append(listener)
        return listener

    yield make
    for listener in made:
        listener.close()


def page_at(port: int) -> str:
    connection = http.client.HTTPConnection(HERE, port, timeout=10)
    connection.request("GET", "/")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def wait_until_closed(listener: LanListener, port: int) -> None:
    deadline = time.monotonic() + 30
    while listener.port_of(HERE) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(ConnectionRefusedError):
        page_at(port)


def test_it_listens_until_the_last_code_is_ended(
    codes: PhoneCodes, make_listener: Callable[[int], LanListener]
) -> None:
    listener = make_listener(0)
    listener.serve(app_of)
    assert listener.port_of(HERE) is None
    first, second = (codes.make("", 900, HERE)[0] for _ in range(2))
    port = listener.open(HERE)
    assert listener.open(HERE) == port
    assert page_at(port) == f"page at {HERE}"
    codes.end(first.id, "")
    assert page_at(port) == f"page at {HERE}"
    codes.end(second.id, "")
    wait_until_closed(listener, port)
    codes.make("", 900, HERE)
    assert page_at(listener.open(HERE)) == f"page at {HERE}"


def test_it_is_closed_when_the_last_code_is_over(
    tmp_path: Path, make_listener: Callable[[int], LanListener], codes: PhoneCodes, clock: Clock
) -> None:
    listener = make_listener(0)
    listener.serve(app_of)
    code, _ = codes.make("", 900, HERE)
    port = listener.open(HERE)
    assert page_at(port)
    clock.now = code.ends_at - 0.1  # the supervisor looks at the clock at the next change
    codes.add_upload(code.id, "a" * 32)
    clock.now = code.ends_at
    wait_until_closed(listener, port)


def test_codes_of_an_earlier_run_are_served(
    codes: PhoneCodes, make_listener: Callable[[int], LanListener]
) -> None:
    codes.make("", 900, HERE)
    listener = make_listener(0)
    listener.serve(app_of)
    port = listener.port_of(HERE)
    assert port is not None
    assert page_at(port) == f"page at {HERE}"


def test_another_port_where_the_preferred_one_is_taken(
    codes: PhoneCodes, make_listener: Callable[[int], LanListener]
) -> None:
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        taken.listen()
        port: int = taken.getsockname()[1]
        listener = make_listener(port)
        listener.serve(app_of)
        codes.make("", 900, HERE)
        assert listener.open(HERE) != port
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        free: int = probe.getsockname()[1]
    preferring = make_listener(free)
    preferring.serve(app_of)
    assert preferring.port_of(HERE) == free


def test_an_inbox_opens_when_its_address_is_back(
    codes: PhoneCodes, make_listener: Callable[[int], LanListener]
) -> None:
    code, _ = codes.make_inbox("", "203.0.113.7")  # a laptop in another network
    listener = make_listener(0)
    listener.serve(app_of)
    assert listener.port_of("203.0.113.7") is None
    codes.move(code.id, "", HERE)
    deadline = time.monotonic() + 30
    while listener.port_of(HERE) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    port = listener.port_of(HERE)
    assert port is not None
    codes.end(code.id, "")
    wait_until_closed(listener, port)


def test_an_address_of_another_computer_is_named(
    codes: PhoneCodes, make_listener: Callable[[int], LanListener]
) -> None:
    listener = make_listener(0)
    with pytest.raises(PhoneUnreachable, match="serves pages only"):
        listener.open(HERE)
    codes.make("", 900, "203.0.113.7")  # of an earlier run, in another network
    listener.serve(app_of)
    with pytest.raises(PhoneUnreachable, match=r"Cannot listen on 203\.0\.113\.7"):
        listener.open("203.0.113.7")
