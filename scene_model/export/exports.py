"""Photos on their way out of a library: tables, JSON and ZIPs, with the objects seen on each."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scene_model.classifier.classify import OBJECTS, Classifier
from scene_model.classifier.model import CurrentModel
from scene_model.classifier.tagging import Tag
from scene_model.errors import SceneError
from scene_model.export.archive import ArchiveEntry, stream_zip
from scene_model.export.folders import FolderRule
from scene_model.export.table import (
    json_record,
    strip_gps,
    table_row,
    write_csv,
    write_json,
    write_jsonl,
)
from scene_model.library.photo_query import IdsInOrder, in_batches
from scene_model.library.predictions import objects_of_stored, predict_stored
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exports:
    """What leaves a library; each of it is yielded piece by piece, however many photos there are.

    model: tells the objects of photos that were tagged before objects were kept.
    """

    library: Library
    model: CurrentModel

    def csv_lines(
        self, photo_ids: Iterable[str], with_bom: bool = False, with_place: bool = True
    ) -> Iterator[str]:
        """Yield the CSV of some photos, in the order given; with_place: coordinates too."""
        rows = (table_row(*asked) for asked in self._with_objects(photo_ids, with_place))
        return write_csv(rows, with_bom)

    def json_lines(
        self, photo_ids: Iterable[str], with_place: bool = True, is_one_list: bool = True
    ) -> Iterator[str]:
        """Yield JSON of some photos, in the order given: a list, or else one object a line."""
        write = write_json if is_one_list else write_jsonl
        return write(json_record(*asked) for asked in self._with_objects(photo_ids, with_place))

    def zip_by_class(self, photo_ids: Sequence[str] | IdsInOrder) -> Iterator[bytes]:
        """Yield a ZIP of some photos, one folder a class, with the CSV inside."""
        return self.zip_by(photo_ids, FolderRule())

    def zip_by(
        self, photo_ids: Sequence[str] | IdsInOrder, rule: FolderRule, with_place: bool = True
    ) -> Iterator[bytes]:
        """Yield a ZIP of some photos, in folders by a rule, with the CSV inside.

        with_place: False leaves coordinates out of the CSV, and packs copies that do not tell where
        they were taken; what has to be left out for that is named in the ZIP.
        """
        entries = (
            ArchiveEntry(
                folder=folder,
                name=photo.name,
                path=self.library.original_location(photo),
                added_at=photo.added_at,
                keep_place=with_place,
                has_place=photo.latitude is not None,
            )
            for photo in self.library.records(photo_ids)
            for folder in rule.folders(photo)
        )
        return stream_zip(entries, self.csv_lines(photo_ids, with_place=with_place))

    def folder_rule(self, text: str) -> FolderRule:
        """Read what folders an archive is to have; raises UsageError."""
        return FolderRule.read(text, self._classifier.heads)

    @property
    def _classifier(self) -> Classifier:
        return self.model.classifier

    def _with_objects(
        self, photo_ids: Iterable[str], with_place: bool
    ) -> Iterator[tuple[PhotoRecord, list[Tag]]]:
        for batch in in_batches(photo_ids):
            kept = objects_of_stored(self.library, self._classifier, batch)
            for photo in self.library.records(batch):
                found = kept.get(photo.id)
                objects = self._objects(photo.id) if found is None else found
                yield photo if with_place else strip_gps(photo), objects

    def _objects(self, photo_id: str) -> list[Tag]:
        """The objects of a photo for the table; none where nothing can say them any more."""
        if OBJECTS not in self._classifier.heads:
            return []
        try:
            return predict_stored(self.library, self._classifier, photo_id).head_predictions.objects
        except SceneError as error:
            # A table with an empty cell serves; one that breaks off in the middle does not.
            logger.warning("no objects for %s: %s", photo_id[:12], error.message)
            return []
