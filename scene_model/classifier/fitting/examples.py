"""Labelled photos, decoded as in serving."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.fitting.class_folders import read_class_folders
from scene_model.errors import PhotoError
from scene_model.photos.colours import Pixels
from scene_model.photos.decode import (
    MinimumSize,
    PhotoLimits,
    decode_photo,
    read_photo_file,
)


@dataclass(frozen=True)
class Example:
    """One labelled photo.

    name: "source/CLASS/FILE", unique over all sources; the split lists hold these.
    label, also: as the source writes them.
    origin: where the source has it from (``source_repo`` of its manifest), "" if not given.
    sha256: of the file's bytes. pixels: upright RGB, at the size that serving decodes to.
    """

    name: str
    source: str
    label: str
    also: tuple[str, ...]
    sha256: str
    pixels: Pixels
    origin: str = ""


@dataclass(frozen=True)
class UnreadablePhoto:
    """A photo that cannot be decoded; name: as in `Example`."""

    name: str
    error: PhotoError

    def __str__(self) -> str:
        """Format the name and the reason."""
        return f"{self.name}: {self.error}"


@dataclass(frozen=True)
class ManifestFacts:
    """Fields of a photo in a source's manifest, see `Example`."""

    also: tuple[str, ...] = ()
    origin: str = ""


def _no_facts(_: str) -> ManifestFacts:
    return ManifestFacts()


def load_folders(
    root: Path,
    source_id: str,
    minimum: MinimumSize = MinimumSize(),  # noqa: B008 - frozen
) -> tuple[list[Example], list[str], list[UnreadablePhoto]]:
    """Decode a folder of class folders. minimum: the size that the network needs.

    Returns the examples, one line per skipped folder, and the photos that cannot be read.
    Raises UnusableFolders.
    """
    classes, passed_over = read_class_folders(root)
    items = [
        (file.relative_to(root).as_posix(), file, folder.label.source_name)
        for folder in classes
        for file in folder.files
    ]
    examples, unreadable = decode_examples(items, source_id, minimum=minimum)
    return examples, passed_over, unreadable


def decode_examples(
    items: Sequence[tuple[str, Path | bytes, str]],
    source_id: str,
    facts_of: Callable[[str], ManifestFacts] = _no_facts,
    minimum: MinimumSize = MinimumSize(),  # noqa: B008 - frozen
) -> tuple[list[Example], list[UnreadablePhoto]]:
    """Decode ("CLASS/FILE", path or bytes, label) items in several threads; keeps their order."""

    def decode(item: tuple[str, Path | bytes, str]) -> Example | UnreadablePhoto:
        path, content, label = item
        name, facts = f"{source_id}/{path}", facts_of(path)
        try:
            data = content
            if not isinstance(data, bytes):
                data = read_photo_file(data, PhotoLimits())
            pixels = decode_photo(data, PhotoLimits(), minimum).pixels
        except PhotoError as error:
            return UnreadablePhoto(name, error)
        sha256 = hashlib.sha256(data).hexdigest()
        return Example(name, source_id, label, facts.also, sha256, pixels, facts.origin)

    with ThreadPoolExecutor() as pool:
        decoded = list(pool.map(decode, items))
    return (
        [photo for photo in decoded if isinstance(photo, Example)],
        [photo for photo in decoded if isinstance(photo, UnreadablePhoto)],
    )


def data_manifest_hash(examples: list[Example]) -> str:
    """SHA-256 over all names, labels and content hashes; identifies the data of a run."""
    digest = hashlib.sha256()
    for example in sorted(examples, key=lambda e: e.name):
        line = f"{example.name}\t{example.label}\t{';'.join(example.also)}\t{example.sha256}\n"
        digest.update(line.encode())
    return digest.hexdigest()
