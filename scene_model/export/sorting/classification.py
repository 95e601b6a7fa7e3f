"""Classify source photos for a sort: from the library where it has them, else by the model."""

import datetime
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scene_model.classifier.albums.matching import PhotoFacts, albums_of, tag_facts
from scene_model.classifier.classify import Prediction
from scene_model.classifier.labels import HUMAN, NONE, UNSURE_CLASS
from scene_model.classifier.model import CurrentModel, Model
from scene_model.duplicates.hash_neighbours import write_hash_neighbours
from scene_model.errors import InternalError, QueryError, SceneError, UnknownHead, UnreadableFile
from scene_model.export.sorting.clutter_folders import with_bursts
from scene_model.export.sorting.layout import (
    ALBUM_LAYOUT,
    DEFAULT_LAYOUT,
    TRIP_LAYOUT,
    Destination,
    Layout,
)
from scene_model.export.sorting.plan import ScannedPhoto
from scene_model.export.sorting.scan import Group, SkippedFile
from scene_model.export.sorting.stacks import together
from scene_model.export.sorting.trip_folders import TripFolder, TripFolders, propose_folders
from scene_model.jobs.in_order import in_order
from scene_model.library.albums.own_albums import own_albums
from scene_model.library.clutter.clutter_kinds import clutter_of, clutter_of_prediction
from scene_model.library.groups import group_of, group_of_prediction
from scene_model.library.own_labels import LibraryModel
from scene_model.library.photo_places import write_place
from scene_model.library.predictions import predict_stored
from scene_model.library.records import NewPhoto, PhotoRecord, photo_facts
from scene_model.library.sort_order import NEWEST_ADDED
from scene_model.library.stacks.stack_rows import stacks_of
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import NO_TRIP, all_trips
from scene_model.photos.content import content_id, read_content
from scene_model.photos.dates import date_of_photo
from scene_model.photos.hashes import file_content_hash
from scene_model.photos.places.gazetteer import Gazetteer
from scene_model.photos.xmp import sidecar_rating
from scene_model.search.own_albums import album_line
from scene_model.search.query import parse_query
from scene_model.search.query_reader import QueryReader
from scene_model.trips.moment_rows import stored_moments

BY_CLASS, BY_GROUP, BY_ALBUM, BY_TRIP = "class", "group", "album", "trip"
_ALBUM_RULES, _MODEL, _TRIPS = "album rules", "the model", "the trips"
_CLUTTER_RULE = "the clutter rule"
_BATCH = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _HashedPhoto:
    """A photo with its files' hashes; destination: None when the library provides it."""

    group: Group
    hashes: tuple[str, ...]
    destination: Destination | None


def default_layout(by: str) -> str:
    """Return the layout for photos sorted by something."""
    return {BY_ALBUM: ALBUM_LAYOUT, BY_TRIP: TRIP_LAYOUT}.get(by, DEFAULT_LAYOUT)


class Classification:
    """Classifies photos by class, by group, by the labels of a head, by album, or by trip."""

    def __init__(
        self,
        model: Model,
        library: Library | None,
        by: str = BY_CLASS,
        query: str = "",
        workers: int = 1,
        layout: Layout | None = None,
    ) -> None:
        """Set up; raises UnknownHead when ``by`` is unknown, and QueryError.

        library: its photos, identified by content, need no new prediction, and people's decisions
        in it apply. query: only matching photos are sorted. layout: whose fields are needed; album
        rules, the gazetteer, trips and clutter are not read for fields it does not have. None for
        all but clutter.
        """
        self._model, self._library, self._by, self._workers = model, library, by, workers
        self._with_album = by == BY_ALBUM or layout is None or layout.uses_album
        self._with_place = layout is None or layout.uses_place
        self._with_trip = by == BY_TRIP or layout is None or layout.uses_trip
        self._with_clutter = layout is not None and layout.uses_clutter
        if by not in (BY_CLASS, BY_GROUP, BY_ALBUM, BY_TRIP, *model.classifier.heads):
            heads = ", ".join(model.classifier.heads)
            raise UnknownHead(
                f"Photos cannot be sorted by {by!r}. Use class, group, album, trip, or a head of "
                f"the model: {heads}."
            )
        self._query = query.strip()
        if self._query:  # report a syntax error before the work begins
            own, trips = ((), ()) if library is None else (own_albums(library), all_trips(library))
            today = datetime.date.today()
            parse_query(
                *(self._query, model.vocabulary, model.albums, today), own_albums=own, trips=trips
            )
        self._gazetteer = Gazetteer.open() if library is None else library.gazetteer
        self._library_ids: set[str] = set()
        self._own_albums = self._albums_of_people()
        has_trips = library is not None and self._with_trip
        self._trip_folders = TripFolders(library) if library is not None and has_trips else None
        if library is not None:
            self._library_ids.update(library.ids_in_order(None, NEWEST_ADDED))
            self._library_ids.update(library.find(trashed=True))

    @property
    def noun(self) -> str:
        """What photos are sorted by: "class", "group", "album", "trip", or "label" of a head."""
        return self._by if self._by in (BY_CLASS, BY_GROUP, BY_ALBUM, BY_TRIP) else "label"

    def classify_all(
        self, items: Sequence[Group | SkippedFile], progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[ScannedPhoto | SkippedFile]:
        """Classify photos in parallel; yields the query's photos and the unreadable files.

        progress: called with the number of items done. An unreadable photo is skipped together
        with its companions.
        """
        matching = self._matching_ids()
        with tempfile.TemporaryDirectory(prefix="scene-sort-") as folder:
            # A query over photos outside the library runs in a temporary library.
            scratch = Library(Path(folder) / "library") if self._query else None
            try:
                yield from self._classify_all(items, progress, matching, scratch)
            finally:
                if scratch is not None:
                    scratch.close()

    def of_stored(
        self, photos: Sequence[tuple[Group, str]]
    ) -> Iterator[ScannedPhoto | SkippedFile]:
        """Yield photos of the library, given with their ids, with their destinations."""
        hashed = [_HashedPhoto(group, (photo_id,), None) for group, photo_id in photos]
        for start in range(0, len(hashed), _BATCH):
            yield from self._from_library(hashed[start : start + _BATCH])

    def _classify_all(
        self,
        items: Sequence[Group | SkippedFile],
        progress: Callable[[int], None],
        matching: frozenset[str] | None,
        scratch: Library | None,
    ) -> Iterator[ScannedPhoto | SkippedFile]:
        in_library: list[_HashedPhoto] = []
        in_scratch: list[_HashedPhoto] = []
        # People decide about the stacks of the library; of others the names do.
        outside: list[ScannedPhoto] = []
        results = in_order(
            iter(items), lambda item: self._classify_file(item, scratch), self._workers
        )
        for done, item in enumerate(results, 1):
            progress(done)
            if isinstance(item, SkippedFile):
                yield item
            elif item.destination is None:
                if matching is None or item.hashes[0] in matching:
                    in_library.append(item)
            elif scratch is None:
                outside.append(ScannedPhoto(item.group, item.hashes, item.destination))
            else:
                in_scratch.append(item)
            if len(in_library) == _BATCH:
                yield from self._from_library(in_library)
                in_library = []
        yield from self._from_library(in_library)
        if scratch is not None:
            matching = self._matching(scratch)
            for item in in_scratch:
                if item.hashes[0] in matching and item.destination is not None:
                    outside.append(ScannedPhoto(item.group, item.hashes, item.destination))
        yield from together(self._apart(self._with_proposed_trips(outside)))

    def _with_proposed_trips(self, photos: Sequence[ScannedPhoto]) -> list[ScannedPhoto]:
        """Return photos that are not in the library with the trips proposed from both."""
        if not (self._with_trip and photos):
            return list(photos)
        destinations = [photo.destination for photo in photos]
        stored = None if self._library is None else stored_moments(self._library)
        folders = propose_folders(destinations, self._gazetteer, stored)
        return [
            replace(photo, destination=self._in_trip(photo.destination, folders[number]))
            if number in folders
            else photo
            for number, photo in enumerate(photos)
        ]

    def _apart(self, photos: Sequence[ScannedPhoto]) -> list[ScannedPhoto]:
        """Label clutter as such, except for failed shots of bursts."""
        return [
            replace(photo, destination=self._labelled(photo.destination, _CLUTTER_RULE))
            for photo in (with_bursts(photos) if self._with_clutter else photos)
        ]

    def _labelled(self, destination: Destination, source: str) -> Destination:
        """Name the kind of clutter as the reason of a photo that is sorted by trip."""
        if not destination.clutter or self._by != BY_TRIP:
            return destination
        return replace(destination, label=destination.clutter, source=source)

    def _in_trip(self, destination: Destination, folder: TripFolder | None) -> Destination:
        if self._by == BY_TRIP:
            label, source = (NO_TRIP, NONE) if folder is None else (folder.title, _TRIPS)
            destination = replace(destination, label=label, source=source)
        if folder is None:
            return destination
        return replace(destination, trip=folder.title, dated_trip=folder.dated, day=folder.day)

    def _matching_ids(self) -> frozenset[str] | None:
        if not self._query or self._library is None:
            return None
        return self._matching(self._library)

    def _albums_of_people(self) -> dict[str, str]:
        """Return the first of the people's albums of each photo, by photo id."""
        if self._library is None or not self._with_album:
            return {}
        reader, today = self._reader(self._library), datetime.date.today()
        first: dict[str, str] = {}
        for album in reader.own_albums():
            try:
                ids = self._library.find(reader.where(album_line(album.name), today))
            except QueryError as error:  # of a search that an album follows
                logger.warning("the album “%s” is left out: %s", album.name, error.message)
                continue
            for photo_id in ids:
                first.setdefault(photo_id, album.name)
        return first

    def _reader(self, library: Library) -> QueryReader:
        model = LibraryModel(library, CurrentModel(self._model))
        return QueryReader(library, model, albums_of=self._library)

    def _matching(self, library: Library) -> frozenset[str]:
        reader = self._reader(library)
        return frozenset(library.find(reader.where(self._query, datetime.date.today())))

    def _classify_file(
        self, item: Group | SkippedFile, scratch: Library | None
    ) -> _HashedPhoto | SkippedFile:
        if isinstance(item, SkippedFile):
            return item
        path = Path(item.photo.path)
        try:
            content = read_content(path, self._model.classifier.limits)
            hashes = (content_id(content), *(_hash(file.path) for file in item.companions))
            if hashes[0] in self._library_ids:
                return _HashedPhoto(item, hashes, None)
            prediction = self._model.classifier.predict(content)
            name = path.name.encode("utf-8", "replace").decode("utf-8")
            now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
            if scratch is not None:
                by = self._model.classifier.provenance
                photo = NewPhoto(content, name, now, sidecar_rating(path))
                writers = (write_hash_neighbours, write_place(self._gazetteer))
                scratch.add(photo, prediction, by, path, writers)
            duration_s = prediction.photo.duration_s
            date = date_of_photo(prediction.metadata, name, now, duration_s=duration_s)
            taken_at = None if date is None else date.taken_at
            destination = self._predicted_destination(prediction, taken_at)
            if self._with_clutter and (kind := clutter_of_prediction(path, prediction)):
                destination = replace(destination, clutter=str(kind))
            return _HashedPhoto(item, hashes, destination)
        except SceneError as error:
            return SkippedFile(item.photo.path, error)
        except Exception as error:  # one bad item never fails the others
            internal = InternalError(f"Unforeseen: {type(error).__name__}: {error}")
            return SkippedFile(item.photo.path, internal)

    def _from_library(self, items: list[_HashedPhoto]) -> Iterator[ScannedPhoto | SkippedFile]:
        if not items or self._library is None:
            return
        ids = list(dict.fromkeys(item.hashes[0] for item in items))
        stacks = stacks_of(self._library, ids)
        ids_and_picks = dict.fromkeys([*ids, *(stack.pick for stack in stacks.values())])
        records = {record.id: record for record in self._library.records(ids_and_picks)}
        trips = {} if self._trip_folders is None else self._trip_folders.of_photos(ids_and_picks)
        clutter = clutter_of(self._library, ids_and_picks) if self._with_clutter else {}
        for item in items:
            record = records.get(item.hashes[0])
            try:
                if record is None:
                    raise UnreadableFile("It was removed from the library meanwhile. Sort again.")
                # A stack goes whole to where its pick goes.
                pick = records.get(stacks[record.id].pick) if record.id in stacks else None
                shown = pick or record
                stored = self._stored_destination(shown)
                destination = self._in_trip(stored, trips.get(shown.id))
                if (of_shown := clutter.get(shown.id)) is not None:
                    source = HUMAN if of_shown.is_by_person else _CLUTTER_RULE
                    destination = replace(destination, clutter=str(of_shown.kind))
                    destination = self._labelled(destination, source)
                yield ScannedPhoto(item.group, item.hashes, destination)
            except SceneError as error:
                yield SkippedFile(item.group.photo.path, error)

    def _predicted_destination(self, prediction: Prediction, taken_at: str | None) -> Destination:
        predictions, metadata = prediction.head_predictions, prediction.metadata
        album = self._album(PhotoFacts(tag_facts(predictions), metadata))
        group = group_of_prediction(predictions, self._model.vocabulary)
        if self._by == BY_ALBUM:
            label, source = album, _ALBUM_RULES
        elif self._by == BY_TRIP:
            label, source = NO_TRIP, NONE
        elif self._by == BY_GROUP:
            label, source = group, NONE if group == UNSURE_CLASS else _MODEL
        elif self._by == BY_CLASS:
            label, source = predictions.photo_class.label, predictions.photo_class.source
        else:
            by_head = predictions.by_head[self._by]
            label, source = (UNSURE_CLASS, NONE) if by_head.unsure else (by_head.label, self._by)
        position = None
        if metadata.latitude is not None and metadata.longitude is not None:
            position = metadata.latitude, metadata.longitude
        city, country = self._place_of(position, metadata.altitude_m)
        return Destination(
            *(label, source, album, taken_at, metadata.camera, group, city, country),
            position=position,
        )

    def _place_of(
        self, position: tuple[float, float] | None, altitude_m: float | None
    ) -> tuple[str, str]:
        """Return the settlement and the country of a position; empty without one."""
        if position is None or not self._with_place:
            return "", ""
        (place,) = self._gazetteer.places_at([position[0]], [position[1]], [altitude_m])
        return place.name, self._gazetteer.country_name(place.country) if place.country else ""

    def _stored_destination(self, record: PhotoRecord) -> Destination:
        own_album = self._own_albums.get(record.id)
        album = self._album(photo_facts(record)) if own_album is None else own_album
        group = group_of(record, self._model.vocabulary)
        if self._by == BY_ALBUM:
            label, source = album, _ALBUM_RULES if own_album is None else HUMAN
        elif self._by == BY_GROUP:
            label, source = group, self._group_source(record, group)
        elif self._by in (BY_CLASS, BY_TRIP):
            label, source = record.photo_class, record.class_source
        else:
            label, source = self._by_head(record)
        city, country = "", ""
        if record.place is not None:
            city, country = record.place.name, record.place.country_name or ""
        taken_at, camera = record.taken_at, record.camera
        return Destination(label, source, album, taken_at, camera, group, city, country)

    def _group_source(self, record: PhotoRecord, group: str) -> str:
        if group == UNSURE_CLASS:
            return NONE
        by_person = record.class_source == HUMAN
        by_person = by_person and self._model.vocabulary.group_of(record.photo_class) == group
        return HUMAN if by_person else _MODEL

    def _by_head(self, record: PhotoRecord) -> tuple[str, str]:
        """Return label and source by a head; a person's class where the head has that label."""
        head = self._model.classifier.heads[self._by]
        if record.class_source == HUMAN and record.photo_class in head.labels.ids:
            return record.photo_class, HUMAN
        if record.class_head == head.id and record.bundle == self._model.classifier.bundle_id:
            label, unsure = record.class_head_label, record.unsure
        else:
            assert self._library is not None  # noqa: S101 - it gave the record
            stored = predict_stored(self._library, self._model.classifier, record.id)
            head_prediction = stored.head_predictions.by_head[head.id]
            label, unsure = head_prediction.label, head_prediction.unsure
        return (UNSURE_CLASS, NONE) if unsure else (label, head.id)

    def _album(self, facts: PhotoFacts) -> str:
        if not self._with_album:
            return ""
        placements = albums_of(facts, self._model.albums)
        return placements[0].album if placements else UNSURE_CLASS


def _hash(path: str) -> str:
    try:
        return file_content_hash(Path(path))
    except OSError as error:
        raise UnreadableFile(
            f"Its companion {Path(path).name} cannot be read: {error.strerror or error}."
        ) from error
