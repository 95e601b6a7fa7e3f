"""Parsing of forms in chunks of any size."""

import io
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.api.request.form import FormLimits, FormReader
from scene_model.errors import BrokenRequest, FileTooLarge, RequestTooLarge

LIMITS = FormLimits(3, 1_000, 2_000, "MAX_FILES", "MAX_BYTES")
# Contents that resemble the ends of parts.
contents = st.lists(
    st.sampled_from([b"\r\n", b"--", b"--x", b"\r\n--", b"x", b"\0", b"\r", b"photo"]), max_size=12
).map(b"".join)


def form(*files: tuple[str, bytes], field: str = "files", boundary: bytes = b"bound") -> bytes:
    parts = [
        b"--%b\r\nContent-Disposition: form-data; name=%b; filename=%b\r\n\r\n%b\r\n"
        % (boundary, f'"{field}"'.encode(), f'"{name}"'.encode(), data)
        for name, data in files
    ]
    return b"".join(parts) + b"--%b--\r\n" % boundary


def reader_of(
    opened: list[IO[bytes]], limits: FormLimits = LIMITS, boundary: bytes = b"bound"
) -> FormReader:
    def open_file(_: int) -> IO[bytes]:
        opened.append(io.BytesIO())
        return opened[-1]

    return FormReader(boundary, "files", limits, open_file, lambda file: file.seek(0), True)


@given(st.lists(contents, min_size=1, max_size=3), st.integers(1, 40))
def test_any_chunk_size_gives_the_same_files(data: list[bytes], size: int) -> None:
    body = form(*[(f"{number}.jpg", content) for number, content in enumerate(data)])
    opened: list[IO[bytes]] = []
    reader = reader_of(opened)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    files = reader.end()
    assert [file.name for file in files] == [f"{number}.jpg" for number in range(len(data))]
    assert [file.read() for file in opened] == data
    assert [file.size for file in files] == [len(content) for content in data]


@given(contents, st.integers(1, 30))
def test_a_truncated_form_is_refused(data: bytes, missing: int) -> None:
    reader = reader_of([])
    with pytest.raises(BrokenRequest):
        reader.feed(form(("a.jpg", data))[: -4 - missing])
        reader.end()


def test_parts_with_other_names_are_ignored() -> None:
    body = form(("a.txt", b"no"), field="note")[: -len(b"--bound--\r\n")] + form(("b.jpg", b"yes"))
    opened: list[IO[bytes]] = []
    reader = reader_of(opened)
    reader.feed(body)
    assert [file.name for file in reader.end()] == ["b.jpg"]
    assert opened[0].read() == b"yes"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("grün.jpg".encode(), "grün.jpg"),
        (b"gr\xfcn.jpg", "grün.jpg"),
        (b"", ""),
        (b"../../etc/passwd", "../../etc/passwd"),  # for display only
    ],
)
def test_names(raw: bytes, name: str) -> None:
    reader = reader_of([])
    reader.feed(form(("NAME", b"x")).replace(b"NAME", raw))
    assert reader.end()[0].name == name


def test_limits() -> None:
    reader = reader_of([])
    reader.feed(form(("a", bytes(1_001)), ("b", b"x")))
    first, second = reader.end()
    assert isinstance(first.error, FileTooLarge)
    assert first.file is None
    assert second.error is None
    with pytest.raises(RequestTooLarge, match="MAX_FILES"):
        reader_of([]).feed(form(*[("a", b"")] * 4))
    with pytest.raises(RequestTooLarge, match="MAX_FILES"):
        reader_of([]).feed(form(*[("a", b"")] * 200, field="other"))
    reader = reader_of([], FormLimits(3, 10**9, 2_000, "MAX_FILES", "MAX_BYTES"))
    with pytest.raises(RequestTooLarge, match="MAX_BYTES"):
        for _ in range(10):
            reader.feed(b"--bound\r\n\r\n" + bytes(100_000))


def test_invalid_boundaries() -> None:
    with pytest.raises(BrokenRequest):
        reader_of([], boundary=b"x" * 5_000)
    for header in (b"A" * 100_000, b"a: b\r\n" * 10_000):
        with pytest.raises(BrokenRequest):
            reader_of([]).feed(b"--bound\r\n" + header)


def test_the_digest_distinguishes_requests() -> None:
    def digest(*files: tuple[str, bytes], boundary: bytes = b"bound") -> str:
        reader = reader_of([], boundary=boundary)
        reader.feed(form(*files, boundary=boundary))
        return reader.digest.hexdigest()

    assert digest(("a", b"1"), ("b", b"2")) == digest(("a", b"1"), ("b", b"2"), boundary=b"other")
    assert digest(("a", b"1"), ("b", b"2")) != digest(("b", b"2"), ("a", b"1"))
    assert digest(("a", b"b")) != digest(("ab", b""))
