"""A prediction as plain values: the fields of ``classify --jsonl`` and of a batch, in order."""

from typing import Any

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.classifier.labels import PLACES
from scene_model.classifier.tagging import Tag
from scene_model.errors import SceneError

RECORD_FIELDS = tuple(
    (
        "file label confidence unsure probabilities class class_source group tags places objects "
        "taken_at bundle error"
    ).split()
)


def prediction_record(
    file: str, classifier: Classifier, head_id: str, prediction: Prediction
) -> dict[str, Any]:
    """Return the record of a photo; `label` and what belongs to it are those of one head."""
    predictions = prediction.head_predictions
    head_prediction = predictions.by_head[head_id]
    group = predictions.group
    return {
        "file": file,
        "label": head_prediction.label,
        "confidence": head_prediction.confidence,
        "unsure": head_prediction.unsure,
        "probabilities": dict(
            zip(
                classifier.head(head_id).labels.ids,
                (float(p) for p in head_prediction.probabilities),
                strict=True,
            )
        ),
        "class": predictions.photo_class.label,
        "class_source": predictions.photo_class.source,
        "group": group and group.believed_label,
        "tags": _tag_list(predictions.tags),
        "places": _place_list(predictions.places, classifier),
        "objects": _tag_list(predictions.objects),
        "taken_at": prediction.metadata.taken_at,
        "bundle": classifier.bundle_id,
        "error": None,
    }


def error_record(file: str, classifier: Classifier, error: SceneError) -> dict[str, Any]:
    """Return the record of a photo that failed: only `file`, `bundle` and `error` have values."""
    return dict.fromkeys(RECORD_FIELDS) | {
        "file": file,
        "bundle": classifier.bundle_id,
        "error": {"code": error.code, "message": error.message},
    }


def _tag_list(tags: list[Tag]) -> list[dict[str, Any]]:
    return [{"label": tag.label, "score": tag.score} for tag in tags]


def _place_list(places: list[Tag], classifier: Classifier) -> list[dict[str, Any]]:
    """Name places as their data set does: `apartment_building/outdoor`."""
    if not places:
        return []
    labels = classifier.heads[PLACES].labels
    return [
        {"label": labels[labels.index(place.label)].source_name, "score": place.score}
        for place in places
    ]
