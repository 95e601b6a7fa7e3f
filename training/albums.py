"""Precision and recall of the album rules on labelled photos outside the training set."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene_model.classifier.albums.album_rules import Album, AlbumRules, read_album_rules
from scene_model.classifier.albums.matching import PhotoFacts, albums_of, tag_facts
from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import percent, wilson_interval
from scene_model.photos.decode import PhotoLimits
from training.recipe import TRAINING_DIR

TRUTH_FILE = TRAINING_DIR / "label_sets" / "albums_truth.toml"


@dataclass(frozen=True)
class Verdict:
    """Albums of one photo according to its labels.

    right: albums that the photo belongs in. unknown: albums that the labels do not decide.
    """

    right: frozenset[str]
    unknown: frozenset[str]


@dataclass(frozen=True)
class AlbumTruth:
    """The right and the undecided albums of every label of every source.

    labels: (source, label) → verdict. not_judged: album → why no label decides about it.
    """

    labels: dict[tuple[str, str], Verdict]
    not_judged: dict[str, str]

    @property
    def sources(self) -> frozenset[str]:
        """The sources that the truth file covers."""
        return frozenset(source for source, _ in self.labels)

    def verdict(self, example: Example) -> Verdict:
        """Combine the verdicts of a photo's labels; raises ValueError for a label not in the file.

        An album that is right for at least one label is right, even if other labels leave it
        undecided.
        """
        names = (example.label, *example.also)
        missing = [name for name in names if (example.source, name) not in self.labels]
        if missing:
            raise ValueError(
                f"{TRUTH_FILE.name} has no entry for {missing[0]!r} of {example.source}. Add it."
            )
        verdicts = [self.labels[example.source, name] for name in names]
        right = frozenset().union(*(verdict.right for verdict in verdicts))
        return Verdict(right, frozenset().union(*(v.unknown for v in verdicts)) - right)


def read_album_truth(file: Path = TRUTH_FILE) -> AlbumTruth:
    """Read the albums of each label (``label_sets/albums_truth.toml``)."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    not_judged = document.pop("not_judged")
    labels = {
        (source, label): Verdict(frozenset(row.get("right", ())), frozenset(row.get("unknown", ())))
        for source, rows in document.items()
        for label, row in rows.items()
    }
    return AlbumTruth(labels, not_judged)


def measure_albums(
    bundle: Bundle,
    embeddings: FloatArray,
    examples: Sequence[Example],
    rules: AlbumRules | None = None,
) -> dict[str, Any]:
    """Precision and recall of each album on labelled photos, tagged as when served.

    embeddings: shape (N, embedding_size), float32, of the N examples. Photos of sources that
    are not in the truth file are ignored. rules: None means the shipped ones.
    Returns the dict of `score_albums`.
    """
    classifier = Classifier(bundle, PhotoLimits(), interpreters=1)
    rules = rules or read_album_rules(None, classifier.heads.values())
    truth = read_album_truth()
    assigned, verdicts = [], []
    for embedding, example in zip(embeddings, examples, strict=True):
        if example.source in truth.sources:
            facts = PhotoFacts(tag_facts(classifier.predict_embedding(embedding)))
            assigned.append(frozenset(match.album for match in albums_of(facts, rules)))
            verdicts.append(truth.verdict(example))
    return score_albums(rules, assigned, verdicts, truth.not_judged)


def score_albums(
    rules: AlbumRules,
    assigned: Sequence[frozenset[str]],
    verdicts: Sequence[Verdict],
    not_judged: dict[str, str],
) -> dict[str, Any]:
    """Compare the assigned albums of N photos with their true albums.

    Returns for each album, in the order of the rules, a JSON-compatible dict: ``photos`` (assigned
    and decided by their labels), ``right`` of them, ``precision`` in percent with its 95 %
    ``interval``, ``belong`` (photos that should be assigned), ``recall`` in percent, ``left_open``
    (assigned photos whose labels do not decide). An album that cannot be judged has None for each
    figure, and the reason in ``why``.
    """
    return {
        album.id: _unjudged(reason)
        if (reason := _why_not(album, not_judged))
        else _score(album.id, assigned, verdicts)
        for album in rules.albums
    }


def _why_not(album: Album, not_judged: dict[str, str]) -> str | None:
    return album.unknowable or not_judged.get(album.id)


def _score(
    album: str, assigned: Sequence[frozenset[str]], verdicts: Sequence[Verdict]
) -> dict[str, Any]:
    assigned_verdicts = [
        verdict for albums, verdict in zip(assigned, verdicts, strict=True) if album in albums
    ]
    right = sum(album in verdict.right for verdict in assigned_verdicts)
    left_open = sum(album in verdict.unknown for verdict in assigned_verdicts)
    photos = len(assigned_verdicts) - left_open
    belong = sum(album in verdict.right for verdict in verdicts)
    return {
        "photos": photos,
        "right": right,
        "precision": percent(right / photos) if photos else None,
        "interval": wilson_interval(right, photos) if photos else None,
        "belong": belong,
        "recall": percent(right / belong) if belong else None,
        "left_open": left_open,
        "why": None,
    }


def _unjudged(why: str) -> dict[str, Any]:
    figures = ("photos", "right", "precision", "interval", "belong", "recall", "left_open")
    return {**dict.fromkeys(figures), "why": why}
