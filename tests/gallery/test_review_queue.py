"""What is least certain comes first, and what a person decided never."""

from collections.abc import Callable
from pathlib import Path

from scene_model.gallery.review_queue import UNSURE, preview_threshold, review_queue
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


def test_decided_photos_leave_the_queue(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]], temple: bytes
) -> None:
    ids = add_photos([*made_photos, ("temple.jpg", temple)])
    queue = review_queue(services.library, services.classifier)
    assert queue
    assert ids[-1] not in {item.photo_id for item in queue}, "the camera head is sure of a landmark"
    reasons = [item.reason for item in queue]
    assert reasons == sorted(reasons, key=lambda r: r != UNSURE)
    assert all(len(item.choices) == len(set(item.choices)) == 5 for item in queue)
    services.gallery().set_class([queue[0].photo_id], "sea")
    left = review_queue(services.library, services.classifier)
    assert [item.photo_id for item in left] == [item.photo_id for item in queue[1:]]
    assert len(review_queue(services.library, services.classifier, most=2)) == 2


def test_a_threshold_moves_photos_only_one_way(
    services: Services, add_photos: Add, shared_photos: Path
) -> None:
    files = sorted((shared_photos / "scenes").iterdir())[:8]
    ids = add_photos([(path.name, path.read_bytes()) for path in files])
    library, classifier = services.library, services.classifier
    sure = {photo.id for photo in library.records(ids) if not photo.unsure}
    assert sure
    now = classifier.heads["scenes"].confidence_threshold
    same = preview_threshold(library, classifier, now)
    assert (same.enters, same.leaves, same.filed_now) == ([], [], same.filed_then)
    strict = preview_threshold(library, classifier, 1.01)
    assert set(strict.leaves) == sure
    assert (strict.filed_now, strict.filed_then, strict.enters) == (len(sure), 0, [])
    assert {p.id for p in library.records(ids) if not p.unsure} == sure, "nothing was changed"
