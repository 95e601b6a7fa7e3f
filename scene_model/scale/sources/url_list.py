"""Pictures that a list names by path or URL; the list is Parquet, CSV, JSONL or plain text."""

import array
import contextlib
import csv
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scene_model.errors import BatchError, FetchError, PathNotFound, StoreUnavailable
from scene_model.scale.items import SourceItem
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.folder import file_item
from scene_model.scale.sources.source import Source
from scene_model.scale.sources.tars import TAR_SUFFIX, Tars

# The columns that are read, the first of each kind that a list has; capitals do not matter.
URL_COLUMNS = ("url", "file", "path", "image_url", "image", "uri")
ID_COLUMNS = ("id", "key", "image_id")
LABEL_COLUMNS = ("label", "class", "category")
_BATCH_ROWS = 10_000
# A field of a CSV; a signed URL may be long.
_MAX_FIELD_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class _Entry:
    url: str
    source_id: str | None
    source_label: str | None


class ListSource(Source):
    """The items of a list, each once, however often it is named; rows without a URL are ignored.

    Paths in a list are relative to the folder, or the URL, that the list is in.
    """

    def __init__(self, location: str, remote: RemoteFiles, tars: Tars) -> None:
        """location: path or URL of the list. tars: lists those that the list names."""
        super().__init__()
        self._location, self._remote, self._tars = location, remote, tars
        base, slash, _ = location.replace("\\", "/").rpartition("/")
        self._base = base + slash

    def items(self) -> Iterator[SourceItem]:
        """As `Source.items`."""
        self.ignored = 0
        with self._opened() as path:
            repeated = _repeated(entry.url for entry in self._entries(path))
            self.ignored = 0
            taken: set[str] = set()
            for entry in self._entries(path):
                if _short_hash(entry.url) in repeated:
                    if entry.url in taken:
                        self.ignored += 1
                        continue
                    taken.add(entry.url)
                yield from self._item(entry)

    def _item(self, entry: _Entry) -> Iterator[SourceItem]:
        location = entry.url
        if "://" not in location and not Path(location).is_absolute():
            location = self._base + location
        if location.partition("?")[0].lower().endswith(TAR_SUFFIX):
            yield from self._tars.items(location)
        elif "://" in location:
            yield SourceItem(location, "", entry.source_id, entry.source_label)
        else:
            # As `classify` writes a path: without `./` and doubled slashes.
            yield file_item(str(Path(location)), entry.source_id, entry.source_label)

    def _entries(self, path: Path) -> Iterator[_Entry]:
        read = _READERS[list_suffix(self._location)]
        try:
            for entry in read(path):
                if entry is None:
                    self.ignored += 1
                else:
                    yield entry
        except _Unreadable as error:
            raise BatchError(f"{self._location}: {error}", code="list_unreadable") from error
        except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
            raise BatchError(
                f"{self._location} cannot be read as a list: {error}.", code="list_unreadable"
            ) from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Path]:
        """Hold the list as a local file."""
        if "://" not in self._location:
            path = Path(self._location)
            if not path.exists():
                raise PathNotFound(f"No such file or folder: {path}.")
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="scene-gallery-") as folder:
            path = Path(folder) / "list"
            try:
                body = self._remote.open(self._location)
                with path.open("wb") as file, contextlib.closing(body):
                    file.writelines(body.pieces)
            except FetchError as error:
                raise StoreUnavailable(
                    f"The list {self._location} cannot be read: {error.message}"
                ) from error
            yield path


def list_suffix(location: str) -> str:
    """Return the suffix of a list's name, in lower case, without the query of a URL."""
    name = location.partition("?")[0] if "://" in location else location
    return Path(name).suffix.lower()


def is_list(location: str) -> bool:
    """Return whether a path or URL is named like a list."""
    return list_suffix(location) in _READERS


class _Unreadable(Exception):
    """What is wrong with a list, as a sentence."""


def _repeated(urls: Iterable[str]) -> frozenset[int]:
    """Return the short hashes of what a list names more than once; 8 bytes an entry."""
    hashes = array.array("Q", (_short_hash(url) for url in urls))
    values, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
    return frozenset(values[counts > 1].tolist())


def _short_hash(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _lines(path: Path) -> Iterator[_Entry | None]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for line in file:
            yield _Entry(line.strip(), None, None) if line.strip() else None


def _json_lines(path: Path) -> Iterator[_Entry | None]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except ValueError as error:
                raise _Unreadable(f"line {number} is no JSON: {error}.") from error
            if isinstance(values, str):
                values = {"url": values}
            if not isinstance(values, dict):
                raise _Unreadable(f"line {number} is neither an object nor a string.")
            columns = _columns(values)
            yield _entry(values, columns)


def _csv_rows(path: Path, delimiter: str = ",") -> Iterator[_Entry | None]:
    csv.field_size_limit(_MAX_FIELD_BYTES)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.DictReader(file, delimiter=delimiter)
        columns = _columns(dict.fromkeys(name for name in rows.fieldnames or () if name))
        for row in rows:
            yield _entry(row, columns)


def _tsv_rows(path: Path) -> Iterator[_Entry | None]:
    return _csv_rows(path, "\t")


def _parquet_rows(path: Path) -> Iterator[_Entry | None]:
    with pq.ParquetFile(path) as file:
        columns = _columns(dict.fromkeys(file.schema_arrow.names))
        names = [name for name in columns if name is not None]
        for batch in file.iter_batches(_BATCH_ROWS, columns=names):
            for row in batch.to_pylist():
                yield _entry(row, columns)


_Columns = tuple[str, str | None, str | None]


def _columns(names: Mapping[str, Any]) -> _Columns:
    """Return the columns of URL, id and label; raises _Unreadable without a URL."""
    by_lower = {name.strip().lower(): name for name in reversed(list(names))}

    def first(candidates: tuple[str, ...]) -> str | None:
        return next((by_lower[name] for name in candidates if name in by_lower), None)

    url = first(URL_COLUMNS)
    if url is None:
        present = ", ".join(names) or "none"
        raise _Unreadable(
            f"it has no column of URLs. Name one of its columns `url`; there are: {present[:300]}."
        )
    return url, first(ID_COLUMNS), first(LABEL_COLUMNS)


def _entry(row: Mapping[str, Any], columns: _Columns) -> _Entry | None:
    url, source_id, label = (
        None if column is None or row.get(column) in (None, "") else str(row[column])
        for column in columns
    )
    return None if url is None or not url.strip() else _Entry(url.strip(), source_id, label)


_READERS: dict[str, Callable[[Path], Iterator[_Entry | None]]] = {
    ".txt": _lines,
    ".csv": _csv_rows,
    ".tsv": _tsv_rows,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet_rows,
}
