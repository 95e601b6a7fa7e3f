"""Precision of albums: by hand on made-up answers, and on the shipped bundle with its labels."""

import json

import numpy as np
import pytest

from scene_model.classifier.album_rules import Album, AlbumRules, Rule, read_album_rules
from scene_model.classifier.albums import PhotoFacts, SeenTag, albums_of
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
    photos = [PhotoFacts((SeenTag("dog", "camera", score),)) for score in dog_scores]
    return [frozenset(p.album for p in albums_of(photo, RULES)) for photo in photos]


def test_precision_and_recall_by_hand() -> None:
    yes, no = Verdict(frozenset({"pets"}), frozenset()), Verdict(frozenset(), frozenset())
    open_ = Verdict(frozenset(), frozenset({"pets"}))
    assigned = put_in(0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1)
    verdicts = [yes, yes, yes, no, open_, yes, open_]
    scores = score_albums(RULES, assigned, verdicts, {"others": "It is what is left."})
    # Five are put in, one of them is left open; three of the other four are right; four belong.
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
    assert scores["others"] == dict.fromkeys(FIGURES) | {"why": "It is what is left."}
    assert list(scores) == ["pets", "friends", "others"]


def test_an_album_that_nobody_is_put_in_has_no_precision() -> None:
    scores = score_albums(RULES, put_in(0.1), [Verdict(frozenset(), frozenset())], {})
    assert (scores["pets"]["photos"], scores["pets"]["precision"]) == (0, None)
    assert scores["pets"]["interval"] is None and scores["pets"]["recall"] is None


def test_truth_knows_every_label_of_its_sources_and_no_other() -> None:
    for source, file in (("camera36", "camera.toml"), ("camsdd", "camsdd.toml")):
        labels = read_label_set(TRAINING_DIR / "label_sets" / file).labels
        said = {label for of, label in TRUTH.labels if of == source}
        assert said == {label.source_name for label in labels}


def test_truth_names_albums_that_there_are_and_leaves_none_unexplained() -> None:
    rules = read_album_rules(None, HEADS.values())
    named = {a for v in TRUTH.labels.values() for a in v.right | v.unknown}
    silent = set(TRUTH.not_judged) | {album.id for album in rules.albums if album.unknowable}
    assert named | silent == {album.id for album in rules.albums}
    assert not named & silent
    assert not any(v.right & v.unknown for v in TRUTH.labels.values())


def test_further_labels_count() -> None:
    verdict = TRUTH.verdict(example("camera36", "Portrait", "Child", "Sports"))
    assert verdict.right == {"family", "hobbies"}
    assert verdict.unknown == {"events"}


def test_a_label_that_the_truth_does_not_know_is_told() -> None:
    with pytest.raises(ValueError, match="says nothing of 'Robot' of camera36"):
        TRUTH.verdict(example("camera36", "Robot"))


def test_measured_as_served_on_embeddings() -> None:
    """Embeddings along a label's own weights are answered with that label, and surely."""
    kernel, labels = HEADS["camera"].weights.kernel, HEADS["camera"].labels
    directions = [kernel[:, labels.index(label)] for label in ("dog", "cake", "cake")]
    embeddings = np.stack([60 * direction / (direction @ direction) for direction in directions])
    examples = [
        example("camera36", "Dog"),
        example("camera36", "Cat"),
        example("scenes6", "sea"),  # a source that says nothing of albums
    ]
    scores = measure_albums(BUNDLE, embeddings.astype(np.float32), examples)
    assert (scores["food"]["photos"], scores["food"]["right"]) == (1, 0)
    assert (scores["pets"]["photos"], scores["pets"]["right"]) == (1, 1)
    assert (scores["pets"]["belong"], scores["pets"]["recall"]) == (2, 50.0)
    assert scores["friends"]["precision"] is None and "be seen" in scores["friends"]["why"]
    assert scores["selfies"]["photos"] is None and scores["others"]["photos"] is None
    assert json.loads(json.dumps(scores)) == scores


def test_other_rules_can_be_measured() -> None:
    scores = measure_albums(BUNDLE, np.zeros((0, 1280), np.float32), [], RULES)
    assert list(scores) == ["pets", "friends", "others"]
