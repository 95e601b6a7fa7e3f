"""The library's photos on the command line: add, search, albums, export."""

import argparse
import contextlib
import datetime
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from scene_model.classifier.vocabulary import Vocabulary
from scene_model.cli.library.exports import add_exports
from scene_model.cli.scan import InputFile, Scan, require_any
from scene_model.cli.terminal import ProgressLine, counted, print_summary, printable
from scene_model.config import Settings
from scene_model.errors import (
    EXIT_DONE,
    EXIT_SOME_FAILED,
    InternalError,
    OriginalMissing,
    SceneError,
)
from scene_model.export.table import place_record, utf8_chunks
from scene_model.ingest.archives.recognise import is_export
from scene_model.ingest.ingest_photo import ingest_file
from scene_model.jobs.in_order import in_order
from scene_model.jobs.job import Skipped
from scene_model.library.files.file_system import new_file
from scene_model.library.groups import group_of
from scene_model.library.photo_query import IdsInOrder
from scene_model.library.records import Added, PhotoRecord
from scene_model.library.sort_order import Sort
from scene_model.search.albums import AlbumEntry
from scene_model.services import Services, open_services


@dataclass(frozen=True)
class _Outcome:
    path: Path | str
    photo: PhotoRecord | None = None
    was_known: bool = False
    is_copy: bool = False
    error: SceneError | Skipped | None = None


def add(options: argparse.Namespace, settings: Settings) -> int:
    """Add files to the library, in parallel; prints one line per file, in order."""
    urls = [text for text in options.paths if isinstance(text, str)]
    paths = [path for path in options.paths if not isinstance(path, str)]
    if paths and not urls:
        require_any(paths)
    now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
    scan, progress, failed, done = Scan(options.recursive), ProgressLine("photos"), 0, 0
    exports = [path for path in paths if is_export(path)]
    with _services(settings) as services, progress:
        ingest = partial(_ingest, services=services, added_at=now, by_reference=options.reference)
        files = scan.files([path for path in paths if path not in exports])
        outcomes = chain(
            in_order(files, ingest, settings.workers),
            _exported(services, exports, options.reference) if exports else (),
            _remote(services, options, urls, now) if urls or options.from_batch else (),
        )

        def with_progress() -> Iterator[_Outcome]:
            nonlocal failed, done
            for outcome in outcomes:
                done += 1
                failed += outcome.error is not None
                yield outcome
                progress.show(done, failed=failed)

        _print(with_progress(), options, _added_record, _added_line)
        services.arrange_new()
        services.trips.wait()
        services.copy_database()
    print_summary(done, failed, scan.ignored)
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def search(options: argparse.Namespace, settings: Settings) -> int:
    """List the photos that match a query."""
    with _services(settings) as services:
        ids = services.gallery(Sort.read(options.sort)).ids(options.query, options.limit)
        record = partial(_photo_record, vocabulary=services.vocabulary)
        _print(services.library.records(ids), options, record, _photo_line)
    return EXIT_DONE


def albums(options: argparse.Namespace, settings: Settings) -> int:
    """List the albums: those that people made, then those of the rules."""
    with _services(settings) as services:
        _print(services.gallery().albums(), options, _album_record, _album_line)
    return EXIT_DONE


def export(options: argparse.Namespace, settings: Settings) -> int:
    """Write CSV, JSON or ZIP to a new file, or CSV to stdout."""
    file: Path | None = options.zip or options.records or options.csv
    with _services(settings) as services:
        ids = services.gallery(Sort.read(options.sort)).all_ids(options.query)
        missing: dict[str, str] = {}
        if options.zip:
            missing = dict.fromkeys(_missing(services, ids), OriginalMissing.code)
        chunks = _export_chunks(options, services, ids, missing)
        if file is None or file == options.csv and str(file) == "-":
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
            return EXIT_DONE
        with new_file(file.expanduser().absolute()) as output:
            for chunk in chunks:
                output.write(chunk)
    if options.json or options.jsonl:
        print(json.dumps({"file": str(file), "photos": len(ids), "missing": list(missing)}))
    else:
        print(f"{counted(len(ids), 'photo')} written to {printable(str(file))}.")
    for photo_id, code in missing.items():
        print(f"{photo_id}\t{code}: not in the ZIP", file=sys.stderr)
    return EXIT_SOME_FAILED if missing else EXIT_DONE


def _export_chunks(
    options: argparse.Namespace, services: Services, ids: IdsInOrder, missing: dict[str, str]
) -> Iterator[bytes]:
    """Return what is written. missing: gets the photos that cannot be fetched for a ZIP."""
    if options.zip:
        rule = services.exports.folder_rule(options.by)

        def note(photo_id: str, error: SceneError) -> None:
            missing[photo_id] = error.code

        return services.exports.zip_by(ids, rule, on_unfetched=note)
    if options.records:
        is_one_list = options.records.suffix.lower() != ".jsonl"
        return utf8_chunks(services.exports.json_lines(ids, is_one_list=is_one_list))
    if options.people:
        return utf8_chunks(services.exports.people_lines(ids, with_bom=options.bom))
    return utf8_chunks(services.exports.csv_lines(ids, with_bom=options.bom))


@contextlib.contextmanager
def _services(settings: Settings) -> Iterator[Services]:
    services = open_services(settings, resume=False)
    try:
        yield services
    finally:
        services.close()


def _ingest(
    input_file: InputFile, services: Services, added_at: str, by_reference: bool
) -> _Outcome:
    if input_file.error is not None:
        return _Outcome(input_file.path, error=input_file.error)
    try:
        added: Added = ingest_file(
            services.library, services.classifier, input_file.path, added_at, by_reference
        )
        return _Outcome(input_file.path, services.library.photo(added.id), added.was_known)
    except SceneError as error:
        return _Outcome(input_file.path, error=error)
    except Exception as error:  # one bad item never fails the others
        wrapped = InternalError(f"Unforeseen: {type(error).__name__}: {error}")
        return _Outcome(input_file.path, error=wrapped)


def _remote(
    services: Services, options: argparse.Namespace, urls: list[str], added_at: str
) -> Iterator[_Outcome]:
    # Imported here: it loads pyarrow, which no other command needs.
    from scene_model.cli.library.remote_additions import RemoteAdditions

    additions = RemoteAdditions(services, added_at)
    batch = additions.batch(options.from_batch) if options.from_batch else ()
    for row in chain(additions.urls(urls, options.reference) if urls else (), batch):
        if row.added is None:
            yield _Outcome(row.file, error=row.error)
        else:
            yield _Outcome(row.file, services.library.photo(row.added.id), row.added.was_known)


def _exported(services: Services, paths: list[Path], by_reference: bool) -> Iterator[_Outcome]:
    for added in add_exports(services, paths, by_reference):
        outcome = added.outcome
        if outcome.skipped is not None:
            yield _Outcome(added.path, error=outcome.skipped)
        elif outcome.photo_id is not None:
            photo = services.library.photo(outcome.photo_id)
            is_known = outcome.was_known and not outcome.is_copy
            yield _Outcome(added.path, photo, is_known, outcome.is_copy)


def _added_record(outcome: _Outcome) -> dict[str, Any]:
    photo, error = outcome.photo, outcome.error
    return {
        # json.dumps escapes the surrogates of names that are not UTF-8.
        "file": str(outcome.path),
        "id": photo and photo.id,
        "known": photo and outcome.was_known,
        "class": photo and photo.photo_class,
        "error": error and {"code": error.code, "message": error.message},
        "copy": photo and outcome.is_copy,
    }


def _added_line(outcome: _Outcome) -> str:
    name = printable(str(outcome.path))
    if outcome.photo is None:
        error = outcome.error or InternalError("No outcome.")
        return f"{name}\t{error.code}: {printable(error.message)}"
    suffix = "\tknown" if outcome.was_known else "\tcopy" if outcome.is_copy else ""
    return f"{name}\t{outcome.photo.id}\t{printable(outcome.photo.photo_class)}{suffix}"


def _photo_record(photo: PhotoRecord, vocabulary: Vocabulary) -> dict[str, Any]:
    record, guess = asdict(photo), photo.shown_guess
    record["class"] = record.pop("photo_class")
    hidden = ("auto_group", "auto_group_score", "guess_score", "is_date_decided")
    for name in (*hidden, "film_start", "film_bytes", "remote_url"):
        del record[name]
    record["group"] = group_of(photo, vocabulary)
    record["guess"] = guess and asdict(guess)
    record["place"] = photo.place and place_record(photo.place)
    reference = photo.remote_url or photo.reference
    record["reference"] = reference and str(reference)
    record["tags"] = [
        {"label": tag.label, "head": tag.head, "score": tag.score} for tag in photo.tags
    ]
    return record


def _photo_line(photo: PhotoRecord) -> str:
    tags = ", ".join(photo.shown_tags)
    return "\t".join(printable(cell) for cell in (photo.id, photo.name, photo.photo_class, tags))


def _album_record(album: AlbumEntry) -> dict[str, Any]:
    return {"id": album.id, "name": album.name, "kind": str(album.kind), "count": album.count}


def _album_line(album: AlbumEntry) -> str:
    return "\t".join(
        (str(album.kind), printable(album.id), printable(album.name), f"{album.count:,}")
    )


def _print(items: Iterable[Any], options: argparse.Namespace, record: Any, line: Any) -> None:
    """Print items as they are produced: as text lines, JSON lines, or one JSON list."""
    if options.json:
        separator = "["
        for item in items:
            print(separator + json.dumps(record(item)), end="", flush=True)
            separator = ",\n"
        print("[]" if separator == "[" else "]")
        return
    for item in items:
        print(json.dumps(record(item)) if options.jsonl else line(item), flush=True)


def _missing(services: Services, ids: Iterable[str]) -> Iterator[str]:
    for photo in services.library.records(ids):
        if photo.remote_url is None and not services.library.files.has_original(photo):
            yield photo.id
