"""The WebDAV inbox over real sockets: by a WebDAV library, and by plain HTTP where it matters."""

import base64
import hashlib
import http.client
import io
import itertools
import json
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from webdav4.client import Client, HTTPError

from pages.phone import PHONE_FILES
from scene_model.api.inbox import InboxApp
from scene_model.api.phone import create_lan_app, create_phone_app
from scene_model.classifier.classify import Classifier
from scene_model.cli.prompt_http import HeadTimeoutProtocol
from scene_model.errors import LibraryInUse
from scene_model.ingest.inbox import inbox as inbox_module
from scene_model.ingest.inbox.entries import EntryState
from scene_model.ingest.inbox.inbox import Inbox
from scene_model.ingest.inbox.inboxes import Inboxes
from scene_model.ingest.phone.lan_listener import LanListener
from scene_model.services import Services
from tests.phones import Clock, Phones

HERE = "127.0.0.1"
DONE = (EntryState.ADDED, EntryState.KNOWN, EntryState.REFUSED)


class Dav:
    """An inbox of a real server, and its password."""

    def __init__(self, phones: Phones, services: Services, port: int) -> None:
        self.code, self.password = phones.codes.make_inbox("", HERE)
        self.phones, self.services, self.port = phones, services, port
        self.client = Client(f"http://{HERE}:{port}/inbox", auth=("anyone", self.password))

    @property
    def inbox(self) -> Inbox:
        return self.services.inboxes.of(self.code.id)

    def request(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request as it is, with a path that no client changes."""
        basic = base64.b64encode(f"anyone:{self.password}".encode()).decode()
        sent = {"Authorization": f"Basic {basic}", "Host": f"{HERE}:{self.port}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(HERE, self.port, timeout=20)
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        result = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return result

    def put(self, path: str, data: bytes, **headers: str) -> int:
        return self.request("PUT", f"/inbox/{path}", data, **headers)[0]

    def states(self) -> dict[str, EntryState]:
        return {path: entry.state for path, entry in self.inbox.entries.items()}

    def wait_for(self, *paths: str) -> dict[str, EntryState]:
        deadline = time.monotonic() + 60
        while any(self.states().get(path) not in DONE for path in paths):
            assert time.monotonic() < deadline, self.states()
            time.sleep(0.05)
        return self.states()


@pytest.fixture
def phones(tmp_path: Path, services: Services) -> Phones:
    return Phones(tmp_path / "codes", lambda _: services, Clock())


@pytest.fixture
def dav(phones: Phones, services: Services) -> Iterator[Dav]:
    # A short wait for more files.
    services.__dict__["inboxes"] = Inboxes(
        services.library, services.jobs, services.classifier.limits, quiet_s=0.05
    )
    listener = LanListener(phones.codes, 0)
    phone_app = create_phone_app(phones, PHONE_FILES)
    listener.serve(partial(create_lan_app, phone_app, InboxApp(phones)), HeadTimeoutProtocol)
    dav = Dav(phones, services, listener.open(HERE))
    yield dav
    dav.client.http.close()
    listener.close()


def held_files(dav: Dav) -> list[str]:
    names = (path.name for path in dav.inbox.folder.iterdir())
    return [name for name in names if name != "entries.jsonl"]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_library_of_webdav_sends_photos_in_folders(
    dav: Dav, temple: bytes, flower: bytes
) -> None:
    client = dav.client
    assert client.ls("", detail=False) == []
    client.mkdir("Camera")
    client.upload_fileobj(io.BytesIO(temple), "Camera/temple.jpg")
    client.upload_fileobj(io.BytesIO(flower), "flower.jpg")
    states = dav.wait_for("Camera/temple.jpg", "flower.jpg")
    assert states == {
        "Camera": EntryState.FOLDER,
        "Camera/temple.jpg": EntryState.ADDED,
        "flower.jpg": EntryState.ADDED,
    }
    photos = {
        photo.id: photo for photo in dav.services.library.records([*map(sha256, (temple, flower))])
    }
    assert photos[sha256(temple)].name == "temple.jpg"
    assert dav.services.library.original_path(sha256(temple)).read_bytes() == temple
    # The list stays, so that an app does not send them again.
    assert client.ls("Camera", detail=False) == ["Camera/temple.jpg"]
    assert client.content_length("Camera/temple.jpg") == len(temple)
    assert client.exists("flower.jpg")
    assert held_files(dav) == []


def test_a_temporary_name_is_added_once_it_is_renamed(dav: Dav, temple: bytes) -> None:
    # PhotoSync sends NAME.tacitpart, asks for its size and renames it.
    client = dav.client
    for _ in range(2):
        client.upload_fileobj(io.BytesIO(temple), "a.jpg.tacitpart", overwrite=True)
        assert client.content_length("a.jpg.tacitpart") == len(temple)
        assert dav.states()["a.jpg.tacitpart"] is EntryState.HELD
        client.move("a.jpg.tacitpart", "a.jpg", overwrite=True)
        dav.wait_for("a.jpg")
    assert dav.states() == {"a.jpg": EntryState.KNOWN}
    assert dav.services.library.count() == 1
    client.upload_fileobj(io.BytesIO(temple), "b.part")
    with pytest.raises(HTTPError, match="415"):
        client.move("b.part", "b.txt")
    client.remove("b.part")
    assert dav.states() == {"a.jpg": EntryState.KNOWN}
    assert held_files(dav) == []


def test_finder_and_explorer_lock_an_empty_file_first(dav: Dav, temple: bytes) -> None:
    lock = (
        b'<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
    )
    status, headers, _ = dav.request("OPTIONS", "/inbox/")
    assert status == 200
    assert "2" in headers["dav"]
    assert dav.put("a.jpg", b"") == 201
    status, headers, _ = dav.request("LOCK", "/inbox/a.jpg", lock, Timeout="Second-600")
    assert status == 200
    token = headers["lock-token"]
    assert dav.put("a.jpg", temple, If=f"({token})") == 204
    times = (
        b'<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" '
        b'xmlns:Z="urn:schemas-microsoft-com:">'
        b"<D:set><D:prop><Z:Win32LastModifiedTime>Mon, 01 Jul 2024 10:00:00 GMT"
        b"</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>"
    )
    status, _, body = dav.request("PROPPATCH", "/inbox/a.jpg", times, If=f"({token})")
    assert (status, b"200 OK" in body) == (207, True)
    assert dav.request("UNLOCK", "/inbox/a.jpg", Lock_Token=token)[0] == 204
    assert dav.put("._a.jpg", b"resource fork") == 201  # only for the looks of Finder
    assert dav.request("LOCK", "/inbox/new.jpg", lock)[0] == 201
    states = dav.wait_for("a.jpg")
    assert states == {
        "a.jpg": EntryState.ADDED,
        "._a.jpg": EntryState.IGNORED,
        "new.jpg": EntryState.HELD,
    }
    _, headers, body = dav.request("HEAD", "/inbox/a.jpg")
    assert (headers["content-length"], body) == (str(len(temple)), b"")
    assert headers["last-modified"] == "Mon, 01 Jul 2024 10:00:00 GMT"


def half_sent(dav: Dav, head: str, data: bytes) -> None:
    """Send a request whose body is cut off, and wait until the server noticed."""
    basic = base64.b64encode(f":{dav.password}".encode()).decode()
    with socket.create_connection((HERE, dav.port)) as connection:
        connection.sendall(
            f"PUT /inbox/a.jpg HTTP/1.1\r\nHost: {HERE}:{dav.port}\r\n"
            f"Authorization: Basic {basic}\r\n{head}\r\n\r\n".encode()
        )
        connection.sendall(data)
        deadline = time.monotonic() + 20
        while not new_files(dav):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    while new_files(dav):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def new_files(dav: Dav) -> list[Path]:
    return list(dav.services.library.files.new_dir.iterdir())


def test_a_body_that_is_cut_off_is_not_a_file(dav: Dav, temple: bytes) -> None:
    half_sent(dav, f"Content-Length: {len(temple)}", temple[:5000])
    half_sent(dav, "Transfer-Encoding: chunked", b"1000\r\n" + temple[:4096] + b"\r\n")
    assert dav.states() == {}
    assert held_files(dav) == []
    # Sent again, this time whole, without a declared size.
    connection = http.client.HTTPConnection(HERE, dav.port, timeout=20)
    basic = base64.b64encode(f":{dav.password}".encode()).decode()
    pieces = (temple[i : i + 65_536] for i in range(0, len(temple), 65_536))
    connection.request(
        "PUT", "/inbox/a.jpg", pieces, {"Authorization": f"Basic {basic}"}, encode_chunked=True
    )
    assert connection.getresponse().status in (201, 204)
    connection.close()
    assert dav.wait_for("a.jpg")["a.jpg"] is EntryState.ADDED
    assert len(list(dav.services.library.records([sha256(temple)]))) == 1


def test_two_photos_of_one_name_are_both_added(dav: Dav, temple: bytes, flower: bytes) -> None:
    assert dav.states() == {}
    dav.services.inboxes.close()  # nothing is added for now
    assert dav.put("a.jpg", temple) == 201
    assert dav.put("a.jpg", flower) == 204
    assert dav.put("a.jpg", flower) == 204  # its answer was lost
    assert set(dav.states()) == {"a.jpg", "a (2).jpg"}
    # A restart adds them, also when a job was submitted before.
    again = Inboxes(dav.services.library, dav.services.jobs, dav.services.classifier.limits, 0.01)
    dav.services.__dict__["inboxes"] = again
    again.start([dav.code.id])
    assert set(dav.wait_for("a.jpg", "a (2).jpg").values()) == {EntryState.ADDED}
    assert {
        photo.name for photo in dav.services.library.records([sha256(temple), sha256(flower)])
    } == {
        "a.jpg",
        "a (2).jpg",
    }


def test_what_cannot_be_a_photo_is_named(dav: Dav) -> None:
    status, _, body = dav.request("PUT", "/inbox/notes.txt", b"text")
    assert status == 415
    assert "a document" in json.loads(body)["detail"]
    assert dav.put("broken.jpg", b"no picture") == 201
    dav.wait_for("broken.jpg")
    entry = dav.inbox.entries.get("broken.jpg")
    assert entry is not None
    assert (entry.state, entry.code) == (EntryState.REFUSED, "not_a_picture")
    too_large = str(dav.services.classifier.limits.max_file_bytes + 1)
    assert dav.request("PUT", "/inbox/a.jpg", b"x", Content_Length=too_large)[0] == 413
    assert dav.put("none/a.jpg", b"x") == 409
    assert dav.request("MKCOL", "/inbox/none/deeper")[0] == 409
    assert dav.put("a.jpg", b"x", Content_Range="bytes 0-0/2") == 400


def test_nothing_of_the_library_is_removed_or_replaced(
    dav: Dav, temple: bytes, flower: bytes
) -> None:
    dav.client.mkdir("trip")
    assert dav.put("trip/a.jpg", temple) == 201
    dav.wait_for("trip/a.jpg")
    with pytest.raises(HTTPError, match="403"):
        dav.client.remove("trip/a.jpg")
    with pytest.raises(HTTPError, match="403"):
        dav.client.remove("trip")
    assert dav.put("trip/a.jpg", flower) == 204
    dav.wait_for("trip/a.jpg")
    dav.client.move("trip/a.jpg", "b.jpg")
    library = dav.services.library
    photos = list(library.records([sha256(temple), sha256(flower)]))
    assert [photo.name for photo in photos] == ["a.jpg", "a.jpg"]
    assert dav.request("COPY", "/inbox/b.jpg", Destination="/inbox/c.jpg")[0] == 405


HOSTILE = (
    "/inbox/../phone/session",
    "/inbox/..%2f..%2fetc%2fpasswd",
    "/inbox/%2e%2e/%2e%2e/library.db",
    "/inbox/..%5c..%5clibrary.db",
    "/inbox/a%00.jpg",
    "/inbox/a%0d%0aX-Y:%20z.jpg",
    "/inbox/" + "x" * 300 + ".jpg",
    "/inbox/" + "d/" * 40 + "a.jpg",
    "/inbox//etc/passwd.jpg",
    "/inbox/C:%5cWindows%5ca.jpg",
)


def test_a_hostile_path_leads_nowhere(dav: Dav, temple: bytes) -> None:
    before = set(dav.services.library.folder.parent.rglob("*"))
    for path in HOSTILE:
        for method in ("PUT", "MKCOL", "PROPFIND", "DELETE", "LOCK"):
            status, headers, _ = dav.request(method, path, temple if method == "PUT" else b"")
            assert 400 <= status < 500, (method, path)
            assert "x-y" not in headers
        assert dav.put("a.part", b"x") == 201
        assert dav.request("MOVE", "/inbox/a.part", Destination=path)[0] >= 400, path
        dav.client.remove("a.part")
    new = set(dav.services.library.folder.parent.rglob("*")) - before
    assert {path.name for path in new} <= {"inbox", "inbox.lock", dav.code.id, "entries.jsonl"}


METHODS = (
    "GET HEAD POST PATCH COPY REPORT SEARCH TRACE ACL BIND CHECKOUT MKCALENDAR VERSION-CONTROL"
)


def test_no_method_and_no_route_reads_a_photo(dav: Dav, temple: bytes) -> None:
    assert dav.put("a.jpg", temple) == 201
    dav.wait_for("a.jpg")
    assert dav.put("b.part", temple) == 201  # still held
    photo = sha256(temple)
    paths = (
        "/inbox/a.jpg",
        "/inbox/b.part",
        "/inbox/",
        "/inbox",
        f"/api/photos/{photo}/original",
        f"/api/photos/{photo}",
        "/api/photos",
        "/",
        "/gallery",
        "/phone/session",
    )
    piece = temple[1000:1040]
    for method, path in itertools.product(METHODS.split(), paths):
        status, _, body = dav.request(method, path)
        assert piece not in body
        if method == "HEAD":
            assert body == b""
        elif path.startswith("/inbox"):
            assert status in (400, 405)  # 400: unknown to the server
        else:
            assert status in (400, 401, 404, 405)
    for depth in ("0", "1", "infinity"):
        status, _, body = dav.request("PROPFIND", "/inbox/", Depth=depth)
        assert status == (403 if depth == "infinity" else 207)
        assert piece not in body


def test_only_the_password_of_an_inbox_in_use_opens_it(dav: Dav, temple: bytes) -> None:
    _, page_token = dav.phones.codes.make("", 900)
    other, other_password = dav.phones.codes.make_inbox("", HERE)
    assert dav.put("a.part", temple) == 201

    def status_with(password: str | None) -> int:
        connection = http.client.HTTPConnection(HERE, dav.port, timeout=20)
        headers = {"Depth": "1"}
        if password is not None:
            headers["Authorization"] = (
                "Basic " + base64.b64encode(f"x:{password}".encode()).decode()
            )
        connection.request("PROPFIND", "/inbox/a.part", headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert (answer.status != 401) or "Basic" in answer.headers["www-authenticate"]
        return answer.status

    assert status_with(dav.password) == 207
    for wrong in (None, "", "x", page_token):
        assert status_with(wrong) == 401
    assert status_with(other_password) == 404  # sees only its own
    with pytest.raises(Exception, match="not valid"):
        dav.phones.codes.find(dav.password)  # nor does it open the upload page
    dav.phones.codes.end(other.id, "")
    assert status_with(other_password) == 401
    assert dav.request("PROPFIND", "/inbox/", Origin="https://evil.example")[0] == 403
    assert dav.request("PUT", "/inbox/b.jpg", temple, Origin="https://evil.example")[0] == 403
    assert dav.request("PROPFIND", "/inbox/", Host="evil.example")[0] == 403


def test_a_file_whose_app_gave_up_is_added_in_the_end(
    dav: Dav, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dav.put("a.jpg.part", temple) == 201
    assert dav.inbox.waiting() == []
    monkeypatch.setattr(inbox_module, "HELD_S", -1.0)
    dav.services.inboxes.start([dav.code.id])
    assert dav.wait_for("a.jpg.part")["a.jpg.part"] is EntryState.ADDED


def test_the_list_survives_a_torn_line(dav: Dav, temple: bytes, services: Services) -> None:
    assert dav.put("a.jpg", temple) == 201
    dav.wait_for("a.jpg")
    with (dav.inbox.folder / "entries.jsonl").open("ab") as file:
        file.write(b'{"path": "b.jpg", "sta')
    limits = services.classifier.limits
    (dav.inbox.folder / ("0" * 32)).write_bytes(b"not listed: a kill before the answer")
    again = Inbox(services.library, dav.code.id, limits)
    assert [path for path, _ in again.entries.items()] == ["a.jpg"]
    assert held_files(dav) == []
    again.make_folder("Camera")
    third = Inbox(services.library, dav.code.id, limits)
    assert [path for path, _ in third.entries.items()] == ["a.jpg", "Camera"]
    third.forget()
    assert not third.folder.exists()


def test_two_processes_do_not_share_inboxes(dav: Dav) -> None:
    dav.client.mkdir("Camera")
    services = dav.services
    other = Inboxes(services.library, services.jobs, services.classifier.limits)
    with pytest.raises(LibraryInUse, match="Another running"):
        other.start([dav.code.id])
    services.inboxes.close()
    assert [path for path, _ in other.of(dav.code.id).entries.items()] == ["Camera"]
    other.close()


def test_an_internal_error_loses_no_file(
    dav: Dav, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "predict", broken)
        assert dav.put("a.jpg", temple) == 201
        dav.wait_for("a.jpg")
    ((_, entry),) = dav.inbox.refused()
    assert entry.code == "internal_error"
    assert "added again after the next start" in entry.message
    dav.inbox.forget()
    assert (dav.inbox.folder / entry.file).read_bytes() == temple
    dav.services.inboxes.close()
    again = Inboxes(dav.services.library, dav.services.jobs, dav.services.classifier.limits, 0.01)
    dav.services.__dict__["inboxes"] = again
    again.start()
    assert dav.wait_for("a.jpg") == {"a.jpg": EntryState.ADDED}
