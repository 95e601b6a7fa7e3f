"""The retag preview counts what retagging then changes."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from scene_model.classifier.classify import Classifier
from scene_model.learning.retag import retag
from scene_model.learning.retag_preview import RetagPreview, retag_preview
from scene_model.library import edits
from scene_model.library.database.schema import photos
from scene_model.library.embeddings.embedding_files import file_name, packed
from scene_model.library.predictions import predict_stored
from scene_model.library.store import Library
from scene_model.photos.decode import PhotoLimits
from scene_model.services import Services
from tests.bundles import other_network, own_head
from tests.library.libraries import add_rows
from tests.library.statements import statements

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def own(tmp_path: Path) -> Classifier:
    return Classifier.open(own_head(tmp_path / "own"), PhotoLimits(), interpreters=1)


@pytest.fixture
def ids(
    services: Services,
    add_photos: Add,
    temple: bytes,
    flower: bytes,
    made_photos: list[tuple[str, bytes]],
) -> Iterator[list[str]]:
    yield add_photos([("temple.jpg", temple), ("dahlia.jpg", flower), *made_photos[:4]])


def classes_and_tags(library: Library) -> dict[str, tuple[str, frozenset[str]]]:
    return {
        photo.id: (photo.photo_class, frozenset(tag.label for tag in photo.tags))
        for photo in library.records(library.find())
    }


def test_the_preview_counts_the_changes(
    services: Services, own: Classifier, ids: list[str]
) -> None:
    library = services.library
    assert retag_preview(library, services.classifier) == RetagPreview(0)
    edits.set_class(library, ids[:1], "holiday")
    edits.add_tag(library, ids[1:2], "zermatt")
    edits.move_to_trash(library, ids[5:])
    preview = retag_preview(library, own)
    assert (preview.total, preview.unknown) == (5, 0)
    before = classes_and_tags(library)
    for photo_id in library.tagged_by_other_bundles(own.bundle_id):
        retag(library, own, photo_id)
    after = classes_and_tags(library)
    assert preview.class_changed == sum(before[i][0] != after[i][0] for i in before) == 4
    assert preview.tags_changed == sum(before[i][1] != after[i][1] for i in before)
    assert preview.changed == sum(before[i] != after[i] for i in before)
    assert retag_preview(library, own) == RetagPreview(0)


def test_decisions_of_people_do_not_change(
    services: Services, own: Classifier, ids: list[str]
) -> None:
    library = services.library
    for photo in library.records(ids):
        prediction = predict_stored(library, own, photo.id).head_predictions
        labels = {tag.label for tag in photo.tags}
        labels |= {tag.label for tags in prediction.stored_tags.values() for tag in tags}
        for label in sorted(labels):
            edits.add_tag(library, [photo.id], label)
    edits.set_class(library, ids, "holiday")
    preview = retag_preview(library, own)
    assert (preview.total, preview.changed) == (6, 0)


def test_photos_without_an_embedding_by_this_network_are_unknown(
    services: Services, tmp_path: Path, ids: list[str], own: Classifier
) -> None:
    other = Classifier.open(other_network(tmp_path / "other"), PhotoLimits(), interpreters=1)
    assert retag_preview(services.library, other) == RetagPreview(total=6, unknown=6)
    connection = sqlite3.connect(services.library.folder / "library.db")
    with connection:
        connection.execute(
            "UPDATE photos SET embedding_file = NULL, embedding_slot = NULL WHERE id = ?",
            (ids[0],),
        )
        connection.execute("UPDATE photos SET embedding_slot = 99 WHERE id = ?", (ids[1],))
    connection.close()
    assert retag_preview(services.library, own).unknown == 2


def test_ten_thousand_photos(tmp_path: Path, own: Classifier) -> None:
    rng = np.random.default_rng(0)
    with Library(tmp_path / "library") as library:
        ids = add_rows(library, 10_000)
        size = own.bundle.backbone.embedding_size
        name = file_name(own.bundle.backbone_id, size)
        values = np.maximum(rng.normal(0, 1, (len(ids), size)), 0)
        slots = b"".join(packed(i, v) for i, v in zip(ids, values, strict=True))
        library.embeddings.write(name, 0, slots)
        with library.database.writer.begin() as connection:
            for slot, photo_id in enumerate(ids):
                connection.execute(
                    update(photos)
                    .where(photos.c.id == photo_id)
                    .values(
                        embedding_file=name, embedding_slot=slot, backbone=own.bundle.backbone_id
                    )
                )
        with statements(library) as executed:
            preview = retag_preview(library, own)
        assert len(executed) < 200, "in batches, not photo by photo"
    assert preview == RetagPreview(10_000, 10_000, 10_000, 10_000)
