"""The library's tags out into sidecars, and people's keywords from elsewhere in as their tags."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.labels import HUMAN
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.errors import (
    InvalidTag,
    OriginalMissing,
    PhotoNotFound,
    SceneError,
    UnreadableFile,
)
from scene_model.export.archive import ArchiveEntry, archive_names
from scene_model.export.sidecar import Keyword, read_keywords, sidecar_of, write_sidecar
from scene_model.library import edits
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits, read_photo_file
from scene_model.photos.hashes import content_hash


@dataclass(frozen=True)
class SidecarResult:
    """What became of one photo. sidecar: where it was written; tags: that came in."""

    file: Path
    sidecar: Path | None = None
    tags: tuple[str, ...] = ()
    error: SceneError | None = None


def keywords_of(photo: PhotoRecord, vocabulary: Vocabulary) -> list[Keyword]:
    """A photo's tags as they leave: a person's class and tags, then what models say."""
    shown = set(photo.shown_tags)
    found = {}
    if photo.class_source == HUMAN:
        found[photo.photo_class] = Keyword(vocabulary.display_name(photo.photo_class))
    for tag in sorted(photo.tags, key=lambda tag: tag.head != HUMAN):
        if tag.label in shown:
            name = vocabulary.display_name(tag.label)
            found.setdefault(tag.label, Keyword(name, tag.head, tag.score, tag.bundle))
    return list(found.values())


def write_sidecars(
    library: Library, vocabulary: Vocabulary, photo_ids: Iterable[str], into: Path | None
) -> Iterator[SidecarResult]:
    """Write the sidecars of photos.

    into: a folder, in which they lie as the photos do in a ZIP by class; None: beside the
    originals, for photos that stay outside the library.
    """
    records = list(library.records(list(photo_ids)))
    places = (
        ArchiveEntry(photo.photo_class, photo.name, Path(), photo.added_at) for photo in records
    )
    for photo, (_, name) in zip(records, archive_names(places), strict=True):
        place = photo.reference if into is None else into / name
        if place is None:
            error: SceneError = OriginalMissing(
                f"{photo.name} is kept inside the library, where a sidecar helps nobody. Name a "
                "folder for it (--into)."
            )
            yield SidecarResult(Path(photo.name), error=error)
            continue
        try:
            if into is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
            yield SidecarResult(place, write_sidecar(place, keywords_of(photo, vocabulary)))
        except OSError as problem:
            why = f"Its sidecar cannot be written: {problem.strerror or problem}."
            yield SidecarResult(place, error=UnreadableFile(why))
        except SceneError as problem:
            yield SidecarResult(place, error=problem)


def import_keywords(
    library: Library, vocabulary: Vocabulary, files: Iterable[Path], limits: PhotoLimits
) -> Iterator[SidecarResult]:
    """Give photos of the library the keywords their files and sidecars hold, as a person's tags.

    A photo is known by its content, wherever its file lies. What was rejected stays rejected.
    """
    for file in files:
        try:
            data = read_photo_file(file, limits)
            photo = library.photo(content_hash(data))
            beside = sidecar_of(file)
            found = read_keywords(data, beside.read_bytes() if beside.is_file() else None)
            there = {tag.label for tag in photo.tags if tag.head == HUMAN}
            new = []
            for name in found:
                try:
                    label = vocabulary.canonical(edits.clean_tag(name.replace('"', "'")))
                except InvalidTag:
                    continue  # longer than a tag may be: a caption, not a keyword
                if label not in there:
                    edits.add_tag(library, [photo.id], label)
                    there.add(label)
                    new.append(label)
            yield SidecarResult(file, tags=tuple(new))
        except PhotoNotFound:
            why = "The library does not hold it. `library add` it first."
            yield SidecarResult(file, error=PhotoNotFound(why))
        except OSError as problem:
            why = f"It cannot be read: {problem.strerror or problem}."
            yield SidecarResult(file, error=UnreadableFile(why))
        except SceneError as problem:
            yield SidecarResult(file, error=problem)
