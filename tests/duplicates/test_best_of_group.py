"""The best of a group by its figures, in words, and "can't tell" where they are alike."""

from dataclasses import replace

import pytest

from scene_model.duplicates.best_of_group import (
    STRICTNESSES,
    Ranking,
    order_of_burst,
    rank,
    to_trash,
)
from scene_model.photos.quality import PictureQuality

GOOD = PictureQuality(sharpness=0.5, clipped=0.0, brightness=0.4, white_level=0.9, tonal_range=5.0)
SOFT = replace(GOOD, sharpness=0.25)
SLIGHTLY_SOFT = replace(GOOD, sharpness=0.47)
CLIPPED = replace(GOOD, clipped=0.2, brightness=0.6, white_level=1.0, tonal_range=4.6)
DARK = replace(GOOD, brightness=0.2, white_level=0.6, tonal_range=4.2)


def ranked(**qualities: PictureQuality | None) -> Ranking:
    return rank(qualities)


def test_the_sharper_photo_is_best() -> None:
    ranking = ranked(a=SOFT, b=GOOD)
    assert (ranking.best, ranking.photo_ids) == ("b", ("b", "a"))
    assert ranking.reasons == {"b": ("sharper",), "a": ("less sharp",)}
    assert ranking.behind["b"] == 0 < ranking.behind["a"]


@pytest.mark.parametrize(
    ("worse", "reasons"),
    [(CLIPPED, ("more clipped",)), (DARK, ("too dark",)), (SOFT, ("less sharp",))],
)
def test_reasons_are_in_words(worse: PictureQuality, reasons: tuple[str, ...]) -> None:
    assert ranked(a=worse, b=GOOD).reasons["a"] == reasons
    assert ranked(a=GOOD, b=worse).best == "a"


def test_clipped_edges_do_not_make_a_photo_sharp() -> None:
    assert ranked(a=replace(CLIPPED, sharpness=0.65), b=GOOD).best == "b"


def test_of_equal_photos_the_best_cannot_be_told() -> None:
    ranking = ranked(a=GOOD, b=SLIGHTLY_SOFT, c=SOFT)
    assert ranking.best is None
    assert ranking.photo_ids == ("a", "b", "c")
    assert ranking.reasons["b"] == ()
    assert ranking.reasons["c"] == ("less sharp",)
    assert to_trash(ranking, STRICTNESSES[-1]) == ("c",)


def test_photos_that_were_not_measured_cannot_be_told() -> None:
    ranking = ranked(a=None, b=GOOD)
    assert (ranking.best, ranking.photo_ids) == (None, ("a", "b"))
    assert to_trash(ranking, STRICTNESSES[-1]) == ()
    assert ranked(a=GOOD).best is None


def test_the_middle_of_a_group_says_how_bright_a_scene_is() -> None:
    """The frames of a burst at night have one exposure; the bright one is the fault."""
    night = replace(GOOD, brightness=0.15, white_level=0.8, tonal_range=4.0)
    lit = replace(night, brightness=0.3, white_level=0.93, tonal_range=4.9)
    assert ranked(a=lit, b=night, c=replace(night, sharpness=0.2)).photo_ids[0] == "b"


def test_a_stricter_slider_proposes_more_and_never_the_best() -> None:
    ranking = ranked(
        a=GOOD, b=replace(GOOD, sharpness=0.36), c=SOFT, d=replace(SOFT, sharpness=0.02)
    )
    proposals = [to_trash(ranking, strictness) for strictness in STRICTNESSES]
    assert all(set(few) <= set(more) for few, more in zip(proposals, proposals[1:], strict=False))
    assert proposals[0] == ("d",)
    assert set(proposals[-1]) == {"b", "c", "d"}


def test_a_burst_shows_its_best_and_keeps_the_order_of_time() -> None:
    assert order_of_burst([SOFT, SOFT, GOOD, SOFT], cover=None) == [2, 0, 1, 3]
    assert order_of_burst([GOOD, GOOD, GOOD], cover=1) == [1, 0, 2]
    assert order_of_burst([None, None], cover=None) == [0, 1]
