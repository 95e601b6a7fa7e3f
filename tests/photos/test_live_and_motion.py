"""Identifiers of Live Photos, and films in the files of motion photos."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.photos.content_ids import content_id_of, content_id_of_film
from scene_model.photos.decode import PhotoLimits, open_picture
from scene_model.photos.metadata import PhotoMetadata, read_metadata
from scene_model.photos.motion import find_film
from scene_model.photos.video.film import decode_video
from tests.photos.films import (
    box,
    google_motion_photo,
    heif_motion_photo,
    live_film,
    live_picture,
    maker_note,
    motion_xmp,
    samsung_motion_photo,
)
from tests.pictures import encode, textured
from tests.videos import video

CONTENT_ID = "1B1F5AC8-4A0F-4A0B-9E4D-5D5A2D1A7F3C"
FILM = live_film()


def metadata(data: bytes) -> PhotoMetadata:
    return read_metadata(open_picture(data, PhotoLimits()), data)


@pytest.mark.parametrize("format_name", ["JPEG", "HEIF"])
def test_the_identifier_of_a_picture(format_name: str) -> None:
    facts = metadata(live_picture(CONTENT_ID, format_name))
    assert facts.content_id == CONTENT_ID
    assert facts.taken_at == "2024-07-15T12:00:00"
    assert content_id_of(maker_note(CONTENT_ID, "<")) == CONTENT_ID


def test_the_identifier_of_a_film() -> None:
    tags = {"com.apple.quicktime.content.identifier": CONTENT_ID}
    for kind in ("MOV", "MP4"):
        film = decode_video(io.BytesIO(video(kind, 0.5, tags)), kind, lambda *size: size)
        # MP4 keeps only tags of its own.
        assert film.metadata.content_id == (CONTENT_ID if kind == "MOV" else None)
    assert content_id_of_film({}) is None
    assert content_id_of_film({"com.apple.quicktime.content.identifier": "a b" * 30}) is None


@given(st.data())
def test_broken_notes_have_no_identifier_or_the_right_one(data: st.DataObject) -> None:
    whole = maker_note(CONTENT_ID)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] = data.draw(st.integers(0, 255))
    for broken in (bytes(changed), whole[:place]):
        identifier = content_id_of(broken)
        assert identifier is None or len(identifier) <= 64


@pytest.mark.parametrize(
    "data",
    [
        google_motion_photo(FILM, version=1),
        google_motion_photo(FILM, version=2),
        samsung_motion_photo(FILM),
        heif_motion_photo(FILM),
    ],
    ids=["Google 1", "Google 2", "Samsung", "HEIF"],
)
def test_the_film_of_a_motion_photo(data: bytes) -> None:
    facts = metadata(data)
    assert facts.film_start is not None and facts.film_bytes is not None
    assert data[facts.film_start : facts.film_start + facts.film_bytes] == FILM


def test_what_is_no_film_is_none() -> None:
    picture = encode(textured(160, 120))
    no_moov = box(b"ftyp", b"mp42") + box(b"mdat", bytes(100))
    assert find_film(picture, None) is None
    assert find_film(picture + FILM, None) is None, "nothing says that it is one"
    assert find_film(picture + FILM, motion_xmp(len(FILM) - 4, 1)) is None
    assert find_film(picture + no_moov, motion_xmp(len(no_moov), 2)) is None
    assert find_film(picture, motion_xmp(9_999_999_999, 2)) is None
    assert find_film(picture + b"MotionPhoto_Data", None) is None
