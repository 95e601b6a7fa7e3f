"""``multipart/form-data`` to disk as it arrives: never a whole file in memory, one open at a time.

Starlette's own form parser keeps up to 1 MB of each file in memory and each larger file open, so
ten thousand files would take gigabytes or all file descriptors. Here a file's bytes go on to
where ``open_file`` says as they come.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scene_model.api.request.body import stream_of
from scene_model.errors import (
    BrokenRequest,
    FileTooLarge,
    MissingFile,
    PhotoError,
    RequestTooLarge,
)

_PIECE_BYTES = 262_144
# Below this, handing the bytes to a thread costs more than writing them.
_INLINE_BYTES = 32_768
# Boundaries, headers, and fields that nobody asked for.
_FORM_BYTES_PER_PART, _OTHER_PARTS = 4_096, 100


@dataclass(frozen=True)
class FormLimits:
    """What one form may hold; ``files_setting`` and ``bytes_setting`` are told in errors."""

    max_files: int
    max_file_bytes: int
    max_bytes: int
    files_setting: str
    bytes_setting: str


@dataclass
class ReceivedFile:
    """One file of a form.

    name: as its sender calls it; only ever shown. file: where its bytes are, closed or not as
    ``FormReader`` was told. error: why its bytes were not kept.
    """

    name: str
    file: IO[bytes] | None
    size: int = 0
    error: PhotoError | None = None


class FormReader:
    """Takes a form's bytes piece by piece; parts of other names than ``field`` are passed over."""

    def __init__(
        self,
        boundary: bytes,
        field: str,
        limits: FormLimits,
        open_file: Callable[[int], IO[bytes]],
        end_file: Callable[[IO[bytes]], object],
        is_digested: bool = False,
    ) -> None:
        """Prepare; raises BrokenRequest for a boundary that cannot be one.

        open_file: opens the place for the file of a number; end_file: called when it is whole.
        is_digested: whether `digest` is wanted, of all names and contents.
        """
        self.files: list[ReceivedFile] = []
        self.digest = hashlib.sha256()
        self._content, self._is_digested = hashlib.sha256(), is_digested
        self._field, self._limits = field, limits
        self._open_file, self._end_file = open_file, end_file
        self._current: ReceivedFile | None = None
        self._bytes = self._parts = 0
        self._disposition, self._header = b"", b""
        self._is_whole = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_begin": self._begin_header,
                    "on_header_field": self._add_to_header,
                    "on_header_value": self._add_to_value,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise BrokenRequest("The form's boundary cannot be used.") from error

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises BrokenRequest, RequestTooLarge or OSError."""
        self._bytes += len(data)
        limits = self._limits
        spare = _FORM_BYTES_PER_PART * (len(self.files) + _OTHER_PARTS)
        if self._bytes > limits.max_bytes + spare:
            raise too_many_bytes(self._bytes, limits)
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BrokenRequest(
                "The body is no multipart/form-data as its Content-Type says."
            ) from error

    def end(self) -> list[ReceivedFile]:
        """Return the files; raises BrokenRequest when the form was cut short."""
        if not self._is_whole:
            raise BrokenRequest("The multipart/form-data body ends before its last boundary.")
        return self.files

    def discard(self) -> None:
        """Close what is open."""
        for received in self.files:
            if received.file is not None:
                received.file.close()

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > self._limits.max_files + _OTHER_PARTS:
            raise self._too_many_files()
        self._disposition = b""

    def _begin_header(self) -> None:
        self._header = self._value = b""

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != self._field.encode():
            self._current = None
            return
        number = len(self.files)
        if number >= self._limits.max_files:
            raise self._too_many_files()
        name = _shown(options.get(b"filename", b""))
        self._current = ReceivedFile(name, self._open_file(number))
        self.files.append(self._current)
        self.digest.update(hashlib.sha256(name.encode()).digest())
        self._content = hashlib.sha256()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        current = self._current
        if current is None:
            return
        current.size += end - start
        piece = memoryview(data)[start:end]
        if self._is_digested:
            self._content.update(piece)
        if current.file is None:
            return
        if current.size > self._limits.max_file_bytes:
            # Told of this file alone; the rest of the form is still read.
            current.error = FileTooLarge(
                f"The file has more than the {self._limits.max_file_bytes:,} bytes allowed. "
                "Raise SCENE_MAX_FILE_BYTES to accept it."
            )
            current.file.close()
            current.file = None
            return
        current.file.write(piece)

    def _end_part(self) -> None:
        if self._current is not None:
            # Hashes of one length: names and contents that add up to the same differ.
            self.digest.update(self._content.digest())
            if self._current.file is not None:
                self._end_file(self._current.file)
        self._current = None

    def _end(self) -> None:
        self._is_whole = True

    def _too_many_files(self) -> RequestTooLarge:
        return RequestTooLarge(
            f"The request has more than {self._limits.max_files:,} files, the limit. Send them in "
            f"several requests, or raise {self._limits.files_setting}."
        )


def too_many_bytes(sent: int, limits: FormLimits) -> RequestTooLarge:
    """Say that a request is too large."""
    return RequestTooLarge(
        f"The request has {sent:,} bytes or more; the limit is {limits.max_bytes:,}. "
        f"Send less at a time, or raise {limits.bytes_setting}."
    )


def boundary_of(request: Request, field: str) -> bytes:
    """The boundary of a request's form; raises MissingFile when it is no such form."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise MissingFile(f"{field}: no file came. Send multipart/form-data with a part {field!r}.")
    return options[b"boundary"]


def require_length_below(request: Request, max_bytes: int, error: RequestTooLarge) -> None:
    """Refuse at once what says itself that it is too large, before its bytes are read."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise error


async def read_form(
    request: Request, reader: FormReader, in_memory: bool = False
) -> list[ReceivedFile]:
    """Read a request's form; a slow sender holds no thread.

    in_memory: its files need no disk, so no thread either. Raises the errors of `FormReader` and
    of `stream_of`.
    """
    pieces: list[bytes] = []
    waiting = 0
    async for piece in stream_of(request):
        if in_memory:
            reader.feed(piece)
            continue
        pieces.append(piece)
        waiting += len(piece)
        if waiting >= _PIECE_BYTES:
            await run_in_threadpool(reader.feed, b"".join(pieces))
            pieces, waiting = [], 0
    if waiting > _INLINE_BYTES:
        await run_in_threadpool(reader.feed, b"".join(pieces))
    else:
        reader.feed(b"".join(pieces))
    return reader.end()


def _shown(raw: bytes) -> str:
    """Decode a file name; parts that are no UTF-8 are taken as Latin-1, as senders of old did."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
