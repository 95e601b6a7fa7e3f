"""What adding an export will do: its photos with their facts, and what is left out or missing."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scene_model.errors import ArchiveError
from scene_model.ingest.archives.contents import Contents, MediaFile, read_contents
from scene_model.ingest.archives.matches import FactsOfFiles, match_facts
from scene_model.ingest.archives.parts import last_part, missing_parts
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.jobs.job import Skipped, skipped
from scene_model.library.awaited_facts import (
    FileKey,
    photos_in_folders,
    stored_awaited_facts,
)
from scene_model.library.imported_facts import ImportedFacts
from scene_model.library.store import Library
from scene_model.photos.names import is_video_name


@dataclass(frozen=True)
class ExportPlan:
    """What is in archives and exported folders, before anything is added.

    files: one for each photo and video, each photo of the library that only its facts have come
    for, and each thing that cannot be read. photos, videos: how many files these are, with repeated
    ones. file_bytes: their size. albums: titles. left_out: number of files in the trash or locked.
    completed: number of photos of the library that facts have come for. missing_parts: names.
    missing_files: number of files that the parts name and that have not come. awaited: the facts of
    these.
    """

    sources: tuple[Path, ...]
    files: tuple[IncomingFile, ...]
    photos: int
    videos: int
    file_bytes: int
    albums: tuple[str, ...]
    left_out: int
    edit_files: int
    ignored: int
    completed: int
    refused: int
    missing_parts: tuple[str, ...]
    missing_files: int
    is_takeout: bool
    awaited: Mapping[FileKey, ImportedFacts]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to add or complete."""
        return not (self.photos or self.videos or self.completed)

    def referencing(self) -> "ExportPlan":
        """Return the plan with the files of folders left where they are."""
        files = (
            replace(f, by_reference=f.member is None and f.source is not None) for f in self.files
        )
        return replace(self, files=tuple(files))


def plan_export(
    library: Library,
    paths: Sequence[Path],
    by_reference: bool = False,
    on_listed: Callable[[int], None] = lambda _: None,
) -> ExportPlan:
    """List archives and exported folders, and find the facts of each photo; adds nothing.

    by_reference: the files of folders stay the originals; those in archives are copied. on_listed:
    see `read_contents`.
    """
    contents = read_contents([path.expanduser().absolute() for path in paths], on_listed)
    matched = match_facts(contents, stored_awaited_facts(library))
    completed = _completed(library, matched)
    used = {photo.key for photo in completed}
    awaited = {key: facts for key, facts in matched.unused.items() if key not in used}
    names = [path.name for path in contents.paths]
    missing = tuple(missing_parts(names, contents.mentioned))
    refusals = [*contents.refusals, *_missing(missing, len(awaited), names)]
    files = _files(contents, matched, completed, refusals, by_reference)
    media = [media for media, _ in matched.files]
    videos = sum(is_video_name(file.name) for file in media)
    return ExportPlan(
        sources=tuple(contents.paths),
        files=tuple(replace(file, file=f"{number:06d}") for number, file in enumerate(files)),
        photos=len(media) - videos,
        videos=videos,
        file_bytes=sum(file.member.file_bytes for file in media),
        albums=tuple(dict.fromkeys(t for f in files if f.facts for t in f.facts.albums)),
        left_out=matched.left_out,
        edit_files=contents.edit_files,
        ignored=contents.ignored,
        completed=len(completed),
        refused=len(contents.refusals),
        missing_parts=missing,
        missing_files=len(awaited),
        is_takeout=bool(contents.items or contents.album_titles),
        awaited=awaited,
    )


@dataclass(frozen=True)
class _CompletedPhoto:
    """A photo of the library that came without its facts. key: of the facts that come now."""

    key: FileKey
    id: str
    name: str
    facts: ImportedFacts


def _completed(library: Library, matched: FactsOfFiles) -> list[_CompletedPhoto]:
    """Return the photos that came earlier and whose facts come now."""
    if not matched.unused:
        return []
    photos = photos_in_folders(library, {folder for folder, _ in matched.unused})
    completed = []
    for (folder, name), photo_id in photos.items():
        key = matched.find_unused(folder, name)
        if key is not None:
            completed.append(_CompletedPhoto(key, photo_id, name, matched.unused[key]))
    return completed


def _missing(parts: Sequence[str], files: int, names: Sequence[str]) -> Iterable[Skipped]:
    """Say which parts seem to be missing, and how many photos they hold."""
    photos = "1 photo" if files == 1 else f"{files:,} photos"
    have = "has" if files == 1 else "have"
    what_to_do = "Download it, and add it: nothing is added twice."
    if parts:
        others = "" if len(parts) == 1 else f" {len(parts)} parts are missing."
        count = f": {photos} named in the other parts {have} not come" if files else ""
        for part in parts:
            message = f"{part} seems to be missing{count}.{others} {what_to_do}"
            yield skipped(part, ArchiveError(message, code="part_missing"))
    elif files:
        last = last_part(names)
        after = f"A part after {last} may be missing" if last else "A part may be missing"
        message = f"{after}: {photos} named in .json files {have} not come. {what_to_do}"
        yield skipped(last or "Google Takeout", ArchiveError(message, code="part_missing"))


def _files(
    contents: Contents,
    matched: FactsOfFiles,
    completed: Iterable[_CompletedPhoto],
    refusals: Iterable[Skipped],
    by_reference: bool,
) -> list[IncomingFile]:
    now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
    files = [
        replace(
            _file(contents.paths[media.source], media, facts, now, by_reference),
            awaited=matched.awaited.get((media.folder, media.name)),
        )
        for media, facts in matched.files
    ]
    files += [
        IncomingFile(photo.name, "", now, facts=photo.facts, photo_id=photo.id)
        for photo in completed
    ]
    return files + [IncomingFile(r.name, "", now, refusal=r) for r in refusals]


def _file(
    source: Path, media: MediaFile, facts: ImportedFacts | None, now: str, by_reference: bool
) -> IncomingFile:
    member, is_folder = media.member, media.member.file is not None
    return IncomingFile(
        media.name,
        "",
        now,
        file_bytes=member.file_bytes,
        shown_path=f"{media.folder}/{media.name}" if media.folder else media.name,
        source=member.file or str(source),
        by_reference=by_reference and is_folder,
        member=None if is_folder else member.number,
        modified_at=member.modified_at,
        facts=facts,
    )
