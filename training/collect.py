"""Build a labelled photo set from openly licensed pictures of Openverse or Wikimedia Commons.

Writes ``OUT/LABEL/FILE`` and ``OUT/manifest.csv``, the layout that `training.data` reads. Search
results are proposals: review the folders and delete the pictures that do not fit. A later run does
not fetch deleted pictures again; it searches for others instead.
"""

import csv
import hashlib
import io
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from scene_model import __version__
from scene_model.errors import PhotoError
from scene_model.photos.decode import PhotoLimits, decode_photo
from training.collect_recipe import MANIFEST_FILE, CollectRecipe
from training.picture_services import (
    CollectError,
    Commons,
    FetchFailed,
    Openverse,
    Picture,
    PictureService,
    RateLimitedClient,
    SearchRefused,
)

# The first five are what `training.data` reads.
MANIFEST_COLUMNS = (
    *("file", "label", "also", "source_repo", "source_path"),
    *("title", "author", "licence", "licence_url", "landing_url", "sha256"),
)
_SUFFIXES = {"JPEG": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}


@dataclass(frozen=True)
class SavedPicture:
    """One row of the manifest; fields in the order of its columns.

    also: further labels, joined by ``;``. source_path: address of the original. sha256: of the
    fetched file.
    """

    file: str
    label: str
    also: str
    source_repo: str
    source_path: str
    title: str
    author: str
    licence: str
    licence_url: str
    landing_url: str
    sha256: str

    @property
    def tags(self) -> tuple[str, ...]:
        """The label and the further labels."""
        return (self.label, *filter(None, self.also.split(";")))


@dataclass(frozen=True)
class LabelSummary:
    """Result of one label.

    requested: pictures to save. listed: pictures that the searches of this run listed. saved:
    pictures in the folder now; new: those of this run. skipped: reason → number of pictures.
    """

    label: str
    requested: int
    listed: int
    saved: int
    new: int
    skipped: Mapping[str, int]

    def line(self) -> str:
        """Format the result as one line of text."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.skipped.items()))
        return (
            f"{self.label}: {self.saved} of {self.requested} saved ({self.new} new), "
            f"{self.listed} listed" + (f"; skipped: {reasons}" if reasons else "")
        )


@dataclass(frozen=True)
class CollectSummary:
    """Results of a run by label."""

    labels: tuple[LabelSummary, ...]

    @property
    def short(self) -> tuple[str, ...]:
        """Labels with fewer pictures than requested."""
        return tuple(label.label for label in self.labels if label.saved < label.requested)

    def lines(self) -> list[str]:
        """Format one line per label, then one with the labels that have too few pictures."""
        lines = [label.line() for label in self.labels]
        if self.short:
            lines.append(
                f"Too few pictures: {', '.join(self.short)}. Add queries for these labels."
            )
        return lines


def collect(
    recipe: CollectRecipe,
    out_dir: Path,
    *,
    report: Callable[[str], None] = lambda line: None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> CollectSummary:
    """Fetch pictures until every label has ``per_label`` of them or its queries are exhausted.

    Calling it again resumes a stopped run. Only one run at a time may use a folder.
    report: called with one line for each failed picture and each finished label.
    Raises CollectError when the service or the folder cannot be used.
    """
    contact = f" ({recipe.contact})" if recipe.contact else ""
    web = RateLimitedClient(
        f"SceneGallery-collect/{__version__}{contact}",
        recipe.requests_per_s,
        recipe.timeout_s,
        clock,
        sleep,
    )
    run = _Run(recipe, out_dir, web, report)
    try:
        summaries = tuple(run.collect_label(label) for label in recipe.labels)
    except OSError as error:
        raise CollectError(
            f"{out_dir} cannot be written: {error.strerror or error}. "
            "Once it can, the same command resumes this run."
        ) from error
    if run.refusal is not None and not run.any_response:
        raise run.refusal
    return CollectSummary(summaries)


class _Run:
    """One call of `collect`."""

    def __init__(
        self,
        recipe: CollectRecipe,
        out_dir: Path,
        web: RateLimitedClient,
        report: Callable[[str], None],
    ) -> None:
        self._recipe = recipe
        self._out_dir = out_dir
        self._web = web
        self._service = _service(recipe, web)
        self._report = report
        self._manifest = _Manifest(out_dir)
        self._failed: dict[str, str] = {}  # address → reason: tried once per run
        self.any_response = False
        self.refusal: SearchRefused | None = None

    def collect_label(self, label: str) -> LabelSummary:
        requested = self._recipe.per_label
        before = self._manifest.count(label)
        new = 0
        listed_urls: set[str] = set()
        skipped: Counter[str] = Counter()
        pictures = self._pictures(label, skipped)
        while before + new < requested:
            picture = next(pictures, None)
            if picture is None:
                break
            if picture.url in listed_urls:
                continue
            listed_urls.add(picture.url)
            reason = self._save(label, picture)
            if reason is None:
                new += 1
            else:
                skipped[reason] += 1
        summary = LabelSummary(label, requested, len(listed_urls), before + new, new, dict(skipped))
        self._report(summary.line())
        return summary

    def _pictures(self, label: str, skipped: Counter[str]) -> Iterator[Picture]:
        """Alternate between a label's queries, so that each contributes pictures."""
        searches = [self._service.search(query) for query in self._recipe.labels[label]]
        while searches:
            for search in list(searches):
                try:
                    picture = next(search, None)
                    self.any_response = True
                except SearchRefused as refusal:
                    # The other queries may still succeed.
                    self.refusal = self.refusal or refusal
                    skipped["search_refused"] += 1
                    self._report(f"{label}: {refusal}")
                    picture = None
                if picture is None:
                    searches.remove(search)
                else:
                    yield picture

    def _save(self, label: str, picture: Picture) -> str | None:
        """Save one picture; returns None, or the reason why it was skipped."""
        if picture.licence not in self._recipe.licences:
            return "licence"
        existing = self._manifest.by_url.get(picture.url)
        if existing is not None:
            return self._add_label(existing, label)
        if picture.url in self._failed:
            return self._failed[picture.url]
        try:
            data = self._fetch(picture)
            suffix = self._suffix(data)
        except FetchFailed as failure:
            return self._fail(label, picture, failure.reason, str(failure))
        except PhotoError as error:
            return self._fail(label, picture, error.code, error.message)
        except _TooSmall as error:
            return self._fail(label, picture, "too_small", str(error))
        sha256 = hashlib.sha256(data).hexdigest()
        existing = self._manifest.by_sha256.get(sha256)
        if existing is not None:
            self._manifest.by_url[picture.url] = existing
            return self._add_label(existing, label)
        file = f"{label}/{sha256[:20]}{suffix}"
        if not _write_new_file(self._out_dir / file, data, self._out_dir / ".fetched.part"):
            return self._fail(label, picture, "name_taken", f"{file} exists with other contents")
        self._manifest.append(_row(picture, file, label, self._recipe, sha256))
        return None

    def _add_label(self, existing: SavedPicture, label: str) -> str:
        """Add a label to a picture that is already in the manifest; returns the skip reason.

        The file stays in the folder of its first label; later labels go into ``also``.
        """
        if not (self._out_dir / existing.file).is_file():
            return "deleted_earlier"
        if label == existing.label:
            return "already_here"
        if label not in existing.tags:
            also = ";".join(filter(None, (existing.also, label)))
            self._manifest.append(replace(existing, also=also))
        return "has_another_label"

    def _fetch(self, picture: Picture) -> bytes:
        *renditions, original = picture.fetch_urls
        for url in renditions:
            try:
                return self._web.get(url, self._recipe.max_file_bytes)
            except FetchFailed:
                continue
        return self._web.get(original, self._recipe.max_file_bytes)

    def _suffix(self, data: bytes) -> str:
        """Check that a picture decodes and is large enough; returns the suffix for its format."""
        photo = decode_photo(data, PhotoLimits(max_file_bytes=self._recipe.max_file_bytes))
        if min(photo.width, photo.height) < self._recipe.shortest_side:
            raise _TooSmall(f"{photo.width} × {photo.height} pixels")
        return _SUFFIXES.get(photo.format, f".{photo.format.lower()}")

    def _fail(self, label: str, picture: Picture, reason: str, message: str) -> str:
        self._failed[picture.url] = reason
        self._report(f"{label}: skipped {picture.url} ({reason}): {message}")
        return reason


class _TooSmall(Exception):
    """A picture is smaller than ``shortest_side``."""


class _Manifest:
    """The manifest on disk; rows are only appended.

    A file may have several rows; the last one is valid. A half-written last row of a killed run
    is removed.
    """

    def __init__(self, out_dir: Path) -> None:
        self._out_dir = out_dir
        self._file = out_dir / MANIFEST_FILE
        self._by_file: dict[str, SavedPicture] = {}
        self.by_url: dict[str, SavedPicture] = {}
        self.by_sha256: dict[str, SavedPicture] = {}
        try:
            out_dir.mkdir(parents=True, exist_ok=True)
            rows = _complete_rows(self._file)
            if not rows:
                self._write(MANIFEST_COLUMNS)
        except OSError as error:
            raise CollectError(
                f"{self._file} cannot be written: {error.strerror}. Choose another folder."
            ) from error
        for row in rows[1:]:
            self._index(SavedPicture(*row))

    def count(self, label: str) -> int:
        """Number of pictures of a label on disk."""
        rows = self._by_file.values()
        return sum(row.label == label and (self._out_dir / row.file).is_file() for row in rows)

    def append(self, row: SavedPicture) -> None:
        """Add a row and flush it to disk."""
        self._write(astuple(row))
        self._index(row)

    def _index(self, row: SavedPicture) -> None:
        self._by_file[row.file] = row
        self.by_url[row.source_path] = row
        self.by_sha256[row.sha256] = row

    def _write(self, fields: tuple[str, ...]) -> None:
        with self._file.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(fields)
            file.flush()
            os.fsync(file.fileno())


def _complete_rows(file: Path) -> list[list[str]]:
    """Read a manifest, heading included; removes a last line without a line end."""
    data = file.read_bytes() if file.exists() else b""
    complete = data[: data.rfind(b"\n") + 1]
    not_a_manifest = CollectError(
        f"{file} is not a manifest of this command. Choose another folder, or move the file away."
    )
    heading = ",".join(MANIFEST_COLUMNS).encode()
    if (complete and complete.splitlines()[0] != heading) or not (
        complete or heading.startswith(data)
    ):
        raise not_a_manifest
    try:
        rows = list(csv.reader(io.StringIO(complete.decode("utf-8"), newline=""), strict=True))
    except (ValueError, csv.Error) as error:
        raise not_a_manifest from error
    if any(len(row) != len(MANIFEST_COLUMNS) for row in rows):
        raise not_a_manifest
    if len(complete) < len(data):
        with file.open("r+b") as opened:
            opened.truncate(len(complete))
    return rows


def _row(
    picture: Picture, file: str, label: str, recipe: CollectRecipe, sha256: str
) -> SavedPicture:
    return SavedPicture(
        file=file,
        label=label,
        also=";".join(recipe.also.get(label, ())),
        source_repo=picture.source,
        source_path=picture.url,
        title=picture.title,
        author=picture.author,
        licence=picture.licence_name,
        licence_url=picture.licence_url,
        landing_url=picture.landing_url,
        sha256=sha256,
    )


def _service(recipe: CollectRecipe, web: RateLimitedClient) -> PictureService:
    if recipe.service == "openverse":
        base_url = recipe.base_url or Openverse.base_url
        return Openverse(web, recipe.licences, recipe.shortest_side, base_url)
    return Commons(web, recipe.shortest_side, recipe.base_url or Commons.base_url)


def _write_new_file(target: Path, data: bytes, part: Path) -> bool:
    """Write a file atomically; returns False when a file with other contents has its name."""
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        # The same bytes: an earlier run was killed between writing the file and its row.
        return target.read_bytes() == data
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(target)
    return True
