"""What kind of clutter photos are: stored ones, and those that are in no library."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from scene_model.classifier.albums.matching import tag_facts
from scene_model.classifier.classify import Prediction
from scene_model.library.clutter.clutter_rule import LABELS, ClutterSigns, guess_clutter
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.database.schema import photos
from scene_model.library.store import Library


@dataclass(frozen=True)
class EffectiveClutter:
    """The kind of clutter that a photo is or may be, and whether a person said so."""

    kind: ClutterKind
    is_by_person: bool


def clutter_of(library: Library, photo_ids: Iterable[str]) -> dict[str, EffectiveClutter]:
    """Return the clutter among photos; photos that are none are left out."""
    given = func.json_each(json.dumps(list(photo_ids))).table_valued("value")
    query = select(photos.c.id, photos.c.clutter, photos.c.human_clutter).where(
        photos.c.id.in_(select(given.c.value)), photos.c.clutter.is_not(None)
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    return {
        row.id: EffectiveClutter(ClutterKind(row.clutter), row.human_clutter is not None)
        for row in rows
    }


def clutter_of_prediction(path: Path, prediction: Prediction) -> ClutterKind | None:
    """Return the kind of clutter that a file probably is, as the library would judge it."""
    photo, metadata = prediction.photo, prediction.metadata
    group, quality = prediction.head_predictions.group, photo.quality
    exposure = (metadata.exposure_s, metadata.f_number, metadata.iso)
    signs = ClutterSigns(
        name=path.name,
        folder=str(path.parent),
        format=photo.format,
        width=photo.width,
        height=photo.height,
        camera=metadata.camera,
        has_exposure=any(value is not None for value in exposure),
        exposure_s=metadata.exposure_s,
        group=None if group is None else group.believed_label,
        tags={
            (fact.head, fact.label): fact.score
            for fact in tag_facts(prediction.head_predictions)
            if fact.label in LABELS and fact.score is not None
        },
        sharpness=None if quality is None else quality.sharpness,
        brightness=None if quality is None else quality.brightness,
        white_level=None if quality is None else quality.white_level,
        tonal_range=None if quality is None else quality.tonal_range,
    )
    guess = guess_clutter(signs)
    return None if guess is None else guess.kind
