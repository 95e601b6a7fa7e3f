"""Streaming ``multipart/form-data``: no whole file in memory, one file open at a time.

Starlette's form parser holds up to 1 MB of each file in memory and each larger file open, so ten
thousand files would take gigabytes of memory or all file descriptors. This reader writes a file's
bytes, as they arrive, to the file that ``open_file`` returns.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from scene_model.api.request.body import stream_body
from scene_model.errors import (
    BrokenRequest,
    FileTooLarge,
    PhotoError,
    RequestTooLarge,
    UsageError,
)

_CHUNK_BYTES = 262_144
# Below this, passing the bytes to a thread costs more than writing them.
_INLINE_BYTES = 32_768
# Allowance for boundaries, headers and unused fields.
_FORM_BYTES_PER_PART, _OTHER_PARTS = 4_096, 100


@dataclass(frozen=True)
class FormLimits:
    """Limits of one form; errors name ``files_setting`` and ``bytes_setting``."""

    max_files: int
    max_file_bytes: int
    max_bytes: int
    files_setting: str
    bytes_setting: str


@dataclass
class ReceivedFile:
    """One file of a form.

    name: the name the sender gave, for display only. file: its content, after ``end_file`` of
    `FormReader`. error: why the content was discarded.
    """

    name: str
    file: IO[bytes] | None
    size: int = 0
    error: PhotoError | None = None


class FormReader:
    """Parses a form incrementally; parts with another name than ``field`` are ignored."""

    def __init__(
        self,
        boundary: bytes,
        field: str,
        limits: FormLimits,
        open_file: Callable[[int], IO[bytes]],
        end_file: Callable[[IO[bytes]], object],
        is_digested: bool = False,
    ) -> None:
        """Set up; raises BrokenRequest for an invalid boundary.

        open_file: opens the target of the file with a given number; end_file: called when the file
        is complete. is_digested: whether `digest` covers the contents besides the names.
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
            raise BrokenRequest("The form's boundary is invalid.") from error

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
                "The body is not multipart/form-data, although its Content-Type says so."
            ) from error

    def end(self) -> list[ReceivedFile]:
        """Return the files; raises BrokenRequest when the form is incomplete."""
        if not self._is_whole:
            raise BrokenRequest("The multipart/form-data body ends before its last boundary.")
        return self.files

    def discard(self) -> None:
        """Close the open files."""
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
        name = _decode_name(options.get(b"filename", b""))
        self._current = ReceivedFile(name, self._open_file(number))
        self.files.append(self._current)
        self.digest.update(hashlib.sha256(name.encode()).digest())
        self._content = hashlib.sha256()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        current = self._current
        if current is None:
            return
        current.size += end - start
        chunk = memoryview(data)[start:end]
        if self._is_digested:
            self._content.update(chunk)
        if current.file is None:
            return
        if current.size > self._limits.max_file_bytes:
            # Only this file fails; the other parts of the form are still read.
            current.error = FileTooLarge(
                f"The file is larger than the limit of {self._limits.max_file_bytes:,} bytes. "
                "Raise SCENE_MAX_FILE_BYTES to accept it."
            )
            current.file.close()
            current.file = None
            return
        current.file.write(chunk)

    def _end_part(self) -> None:
        if self._current is not None:
            # Digest fixed-length hashes: otherwise "a" + "b" and "ab" + "" would be equal.
            self.digest.update(self._content.digest())
            if self._current.file is not None:
                self._end_file(self._current.file)
        self._current = None

    def _end(self) -> None:
        self._is_whole = True

    def _too_many_files(self) -> RequestTooLarge:
        return RequestTooLarge(
            f"The request has more files than the limit of {self._limits.max_files:,}. Send them "
            f"in several requests, or raise {self._limits.files_setting}."
        )


def too_many_bytes(sent: int, limits: FormLimits) -> RequestTooLarge:
    """Return the error for a request that is too large."""
    return RequestTooLarge(
        f"The request has at least {sent:,} bytes; the limit is {limits.max_bytes:,}. "
        f"Send less per request, or raise {limits.bytes_setting}."
    )


def boundary_of(request: Request, field: str) -> bytes:
    """Return the boundary of a multipart form; raises UsageError for any other body."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UsageError(
            f"{field}: no file was sent. Send multipart/form-data with a part {field!r}.",
            code="missing_file",
        )
    return options[b"boundary"]


def require_length_below(request: Request, max_bytes: int, error: RequestTooLarge) -> None:
    """Raise the error when Content-Length exceeds the limit, before reading the body."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise error


async def read_form(
    request: Request, reader: FormReader, in_memory: bool = False
) -> list[ReceivedFile]:
    """Read a request's form; a slow sender does not block a thread.

    in_memory: the files are in memory, so no thread is needed for writing. Raises the errors of
    `FormReader` and `stream_body`.
    """
    chunks: list[bytes] = []
    buffered_bytes = 0
    async for chunk in stream_body(request):
        if in_memory:
            reader.feed(chunk)
            continue
        chunks.append(chunk)
        buffered_bytes += len(chunk)
        if buffered_bytes >= _CHUNK_BYTES:
            await run_in_threadpool(reader.feed, b"".join(chunks))
            chunks, buffered_bytes = [], 0
    if buffered_bytes > _INLINE_BYTES:
        await run_in_threadpool(reader.feed, b"".join(chunks))
    else:
        reader.feed(b"".join(chunks))
    return reader.end()


def _decode_name(raw: bytes) -> str:
    """Decode a file name as UTF-8, or as Latin-1, which old clients send."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
