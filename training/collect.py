"""Build a labelled photo set from openly licensed pictures of Openverse or Wikimedia Commons.

``OUT/LABEL/FILE`` and ``OUT/manifest.csv``, as `training.data` reads them. What a search finds
is a proposal: look through the folders and delete what does not fit. A later run brings nothing
back that was deleted; it looks for others instead.
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
    PoliteWeb,
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
    """One row of the manifest; fields in the order of its columns. also: joined by ``;``.

    source_path: address of the original; sha256: of the file as it was fetched.
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
        """The label and what else the picture shows."""
        return (self.label, *filter(None, self.also.split(";")))


@dataclass(frozen=True)
class LabelSummary:
    """How one label went.

    found: pictures the searches of this run listed. kept: pictures in the folder now;
    new: those of this run. skipped: why others were not kept → how many.
    """

    label: str
    wanted: int
    found: int
    kept: int
    new: int
    skipped: Mapping[str, int]

    def line(self) -> str:
        """One line for the person who reads it."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.skipped.items()))
        return (
            f"{self.label}: {self.kept} of {self.wanted} kept ({self.new} new), {self.found} found"
            + (f"; skipped: {reasons}" if reasons else "")
        )


@dataclass(frozen=True)
class CollectSummary:
    """How a run went, label by label."""

    labels: tuple[LabelSummary, ...]

    @property
    def short(self) -> tuple[str, ...]:
        """Labels with fewer pictures than wanted."""
        return tuple(label.label for label in self.labels if label.kept < label.wanted)

    def lines(self) -> list[str]:
        """Tell each label, then those that ended short."""
        lines = [label.line() for label in self.labels]
        if self.short:
            lines.append(f"Ended short: {', '.join(self.short)}. Add queries for them.")
        return lines


def collect(
    recipe: CollectRecipe,
    out_dir: Path,
    *,
    report: Callable[[str], None] = lambda line: None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> CollectSummary:
    """Fetch pictures until every label has ``per_label``, or its queries are used up.

    A run that was stopped goes on when it is called again; one run at a time in a folder.
    report: gets a line for each picture that failed and each label that is done.
    Raises CollectError when the service or the folder cannot be used.
    """
    contact = f" ({recipe.contact})" if recipe.contact else ""
    web = PoliteWeb(
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
            "Once it can, the same command goes on where this run stopped."
        ) from error
    if run.refusal is not None and not run.any_answer:
        raise run.refusal
    return CollectSummary(summaries)


class _Run:
    """One call of `collect`."""

    def __init__(
        self,
        recipe: CollectRecipe,
        out_dir: Path,
        web: PoliteWeb,
        report: Callable[[str], None],
    ) -> None:
        self._recipe = recipe
        self._out_dir = out_dir
        self._web = web
        self._service = _service(recipe, web)
        self._report = report
        self._manifest = _Manifest(out_dir)
        self._failed: dict[str, str] = {}  # address → reason: no second try in one run
        self.any_answer = False
        self.refusal: SearchRefused | None = None

    def collect_label(self, label: str) -> LabelSummary:
        wanted = self._recipe.per_label
        before = self._manifest.count(label)
        new = 0
        seen: set[str] = set()
        skipped: Counter[str] = Counter()
        pictures = self._pictures(label, skipped)
        while before + new < wanted:
            picture = next(pictures, None)
            if picture is None:
                break
            if picture.url in seen:
                continue
            seen.add(picture.url)
            reason = self._take(label, picture)
            if reason is None:
                new += 1
            else:
                skipped[reason] += 1
        summary = LabelSummary(label, wanted, len(seen), before + new, new, dict(skipped))
        self._report(summary.line())
        return summary

    def _pictures(self, label: str, skipped: Counter[str]) -> Iterator[Picture]:
        """Take from a label's queries in turn, so that each adds its kind of picture."""
        searches = [self._service.search(query) for query in self._recipe.labels[label]]
        while searches:
            for search in list(searches):
                try:
                    picture = next(search, None)
                    self.any_answer = True
                except SearchRefused as refusal:
                    # The other queries may still be answered.
                    self.refusal = self.refusal or refusal
                    skipped["search_refused"] += 1
                    self._report(f"{label}: {refusal}")
                    picture = None
                if picture is None:
                    searches.remove(search)
                else:
                    yield picture

    def _take(self, label: str, picture: Picture) -> str | None:
        """Keep one picture; returns why not, or None when it is kept."""
        if picture.licence not in self._recipe.licences:
            return "licence"
        known = self._manifest.by_url.get(picture.url)
        if known is not None:
            return self._add_label(known, label)
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
        known = self._manifest.by_sha256.get(sha256)
        if known is not None:
            self._manifest.by_url[picture.url] = known
            return self._add_label(known, label)
        file = f"{label}/{sha256[:20]}{suffix}"
        if not _write_new_file(self._out_dir / file, data, self._out_dir / ".fetched.part"):
            return self._fail(label, picture, "name_taken", f"{file} is another file")
        self._manifest.append(_row(picture, file, label, self._recipe, sha256))
        return None

    def _add_label(self, known: SavedPicture, label: str) -> str:
        """Note that a picture which is here already was found for this label.

        The first label keeps the file; others become further tags of it.
        """
        if not (self._out_dir / known.file).is_file():
            return "deleted_earlier"
        if label == known.label:
            return "already_here"
        if label not in known.tags:
            also = ";".join(filter(None, (known.also, label)))
            self._manifest.append(replace(known, also=also))
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
        """Decode a picture to see that it can be; returns the suffix that fits its bytes."""
        photo = decode_photo(data, PhotoLimits(max_file_bytes=self._recipe.max_file_bytes))
        if min(photo.width, photo.height) < self._recipe.shortest_side:
            raise _TooSmall(f"{photo.width} × {photo.height} pixels")
        return _SUFFIXES.get(photo.format, f".{photo.format.lower()}")

    def _fail(self, label: str, picture: Picture, reason: str, message: str) -> str:
        self._failed[picture.url] = reason
        self._report(f"{label}: skipped {picture.url} ({reason}): {message}")
        return reason


class _TooSmall(Exception):
    """A picture has fewer pixels than wanted."""


class _Manifest:
    """The manifest on disk, appended to row by row.

    A file may have several rows; the last holds. A row that a killed run left half written is
    cut off.
    """

    def __init__(self, out_dir: Path) -> None:
        self._out_dir = out_dir
        self._file = out_dir / MANIFEST_FILE
        self._by_file: dict[str, SavedPicture] = {}
        self.by_url: dict[str, SavedPicture] = {}
        self.by_sha256: dict[str, SavedPicture] = {}
        try:
            out_dir.mkdir(parents=True, exist_ok=True)
            rows = _whole_rows(self._file)
            if not rows:
                self._write(MANIFEST_COLUMNS)
        except OSError as error:
            raise CollectError(
                f"{self._file} cannot be written: {error.strerror}. Choose another folder."
            ) from error
        for row in rows[1:]:
            self._remember(SavedPicture(*row))

    def count(self, label: str) -> int:
        """Pictures of a label that are on disk."""
        rows = self._by_file.values()
        return sum(row.label == label and (self._out_dir / row.file).is_file() for row in rows)

    def append(self, row: SavedPicture) -> None:
        """Add a row; it is on disk when this returns."""
        self._write(astuple(row))
        self._remember(row)

    def _remember(self, row: SavedPicture) -> None:
        self._by_file[row.file] = row
        self.by_url[row.source_path] = row
        self.by_sha256[row.sha256] = row

    def _write(self, fields: tuple[str, ...]) -> None:
        with self._file.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(fields)
            file.flush()
            os.fsync(file.fileno())


def _whole_rows(file: Path) -> list[list[str]]:
    """Read a manifest, heading included; cuts off a last line that has no end."""
    data = file.read_bytes() if file.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    foreign = CollectError(
        f"{file} is not a manifest of this command. Choose another folder, or move the file away."
    )
    heading = ",".join(MANIFEST_COLUMNS).encode()
    if (whole and whole.splitlines()[0] != heading) or not (whole or heading.startswith(data)):
        raise foreign
    try:
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline=""), strict=True))
    except (ValueError, csv.Error) as error:
        raise foreign from error
    if any(len(row) != len(MANIFEST_COLUMNS) for row in rows):
        raise foreign
    if len(whole) < len(data):
        with file.open("r+b") as opened:
            opened.truncate(len(whole))
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


def _service(recipe: CollectRecipe, web: PoliteWeb) -> PictureService:
    if recipe.service == "openverse":
        base_url = recipe.base_url or Openverse.base_url
        return Openverse(web, recipe.licences, recipe.shortest_side, base_url)
    return Commons(web, recipe.shortest_side, recipe.base_url or Commons.base_url)


def _write_new_file(target: Path, data: bytes, part: Path) -> bool:
    """Write a file whole or not at all; returns False when another file has its name."""
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        # The same bytes: of a run that was killed between a file and its row.
        return target.read_bytes() == data
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(target)
    return True
