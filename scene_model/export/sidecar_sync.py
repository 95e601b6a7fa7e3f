"""Export tags and ratings to sidecars, and import the keywords and ratings of other programs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.labels import HUMAN
from scene_model.classifier.vocabulary import Vocabulary, fold
from scene_model.errors import (
    InvalidTag,
    OriginalMissing,
    PhotoNotFound,
    SceneError,
    UnreadableFile,
)
from scene_model.export.archive import ArchiveEntry, archive_names
from scene_model.export.picks import with_picks
from scene_model.export.sidecar import (
    Keyword,
    read_imported_rating,
    read_keywords,
    write_sidecar,
)
from scene_model.library import edits
from scene_model.library.files.remote_originals import shown_url
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library
from scene_model.photos.content import content_id, read_content
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.xmp import sidecar_path


@dataclass(frozen=True)
class SidecarResult:
    """The result for one photo.

    sidecar: the written file; tags, rating: what was imported, None for no new rating.
    """

    file: Path
    sidecar: Path | None = None
    tags: tuple[str, ...] = ()
    rating: int | None = None
    error: SceneError | None = None


def keywords_of(photo: PhotoRecord, vocabulary: Vocabulary) -> list[Keyword]:
    """Return a photo's tags as keywords: a person's class and tags, then predicted tags."""
    shown = set(photo.shown_tags)
    keywords = {}
    if photo.class_source == HUMAN:
        keywords[photo.photo_class] = Keyword(vocabulary.display_name(photo.photo_class))
    for tag in sorted(photo.tags, key=lambda tag: tag.head != HUMAN):
        if tag.label in shown:
            name = vocabulary.display_name(tag.label)
            keywords.setdefault(tag.label, Keyword(name, tag.head, tag.score, tag.bundle))
    return list(keywords.values())


def write_sidecars(
    library: Library,
    vocabulary: Vocabulary,
    photo_ids: Iterable[str],
    into: Path | None,
    with_dates: bool = False,
) -> Iterator[SidecarResult]:
    """Write the sidecars of photos.

    into: a folder, with the layout of a ZIP by class; None: beside the originals, for photos that
    are referenced outside the library. with_dates: write the dates of the photos, too.
    """
    photos = list(with_picks(library, photo_ids))
    entries = (
        ArchiveEntry(pick.photo_class, photo.name, Path(), photo.added_at) for photo, pick in photos
    )
    for (photo, _), (_, name) in zip(photos, archive_names(entries), strict=True):
        path = photo.reference if into is None else into / name
        if path is None:
            yield SidecarResult(Path(photo.name), error=_no_place(photo))
            continue
        try:
            if into is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            keywords = keywords_of(photo, vocabulary)
            taken_at = photo.taken_at if with_dates else None
            written = write_sidecar(
                path,
                keywords,
                rating=photo.rating,
                taken_at=taken_at,
                description=photo.description,
            )
            yield SidecarResult(path, written)
        except OSError as os_error:
            message = f"Cannot write its sidecar: {os_error.strerror or os_error}."
            yield SidecarResult(path, error=UnreadableFile(message))
        except SceneError as scene_error:
            yield SidecarResult(path, error=scene_error)


def _no_place(photo: PhotoRecord) -> SceneError:
    if photo.remote_url is not None:
        place = f"The original of {photo.name} is at {shown_url(photo.remote_url)}, where no"
        return OriginalMissing(f"{place} sidecar can be written. Name a folder for it (--into).")
    return OriginalMissing(
        f"{photo.name} is stored inside the library, where other programs do not read sidecars. "
        "Name a folder for it (--into)."
    )


def import_keywords(
    library: Library, vocabulary: Vocabulary, files: Iterable[Path], limits: PhotoLimits
) -> Iterator[SidecarResult]:
    """Import the keywords of files and their sidecars as a person's tags, and their ratings.

    Photos are identified by content, wherever the file is. Rejected tags stay rejected, and a
    rating that a person gave in the library stays. Keywords that differ only in case become one
    tag.
    """
    spellings: dict[str, str] = {}
    for file in files:
        try:
            content = read_content(file, limits)
            photo = library.photo(content_id(content))
            # Of a video only the sidecar is read.
            data = content if isinstance(content, bytes) else b""
            path = sidecar_path(file)
            sidecar = path.read_bytes() if path.is_file() else None
            tags = _import_tags(library, vocabulary, photo, read_keywords(data, sidecar), spellings)
            rating = _import_rating(library, photo, read_imported_rating(data, sidecar))
            yield SidecarResult(file, tags=tags, rating=rating)
        except PhotoNotFound:
            message = "It is not in the library. Add it first with `library add`."
            yield SidecarResult(file, error=PhotoNotFound(message))
        except OSError as os_error:
            message = f"Cannot read it: {os_error.strerror or os_error}."
            yield SidecarResult(file, error=UnreadableFile(message))
        except SceneError as scene_error:
            yield SidecarResult(file, error=scene_error)


def _import_tags(
    library: Library,
    vocabulary: Vocabulary,
    photo: PhotoRecord,
    names: Iterable[str],
    spellings: dict[str, str],
) -> tuple[str, ...]:
    """Add keywords as tags; returns the new ones. spellings: of labels so far, by `fold`."""
    existing = {tag.label for tag in photo.tags if tag.head == HUMAN}
    added = []
    for name in names:
        try:
            label = vocabulary.canonical(edits.clean_tag(name.replace('"', "'")))
        except InvalidTag:
            continue  # too long for a tag: a caption, not a keyword
        label = spellings.setdefault(fold(label), label)
        if label not in existing:
            edits.add_tag(library, [photo.id], label)
            existing.add(label)
            added.append(label)
    return tuple(added)


def _import_rating(library: Library, photo: PhotoRecord, rating: int | None) -> int | None:
    if rating is None or not edits.import_rating(library, [photo.id], rating).photo_count:
        return None
    return rating
