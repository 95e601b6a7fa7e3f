"""The tags of every photo, in memory, so that any selection of photos can be counted by tag."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Engine, Select, and_, func, select, union

from scene_model.library.database.schema import (
    automatic_tags,
    effective_tags,
    photos,
    tag_decisions,
)
from scene_model.library.in_memory.changes import (
    Kept,
    Numbers,
    is_listed,
    listed,
    parsed_numbers,
)
from scene_model.library.shown_tags import is_shown, is_shown_by_photo


@dataclass(frozen=True)
class ShownLabels:
    """labels: each that photos show. photos, codes: each pair of a photo and the index of a label.

    Those of photos in the trash are among them.
    """

    labels: list[str]
    photos: Numbers
    codes: Numbers

    def counts(self, numbers: Numbers) -> dict[str, int]:
        """Count the photos with these numbers by label, the most frequent label first."""
        size = 1 + int(max(self.photos.max(initial=0), numbers.max(initial=0)))
        codes = self.codes[is_listed(numbers, size)[self.photos]]
        counts = np.bincount(codes, minlength=len(self.labels)).tolist()
        pairs = [pair for pair in zip(self.labels, counts, strict=True) if pair[1]]
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def kept_shown_labels(reader: Engine, version: Callable[[], int]) -> Kept[ShownLabels]:
    """Return the shown labels of all photos; reader, version: as for `Kept`."""
    label, photo = effective_tags.c.label, effective_tags.c.photo

    def read(connection: Connection) -> ShownLabels:
        pairs = select(label, photo).where(is_shown()).distinct().order_by(label, photo).subquery()
        grouped = select(pairs.c.label, func.group_concat(pairs.c.photo)).group_by(pairs.c.label)
        labels: list[str] = []
        numbers: list[Numbers] = []
        for row in connection.execute(grouped):
            labels.append(row[0])
            numbers.append(parsed_numbers(row[1]))
        counts = [len(each) for each in numbers]
        codes = np.repeat(np.arange(len(labels), dtype=np.int32), counts)
        return ShownLabels(labels, np.concatenate([np.empty(0, np.int32), *numbers]), codes)

    def update(connection: Connection, data: ShownLabels, changed: Numbers) -> ShownLabels:
        size = 1 + int(max(data.photos.max(initial=0), changed.max()))
        stays = ~is_listed(changed, size)[data.photos]
        codes = {text: code for code, text in enumerate(data.labels)}
        new_photos: list[int] = []
        new_codes: list[int] = []
        for row in connection.execute(_labels_of(changed)):
            new_codes.append(codes.setdefault(row.label, len(codes)))
            new_photos.append(row.photo)
        return ShownLabels(
            list(codes),
            np.append(data.photos[stays], np.array(new_photos, np.int32)),
            np.append(data.codes[stays], np.array(new_codes, np.int32)),
        )

    return Kept(reader, version, read, update)


def _labels_of(numbers: Numbers) -> Select[tuple[str, int]]:
    """Select the labels that photos show. The effective tags have no index by photo."""
    label, photo = effective_tags.c.label, effective_tags.c.photo
    possible = union(
        *(
            select(tags.c.label, photos.c.number)
            .join(photos, photos.c.id == tags.c.photo_id)
            .where(photos.c.number.in_(listed(numbers)))
            for tags in (automatic_tags, tag_decisions)
        )
    ).subquery()
    is_possible = and_(label == possible.c.label, photo == possible.c.number)
    return select(label, photo).join(possible, is_possible).where(is_shown_by_photo()).distinct()
