"""Two models on the same photos: what is compared, by what, and what may be said of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle_description import read_description
from scene_model.classifier.classify import Classifier
from scene_model.classifier.fitting.bundle_files import write_description
from scene_model.errors import UnusableFolders
from scene_model.learning.compared_photos import (
    Comparer,
    decided_photos,
    labelled_files,
    photos_per_s,
    undecided_photos,
)
from scene_model.learning.model_comparison import (
    Answer,
    ComparedPhoto,
    FailedPhoto,
    Judge,
    Level,
    ModelComparison,
    Outcome,
)
from scene_model.library import edits
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import Services
from tests.bundles import other_network, own_head
from tests.pictures import encode, textured
from tests.tiny_networks import tagging_bundle

Add = Callable[[list[tuple[str, bytes]]], list[str]]
Open = Callable[[Path], Classifier]

RIGHT, WRONG = Answer("sea", Outcome.RIGHT), Answer("street", Outcome.WRONG)
UNSURE = Answer("unsure", Outcome.UNSURE)


@pytest.fixture
def opened(decoders: Decoders) -> Open:
    return lambda folder: Classifier.open(folder, PhotoLimits(), 1, decoders)


def photo(
    current: Answer, candidate: Answer, level: Level = Level.LABEL, truth: str | None = "sea"
) -> ComparedPhoto:
    return ComparedPhoto("photo.jpg", "id", truth, level, current, candidate)


def test_figures_and_their_intervals() -> None:
    nobody_knows = photo(Answer("a", None), Answer("b", None), Level.NONE, "moon")
    comparison = ModelComparison(
        [
            *[photo(RIGHT, RIGHT)] * 6,
            *[photo(WRONG, RIGHT)] * 2,
            photo(RIGHT, UNSURE, Level.GROUP),
            photo(UNSURE, WRONG),
            nobody_knows,
        ]
    )
    current, candidate = comparison.current, comparison.candidate
    assert (current.right, current.unsure, current.wrong) == (7, 1, 2)
    assert (candidate.right, candidate.unsure, candidate.wrong) == (8, 1, 1)
    assert current.coverage == 0.9
    assert current.accuracy == pytest.approx(7 / 9)
    low, high = current.right_interval
    assert low < 70 < high
    assert (len(comparison.gained), len(comparison.lost)) == (2, 1)
    assert comparison.by_group_count == 1
    assert dict(comparison.incomparable) == {"moon": 1}
    assert len(comparison.changed) == 5


@pytest.mark.parametrize(
    ("gained", "lost", "p_value"),
    # Exact: twice the sum of C(n, k) / 2**n.
    [(0, 0, 1.0), (1, 1, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (8, 2, 0.109375)],
)
def test_what_chance_alone_would_do(gained: int, lost: int, p_value: float) -> None:
    comparison = ModelComparison([photo(WRONG, RIGHT)] * gained + [photo(RIGHT, WRONG)] * lost)
    assert comparison.p_value == pytest.approx(p_value)
    assert comparison.is_clear == (p_value < 0.05)


def test_of_many_photos_too() -> None:
    def p_value(gained: int, lost: int) -> float:
        photos = [photo(WRONG, RIGHT)] * gained + [photo(RIGHT, WRONG)] * lost
        return ModelComparison(photos).p_value

    # The exact and the approximate rule meet.
    assert p_value(530, 470) == pytest.approx(p_value(530, 471), abs=0.01)
    assert p_value(2_000, 1_000) < 1e-6


def test_a_model_never_sure_has_no_accuracy() -> None:
    comparison = ModelComparison([photo(UNSURE, RIGHT)])
    assert comparison.current.accuracy is None
    assert comparison.current.coverage == 0.0
    assert ModelComparison([]).candidate.coverage == 0.0


def test_by_what_a_word_is_compared(classifier: Classifier, opened: Open, tmp_path: Path) -> None:
    same_labels = opened(own_head(tmp_path, labels=("zermatt", "trastevere")))
    judges = Comparer(classifier, same_labels).judges
    assert judges.level_of("sea") is Level.LABEL
    # Only the other one has the label, and it has no group.
    assert judges.level_of("zermatt") is Level.NONE
    foreign = opened(tagging_bundle(tmp_path / "moods"))
    assert Comparer(classifier, foreign).judges.level_of("sea") is Level.NONE
    folder = other_network(tmp_path)
    description = read_description(folder)
    (head,) = description.heads
    in_groups = [
        label.model_copy(update={"group": "water" if label.id == "my_sea" else None})
        for label in head.labels
    ]
    head = head.model_copy(update={"labels": tuple(in_groups)})
    write_description(folder, description.model_copy(update={"heads": (head,)}))
    judges = Comparer(classifier, opened(folder)).judges
    assert judges.level_of("sea") is Level.GROUP
    assert judges.group_of("sea") == "water"
    # The other one has no label of that group, so it cannot be right.
    assert judges.level_of("buildings") is Level.NONE
    assert judges.level_of("my own word") is Level.NONE


def test_names_and_aliases_are_words_of_a_label(classifier: Classifier) -> None:
    judge = Judge(classifier, by_head=True)
    assert judge.has("Text document")
    assert judge.has("glacier")
    assert judge.has("German shepherd")
    assert not Judge(classifier, by_head=False).has("German shepherd")
    assert not judge.has("my_holiday")


def test_decisions_of_people_are_the_truth(
    services: Services, add_photos: Add, opened: Open, tmp_path: Path
) -> None:
    files = [(f"{i}.jpg", encode(textured(160, 120, seed=i))) for i in range(8)]
    ids = add_photos(files)
    edits.set_class(services.library, ids[:3], "zermatt")
    edits.set_class(services.library, ids[3:4], "unsure")
    by_rule = [Action(ActionKind.CLASS, "sea")]
    services.rules.run_all([services.rules.create("Rule", "name:4", by_rule)])
    edits.set_class(services.library, ids[5:6], "sea")
    edits.move_to_trash(services.library, ids[5:6])
    decided = decided_photos(services.library, 100)
    assert {(item.photo_id, item.truth) for item in decided} == {(i, "zermatt") for i in ids[:3]}
    undecided = undecided_photos(services.library, 100)
    assert {item.photo_id for item in undecided} == set(ids[6:])
    assert len(decided_photos(services.library, 2)) == 2
    assert decided_photos(services.library, 2) == decided_photos(services.library, 2)

    # On its own labels the other model is right of every photo; the first has no such label.
    candidate = opened(own_head(tmp_path))
    comparer = Comparer(services.classifier, candidate, services.library)
    result = comparer.compare(decided[0])
    assert isinstance(result, ComparedPhoto)
    assert (result.level, result.candidate.label) == (Level.NONE, "zermatt")
    same = Comparer(candidate, candidate, services.library).compare(decided[0])
    assert isinstance(same, ComparedPhoto)
    assert same.current == same.candidate == Answer("zermatt", Outcome.RIGHT)


@pytest.mark.slow
def test_another_network_reads_the_original(
    services: Services, add_photos: Add, opened: Open, tmp_path: Path
) -> None:
    (photo_id,) = add_photos([("white.jpg", encode(textured(160, 120)))])
    edits.set_class(services.library, [photo_id], "bright")
    (item,) = decided_photos(services.library, 10)
    foreign = opened(tagging_bundle(tmp_path / "moods"))
    result = Comparer(services.classifier, foreign, services.library).compare(item)
    assert isinstance(result, ComparedPhoto)
    assert result.candidate.label in ("bright", "dark")
    services.library.original_path(photo_id).unlink()
    failed = Comparer(services.classifier, foreign, services.library).compare(item)
    assert isinstance(failed, FailedPhoto)
    assert failed.error.code == "original_missing"


def test_a_labelled_folder(
    classifier: Classifier, opened: Open, tmp_path: Path, temple: bytes, flower: bytes
) -> None:
    folder = tmp_path / "photos"
    for name, data in (("Buildings", temple), ("Flower", flower), ("Zermatt", flower)):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.jpg").write_bytes(data)
    (folder / "Flower" / "broken.jpg").write_bytes(b"no picture")
    (folder / "Flower" / "notes.txt").write_text("notes")
    files = labelled_files(folder, 100)
    names = ["Buildings/a.jpg", "Flower/a.jpg", "Flower/broken.jpg", "Zermatt/a.jpg"]
    assert [item.name for item in files] == names
    candidate = opened(own_head(tmp_path))
    results = [Comparer(classifier, candidate, by_head=True).compare(item) for item in files]
    compared = {r.name: r for r in results if isinstance(r, ComparedPhoto)}
    assert [r.name for r in results if isinstance(r, FailedPhoto)] == ["Flower/broken.jpg"]
    # By the head that has the word: the own head's answers do not hide those of the others.
    for name, answer in (
        ("Buildings/a.jpg", Answer("unsure", Outcome.UNSURE)),
        ("Flower/a.jpg", Answer("flower", Outcome.RIGHT)),
    ):
        assert compared[name].level is Level.LABEL
        assert compared[name].candidate == compared[name].current == answer
    assert compared["Zermatt/a.jpg"].level is Level.NONE


def test_folders_that_say_nothing(
    classifier: Classifier, opened: Open, tmp_path: Path, temple: bytes
) -> None:
    with pytest.raises(UnusableFolders, match="no folder"):
        labelled_files(tmp_path / "nowhere", 10)
    with pytest.raises(UnusableFolders, match="no folders with pictures"):
        labelled_files(tmp_path, 10)
    (tmp_path / "photos" / "Nonsense words").mkdir(parents=True)
    (tmp_path / "photos" / "Nonsense words" / "a.jpg").write_bytes(temple)
    comparer = Comparer(classifier, classifier)
    with pytest.raises(UnusableFolders, match=r"of both models \(Nonsense words\)"):
        comparer.require_any_word(labelled_files(tmp_path / "photos", 10), tmp_path / "photos")


def test_speed_is_a_number(classifier: Classifier, opened: Open, tmp_path: Path) -> None:
    rates = photos_per_s((classifier, opened(tagging_bundle(tmp_path / "moods"))))
    assert all(np.isfinite(rate) and rate > 0 for rate in rates)
