"""Album precision and recall: computed by hand, and with the shipped bundle."""

import json

import numpy as np
import pytest

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Rule, read_album_rules
from scene_model.classifier.albums.matching import PhotoFacts, TagFact, albums_of
from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import wilson_interval
from scene_model.classifier.heads import heads_of
from scene_model.config import DEFAULT_BUNDLE_DIR
from training.albums import Verdict, measure_albums, read_album_truth, score_albums
from training.recipe import TRAINING_DIR, read_label_set

BUNDLE = open_bundle(DEFAULT_BUNDLE_DIR)
HEADS = heads_of(BUNDLE)
TRUTH = read_album_truth()
RULES = AlbumRules(
    (
        Album(id="pets", name="Pets", rules=(Rule(tags=frozenset({"dog"}), min_score=0.5),)),
        Album(id="friends", name="Friends", unknowable="Nobody can see it."),
        Album(id="others", name="Others", rest=True),
    )
)
FIGURES = ("photos", "right", "precision", "interval", "belong", "recall", "left_open")


def example(source: str, label: str, *also: str) -> Example:
    return Example(f"{source}/{label}/1", source, label, also, "", np.zeros((8, 8, 3), np.uint8))


def put_in(*dog_scores: float) -> list[frozenset[str]]:
    photos = [PhotoFacts((TagFact("dog", "camera", score),)) for score in dog_scores]
    return [frozenset(p.album for p in albums_of(photo, RULES)) for photo in photos]


def test_precision_and_recall_by_hand() -> None:
    yes, no = Verdict(frozenset({"pets"}), frozenset()), Verdict(frozenset(), frozenset())
    open_ = Verdict(frozenset(), frozenset({"pets"}))
    assigned = put_in(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1)
    verdicts = [yes, yes, yes, no, open_, yes, open_]
    scores = score_albums(RULES, assigned, verdicts, {"others": "No rule of its own."})
    # Five are assigned, one of them undecided; three of the remaining four are right; four belong.
    assert scores["pets"] == {
        "photos": 4,
        "right": 3,
        "precision": 75.0,
        "interval": wilson_interval(3, 4),
        "belong": 4,
        "recall": 75.0,
        "left_open": 1,
        "why": None,
    }
    assert scores["friends"] == dict.fromkeys(FIGURES) | {"why": "Nobody can see it."}
    assert scores["others"] == dict.fromkeys(FIGURES) | {"why": "No rule of its own."}
    assert list(scores) == ["pets", "friends", "others"]


def test_an_album_without_photos_has_no_precision() -> None:
    scores = score_albums(RULES, put_in(0.1), [Verdict(frozenset(), frozenset())], {})
    assert (scores["pets"]["photos"], scores["pets"]["precision"]) == (0, None)
    assert scores["pets"]["interval"] is None and scores["pets"]["recall"] is None


def test_truth_covers_exactly_the_labels_of_its_sources() -> None:
    for source, file in (("camera36", "camera.toml"), ("camsdd", "camsdd.toml")):
        labels = read_label_set(TRAINING_DIR / "label_sets" / file).labels
        truth_labels = {label for of, label in TRUTH.labels if of == source}
        assert truth_labels == {label.source_name for label in labels}


def test_truth_names_only_existing_albums_and_explains_the_unjudged() -> None:
    rules = read_album_rules(None, HEADS.values())
    named = {a for v in TRUTH.labels.values() for a in v.right | v.unknown}
    unjudged = set(TRUTH.not_judged) | {album.id for album in rules.albums if album.unknowable}
    assert named | unjudged == {album.id for album in rules.albums}
    assert not named & unjudged
    assert not any(v.right & v.unknown for v in TRUTH.labels.values())


def test_further_labels_are_combined() -> None:
    verdict = TRUTH.verdict(example("camera36", "Portrait", "Child", "Sports"))
    assert verdict.right == {"family", "hobbies"}
    assert verdict.unknown == {"events"}


def test_a_label_missing_from_the_truth_raises() -> None:
    with pytest.raises(ValueError, match="has no entry for 'Robot' of camera36"):
        TRUTH.verdict(example("camera36", "Robot"))


def test_measured_as_served_on_embeddings() -> None:
    """Embeddings along a label's own weights are predicted as that label, with confidence."""
    kernel, labels = HEADS["camera"].weights.kernel, HEADS["camera"].labels
    directions = [kernel[:, labels.index(label)] for label in ("dog", "cake", "cake")]
    embeddings = np.stack([60 * direction / (direction @ direction) for direction in directions])
    examples = [
        example("camera36", "Dog"),
        example("camera36", "Cat"),
        example("scenes6", "sea"),  # a source that the truth file does not cover
    ]
    scores = measure_albums(BUNDLE, embeddings.astype(np.float32), examples)
    assert (scores["food"]["photos"], scores["food"]["right"]) == (1, 0)
    assert (scores["pets"]["photos"], scores["pets"]["right"]) == (1, 1)
    assert (scores["pets"]["belong"], scores["pets"]["recall"]) == (2, 50.0)
    assert scores["friends"]["precision"] is None and "be seen" in scores["friends"]["why"]
    assert scores["selfies"]["photos"] is None and scores["others"]["photos"] is None
    assert json.loads(json.dumps(scores)) == scores


def test_custom_rules_can_be_measured() -> None:
    nothing = np.zeros((0, BUNDLE.description.backbone.embedding_size), np.float32)
    scores = measure_albums(BUNDLE, nothing, [], RULES)
    assert list(scores) == ["pets", "friends", "others"]
