"""Which facts belong to which file of an export: those of Takeout, of iCloud, and of sidecars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from scene_model.ingest.archives.contents import Contents, MediaFile
from scene_model.ingest.takeout.folders import album_titles, is_left_out
from scene_model.ingest.takeout.names import FolderJsons
from scene_model.library.awaited_facts import FileKey
from scene_model.library.imported_facts import ImportedFacts


@dataclass(frozen=True)
class FactsOfFiles:
    """The files that come in, with their facts.

    left_out: number of files in the trash or locked. unused: facts whose files are not there.
    awaited: the keys of facts that earlier parts had, by the folder and name of their files.
    """

    files: list[tuple[MediaFile, ImportedFacts | None]]
    left_out: int
    unused: dict[FileKey, ImportedFacts]
    awaited: Mapping[tuple[str, str], FileKey]
    jsons: Mapping[str, FolderJsons]

    def find_unused(self, folder: str, name: str) -> FileKey | None:
        """Return the facts without a file that describe a photo of the library."""
        json_name = self.jsons[folder].match(name) if folder in self.jsons else None
        key = (folder, json_name or "")
        return key if key in self.unused else None


def match_facts(contents: Contents, awaited: Mapping[FileKey, ImportedFacts]) -> FactsOfFiles:
    """Find the facts of each file. awaited: those that earlier parts had, without the files."""
    matches = _Matches(contents, awaited)
    files, left_out = [], 0
    for media in contents.media:
        facts = matches.facts_of(media)
        if matches.is_left_out(media):
            left_out += 1
        else:
            files.append((media, facts))
    matches.add_albums_of_copies(files)
    came = matches.awaited_by_file([media for media, _ in files])
    return FactsOfFiles(files, left_out, matches.unused(), came, matches.jsons)


class _Matches:
    def __init__(self, contents: Contents, awaited: Mapping[FileKey, ImportedFacts]) -> None:
        self._contents, self._awaited = contents, awaited
        self.used: set[FileKey] = set()
        self._keys: dict[FileKey, FileKey | None] = {}
        names: dict[str, list[tuple[str, str]]] = {}
        for (folder, name), item in contents.items.items():
            names.setdefault(folder, []).append((name, item.title))
        for folder, name in awaited.keys() - contents.items.keys():
            names.setdefault(folder, []).append((name, ""))
        self.jsons = {folder: FolderJsons(titles) for folder, titles in names.items()}
        folders = {media.folder for media in contents.media if self._is_takeout(media)}
        self._titles = album_titles(
            folders | names.keys() | contents.album_titles.keys(), contents.album_titles
        )
        self._listed: dict[str, list[str]] = {}
        for title, listed in contents.album_lists.items():
            for name in dict.fromkeys(listed):
                self._listed.setdefault(name, []).append(title)

    def facts_of(self, media: MediaFile) -> ImportedFacts | None:
        facts = self._own_facts(media)
        title = self._titles.get(media.folder)
        albums: tuple[str, ...] = (title,) if title else ()
        detail = self._contents.details.get((media.folder, media.name))
        if detail is not None:
            albums += tuple(self._listed.get(media.name, ()))
        if albums:
            facts = replace(facts or ImportedFacts(), albums=albums)
        return facts

    def is_left_out(self, media: MediaFile) -> bool:
        """Whether a file is in the trash, or was locked by the person."""
        if self._is_takeout(media) and is_left_out(media.folder):
            return True
        key = self._key_of(media)
        item = None if key is None else self._contents.items.get(key)
        detail = self._contents.details.get((media.folder, media.name))
        return (item is not None and item.is_trashed) or (detail is not None and detail.is_trashed)

    def awaited_by_file(self, files: Iterable[MediaFile]) -> dict[tuple[str, str], FileKey]:
        """Return the keys of stored facts by the folder and name of the files that have come."""
        keys = {(media.folder, media.name): self._key_of(media) for media in files}
        return {file: key for file, key in keys.items() if key is not None and key in self._awaited}

    def unused(self) -> dict[FileKey, ImportedFacts]:
        """Return the facts without a file, except of what is in the trash."""
        return {
            key: replace(item.facts, albums=self._album_of(key[0]))
            for key, item in self._contents.items.items()
            if key not in self.used and not item.is_trashed and not is_left_out(key[0])
        }

    def add_albums_of_copies(self, files: list[tuple[MediaFile, ImportedFacts | None]]) -> None:
        """Put photos into the albums that have only their ``.json``, not a copy of the file."""
        by_photo: dict[tuple[str, str], list[int]] = {}
        for index, (media, _) in enumerate(files):
            key = self._key_of(media)
            item = None if key is None else self._contents.items.get(key)
            if item is not None and item.facts.taken_utc:
                by_photo.setdefault((item.title, item.facts.taken_utc), []).append(index)
        for key, item in self._contents.items.items():
            copies = by_photo.get((item.title, item.facts.taken_utc), ())
            if key in self.used or not copies or item.is_trashed:
                continue
            self.used.add(key)
            media, facts = files[copies[0]]
            albums = (*(facts or ImportedFacts()).albums, *self._album_of(key[0]))
            together = replace(facts or ImportedFacts(), albums=tuple(dict.fromkeys(albums)))
            files[copies[0]] = media, together

    def _album_of(self, folder: str) -> tuple[str, ...]:
        title = self._titles.get(folder)
        return (title,) if title else ()

    def _own_facts(self, media: MediaFile) -> ImportedFacts | None:
        key = self._key_of(media)
        if key is not None:
            self.used.add(key)
            item = self._contents.items.get(key)
            return self._awaited[key] if item is None else item.facts
        detail = self._contents.details.get((media.folder, media.name))
        sidecar = self._sidecar_of(media)
        if detail is None:
            return sidecar
        if sidecar is None:
            return detail.facts
        return replace(detail.facts, description=sidecar.description, rating=sidecar.rating)

    def _key_of(self, media: MediaFile) -> FileKey | None:
        """Return the folder and name of the ``.json`` that describes a file; None for none."""
        file = media.folder, media.name
        if file not in self._keys:
            jsons = self.jsons.get(media.folder)
            json_name = None if jsons is None else jsons.match(media.name)
            self._keys[file] = None if json_name is None else (media.folder, json_name)
        return self._keys[file]

    def _sidecar_of(self, media: MediaFile) -> ImportedFacts | None:
        stem = PurePosixPath(media.name).stem
        for name in (f"{media.name}.xmp", f"{stem}.xmp"):
            facts = self._contents.sidecars.get((media.folder, name.lower()))
            if facts is not None:
                return facts
        return None

    def _is_takeout(self, media: MediaFile) -> bool:
        is_described = media.folder in self.jsons or media.folder in self._contents.album_titles
        return media.is_takeout or is_described
