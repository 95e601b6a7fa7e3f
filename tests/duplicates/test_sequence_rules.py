"""Which photos are one burst, bracket or panorama, by what is known of them and what they show."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from scene_model.duplicates.frame_likeness import GreyFloats, small_picture
from scene_model.duplicates.sequence_rules import (
    MAX_FRAMES,
    MAX_PER_SECOND,
    Frame,
    FrameSequence,
    find_sequences,
)
from scene_model.library.stacks.stack_rows import StackKind
from tests.pictures import textured

NOON = "2024-07-15T12:00:07"
FIRST = Frame(
    1, "DSC_0041.JPG", "JPEG", 4000, 3000, NOON, "DateTimeOriginal", "Canon EOS R7",
    subsecond=0.10, exposure_s=0.004, exposure_bias=0.0, f_number=5.6, iso=200,
)  # fmt: skip
SECOND = replace(FIRST, number=2, name="DSC_0042.JPG", subsecond=0.35)
LATER = replace(FIRST, number=3, name="DSC_0043.JPG", subsecond=0.60)
SCENE, OTHER_SCENE = (np.asarray(textured(320, 240, seed)) for seed in (1, 2))


def small(pixels: np.ndarray) -> GreyFloats:
    picture = small_picture(pixels)
    assert picture is not None
    return picture


def sequences(
    frames: Sequence[Frame], views: dict[int, np.ndarray] | None = None
) -> list[FrameSequence]:
    """Find sequences; photos without a view of their own show one scene."""
    pictures = {frame.number: small((views or {}).get(frame.number, SCENE)) for frame in frames}
    return find_sequences(frames, pictures.get)


def are_joined(first: Frame, second: Frame, view: np.ndarray = SCENE) -> bool:
    both = [sequences(pair, {second.number: view}) for pair in ((first, second), (second, first))]
    assert both[0] == both[1], "the order of arrival does not matter"
    return bool(both[0])


def test_a_burst_is_one_sequence_in_time() -> None:
    (burst,) = sequences([LATER, FIRST, SECOND])
    assert burst == FrameSequence(StackKind.BURST, (FIRST, SECOND, LATER))


@pytest.mark.parametrize(
    "change",
    [
        {"taken_at": "2024-07-15T13:00:07"},
        {"taken_at": "2024-07-15T12:00:09"},
        {"taken_at": "2024-07-15"},
        {"taken_at": None},
        {"taken_at": "2024-13-45T12:00:07"},
        {"taken_source": "DateTime"},
        {"taken_source": "file time"},
        {"camera": "NIKON D70"},
        {"name": "DSC_4200.JPG"},
        {"name": "IMG_0042.JPG"},
        {"width": 3000, "height": 4000},
        {"format": "CR2"},
    ],
)
def test_what_contradicts_keeps_photos_apart(change: dict[str, object]) -> None:
    assert are_joined(FIRST, SECOND)
    assert not are_joined(FIRST, replace(SECOND, **change))  # type: ignore[arg-type]


def test_another_scene_within_a_second_is_no_burst() -> None:
    assert not are_joined(FIRST, SECOND, OTHER_SCENE)


def test_a_photo_without_a_picture_joins_nothing() -> None:
    assert find_sequences([FIRST, SECOND], lambda number: None) == []


def test_dates_without_seconds_never_join() -> None:
    minute = "2024-07-15T12:00:00"
    whole = [replace(f, taken_at=minute, subsecond=None) for f in (FIRST, SECOND, LATER)]
    assert sequences(whole) == []
    fractions = [replace(f, taken_at=minute) for f in (FIRST, SECOND, LATER)]
    assert len(sequences(fractions)) == 1, "fractions say that seconds are meant"


def test_without_fractions_names_must_follow() -> None:
    first, second = (replace(frame, subsecond=None) for frame in (FIRST, SECOND))
    assert are_joined(first, second)
    assert are_joined(first, replace(second, taken_at="2024-07-15T12:00:08"))
    assert not are_joined(first, replace(second, name="beach.jpg"))
    assert not are_joined(first, replace(second, name="DSC_0061.JPG"))


def test_copies_of_a_photo_are_no_burst() -> None:
    for name in ("DSC_0041 (1).JPG", "DSC_0041-small.jpg", "beach.jpg"):
        assert not are_joined(FIRST, replace(FIRST, number=2, name=name))


def test_an_identifier_joins_and_separates() -> None:
    first = replace(FIRST, burst_id="A" * 12, subsecond=None, name="a.heic")
    second = replace(first, number=2, name="b.heic", taken_at="2024-07-15T12:00:11")
    assert are_joined(first, second)
    assert not are_joined(first, replace(second, burst_id="B" * 12, taken_at=NOON))
    assert not are_joined(first, second, OTHER_SCENE)
    assert not are_joined(first, replace(second, taken_at="2024-07-15T12:01:11"))


def exposed(stops: float) -> np.ndarray:
    levels = np.clip((SCENE / 255.0) ** 2.2 * 2**stops, 0, 1) ** (1 / 2.2)
    return (255 * levels).astype(np.uint8)


def bracket(stops: Sequence[float], seconds: float, **more: object) -> list[Frame]:
    frames = []
    for number, step in enumerate(stops, 1):
        at = 7 + seconds * (number - 1)
        frame = replace(
            FIRST,
            number=number,
            name=f"DSC_{40 + number:04d}.JPG",
            taken_at=f"2024-07-15T12:00:{int(at):02d}",
            subsecond=round(at % 1, 2),
            exposure_bias=step,
            exposure_s=0.004 * 2**step,
        )
        frames.append(replace(frame, **more))  # type: ignore[arg-type]
    return frames


def test_a_bracket_has_steps_of_exposure() -> None:
    stops = (0.0, -2.0, 2.0)
    views = {number: exposed(step) for number, step in enumerate(stops, 1)}
    (sequence,) = sequences(bracket(stops, 1.5), views)
    assert (sequence.kind, len(sequence.frames)) == (StackKind.BRACKET, 3)
    manual = bracket(stops, 1.5, exposure_bias=None, exposure_mode=1)
    assert [each.kind for each in sequences(manual, views)] == [StackKind.BRACKET]
    assert sequences(bracket(stops, 4.0), views) == []
    automatic = bracket(stops, 1.5, exposure_bias=0.0, exposure_mode=0)
    assert sequences(automatic, views) == [], "the camera followed the light"


def panorama(
    step: float, seconds: int = 2, count: int = 4
) -> tuple[list[Frame], dict[int, np.ndarray]]:
    canvas = np.hstack([np.asarray(textured(320, 240, seed)) for seed in range(5)])
    frames, views = [], {}
    for index in range(4):
        left = round(step * 320 * index)
        views[index + 1] = canvas[:, left : left + 320]
        at = f"2024-07-15T12:00:{7 + seconds * index:02d}"
        name = f"DSC_{41 + index:04d}.JPG"
        frames.append(replace(FIRST, number=index + 1, name=name, taken_at=at))
    return frames, views


def test_a_panorama_is_views_side_by_side() -> None:
    frames, views = panorama(0.55)
    (sequence,) = sequences(frames, views)
    assert (sequence.kind, sequence.frames) == (StackKind.PANORAMA, tuple(frames))
    upright = {number: np.rot90(view).copy() for number, view in views.items()}
    assert [each.kind for each in sequences(frames, upright)] == [StackKind.PANORAMA]


def test_what_is_not_steady_is_no_panorama() -> None:
    frames, views = panorama(0.55)
    assert sequences(frames[:2], views) == [], "two views are too few"
    back = {1: views[1], 2: views[2], 3: views[1], 4: views[2]}
    assert sequences(frames, back) == []
    assert sequences(*panorama(0.95)) == []
    assert sequences(*panorama(0.55, seconds=8)) == []
    locked = [replace(f, exposure_s=0.004 * 2**i) for i, f in enumerate(frames)]
    assert [each.kind for each in sequences(locked, views)] == []


def test_an_interval_timer_makes_no_stack() -> None:
    frames = [
        replace(
            FIRST,
            number=number,
            name=f"DSC_{number:04d}.JPG",
            taken_at=f"2024-07-15T12:{number // 60:02d}:{number % 60:02d}",
        )
        for number in range(1, MAX_FRAMES + 2)
    ]
    assert sequences(frames) == []


def test_photos_to_which_a_program_gave_one_date_are_not_compared() -> None:
    """Frames of a film, of which each pair would be compared."""
    frames = [
        replace(FIRST, number=number, name=f"DSC_{number:04d}.JPG", subsecond=None)
        for number in range(1, MAX_PER_SECOND + 2)
    ]
    assert len(sequences(frames[1:])) == 1
    assert find_sequences(frames, not_asked) == []


def not_asked(number: int) -> GreyFloats | None:
    raise AssertionError(f"photo {number} was compared")


def test_handheld_shots_of_a_burst_are_alike() -> None:
    shaken = cv2.warpAffine(SCENE, np.array([[1, 0.01, 9], [-0.01, 1, -7]], np.float32), (320, 240))
    assert are_joined(FIRST, SECOND, np.asarray(shaken))
