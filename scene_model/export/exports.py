"""Exports of a library: tables, JSON and ZIPs, with the objects predicted for each photo."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from scene_model.classifier.classify import Classifier
from scene_model.classifier.labels import OBJECTS
from scene_model.classifier.model import CurrentModel
from scene_model.classifier.tagging import Tag
from scene_model.errors import SceneError
from scene_model.export.archive import ArchiveEntry, stream_zip
from scene_model.export.folders import FolderKind, FolderRule
from scene_model.export.picks import with_picks
from scene_model.export.sorting.layout import UNDATED
from scene_model.export.sorting.trip_folders import TripFolders
from scene_model.export.table import (
    json_record,
    people_row,
    table_row,
    without_place,
    write_csv,
    write_json,
    write_jsonl,
    write_people_csv,
)
from scene_model.library.groups import group_of
from scene_model.library.photo_query import IdsInOrder, in_batches
from scene_model.library.predictions import objects_of_stored, predict_stored
from scene_model.library.records import PhotoRecord
from scene_model.library.stacks.stack_rows import stacks_of
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import all_trips, trips_of_photos
from scene_model.trips.titles import titles_without_places

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exports:
    """Exports of one library; each is yielded in chunks, so memory does not grow with its size.

    model: predicts the objects of photos that were tagged before objects were stored.
    """

    library: Library
    model: CurrentModel

    def csv_lines(
        self, photo_ids: Iterable[str], with_bom: bool = False, with_place: bool = True
    ) -> Iterator[str]:
        """Yield photos as CSV, in the order given; with_place: include coordinates and places."""
        rows = (table_row(*item) for item in self._items(photo_ids, with_place))
        return write_csv(rows, with_bom)

    def people_lines(
        self, photo_ids: Iterable[str], language: str = "en", with_bom: bool = False
    ) -> Iterator[str]:
        """Yield photos as a CSV for people, in the order given; without coordinates.

        language: code of the language of the labels; English where there is no translation.
        """
        vocabulary = self.model.vocabulary
        name_of = partial(vocabulary.display_name, language=language)
        rows = (
            people_row(photo, group_of(photo, vocabulary), name_of)
            for batch in in_batches(photo_ids)
            for photo in self.library.records(batch)
        )
        return write_people_csv(rows, with_bom)

    def json_lines(
        self, photo_ids: Iterable[str], with_place: bool = True, is_one_list: bool = True
    ) -> Iterator[str]:
        """Yield photos as JSON, in the order given: one list, or else one object per line."""
        write = write_json if is_one_list else write_jsonl
        return write(self._json_records(photo_ids, with_place))

    def zip_by_class(self, photo_ids: Sequence[str] | IdsInOrder) -> Iterator[bytes]:
        """Yield a ZIP of photos, one folder per class, with the CSV inside."""
        return self.zip_by(photo_ids, FolderRule())

    def zip_by(
        self,
        photo_ids: Sequence[str] | IdsInOrder,
        rule: FolderRule,
        with_place: bool = True,
        on_unfetched: Callable[[str, SceneError], None] = lambda _id, _error: None,
    ) -> Iterator[bytes]:
        """Yield a ZIP of photos, in folders by a rule, with the CSV inside.

        A stack goes whole into the folder of its pick, except with one folder per tag.
        with_place: False leaves coordinates and places out of the CSV, packs copies without the
        place, and names trips by their dates unless a person titled them; photos from which the
        place cannot be removed are left out and listed in the ZIP. on_unfetched: called with the
        photos at URLs that cannot be fetched, which are listed in the ZIP, too.
        """
        trips, days = self._trips_of(photo_ids, rule, with_place) if rule.is_by_trip else ({}, {})
        entries = (
            ArchiveEntry(
                folder=folder,
                name=photo.name,
                path=self.library.original_location(photo),
                added_at=photo.added_at,
                with_place=with_place,
                taken_at=photo.taken_at,
                subfolder=days.get(pick.id, ""),
                fetch=self._fetch(photo, on_unfetched),
            )
            for photo, pick in with_picks(self.library, photo_ids)
            for folder in rule.folders(
                photo if rule.kind is FolderKind.TAG else pick, self.model.vocabulary, trips
            )
        )
        return stream_zip(entries, self.csv_lines(photo_ids, with_place=with_place))

    def _fetch(
        self, photo: PhotoRecord, on_unfetched: Callable[[str, SceneError], None]
    ) -> Callable[[], None] | None:
        """Return what fetches the original of a photo; None where it is on this computer."""
        if photo.remote_url is None:
            return None

        def fetch() -> None:
            try:
                self.library.fetch_original(photo.id)
            except SceneError as error:
                on_unfetched(photo.id, error)
                raise

        return fetch

    def trip_folder_names(self, rule: FolderRule, with_place: bool) -> dict[str, str]:
        """Return the folders of trips whose folder is not called as the trip, by their titles."""
        if rule.kind is FolderKind.DAY:
            return TripFolders(self.library, with_place).dated_titles()
        return {} if with_place else titles_without_places(all_trips(self.library))

    def _trips_of(
        self, photo_ids: Iterable[str], rule: FolderRule, with_place: bool
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the folders of photos and of the picks of their stacks, and those within them."""
        names = self.trip_folder_names(rule, with_place)
        folders = TripFolders(self.library, with_place)
        by_photo: dict[str, str] = {}
        days: dict[str, str] = {}
        for batch in in_batches(photo_ids):
            picks = [stack.pick for stack in stacks_of(self.library, batch).values()]
            for photo_id, trip in trips_of_photos(self.library, [*batch, *picks]).items():
                by_photo[photo_id] = names.get(trip.title, trip.title)
                if rule.kind is FolderKind.DAY:
                    days[photo_id] = folders.day(trip) or UNDATED
        return by_photo, days

    def folder_rule(self, text: str) -> FolderRule:
        """Parse a folder rule; raises UsageError."""
        return FolderRule.read(text, self._classifier.heads)

    @property
    def _classifier(self) -> Classifier:
        return self.model.classifier

    def _items(
        self, photo_ids: Iterable[str], with_place: bool
    ) -> Iterator[tuple[PhotoRecord, list[Tag], str]]:
        """Yield photos with their objects and groups."""
        for batch in in_batches(photo_ids):
            stored_objects = objects_of_stored(self.library, self._classifier, batch)
            for photo in self.library.records(batch):
                objects = stored_objects.get(photo.id)
                if objects is None:
                    objects = self._predicted_objects(photo.id)
                group = group_of(photo, self.model.vocabulary)
                yield photo if with_place else without_place(photo), objects, group

    def _json_records(self, photo_ids: Iterable[str], with_place: bool) -> Iterator[dict[str, Any]]:
        for batch in in_batches(photo_ids):
            stacks = stacks_of(self.library, batch)
            for photo, objects, group in self._items(batch, with_place):
                yield json_record(photo, objects, group, stacks.get(photo.id))

    def _predicted_objects(self, photo_id: str) -> list[Tag]:
        """Predict the objects of a photo; empty when no model or no original is available."""
        if OBJECTS not in self._classifier.heads:
            return []
        try:
            return predict_stored(self.library, self._classifier, photo_id).head_predictions.objects
        except SceneError as error:
            # An empty cell is better than a table that ends in the middle.
            logger.warning("no objects for %s: %s", photo_id[:12], error.message)
            return []
