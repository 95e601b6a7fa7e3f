"""The date of one photo by its EXIF, XMP and name; impossible and implausible ones are refused."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.photos.dates import (
    SOURCES,
    SURE,
    PhotoDate,
    are_far,
    date_of_name,
    date_of_photo,
    folder_hint,
    source_word,
)
from scene_model.photos.durations import read_shift, shift_text
from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.xmp import date_of, read_date

TODAY, ADDED = "2026-11-28", "2026-11-28T09:00:00.000+01:00"
MOMENT = "2024-07-15T12:34:56"


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20240715_123456.jpg",
        "IMG_20240715_123456789.jpg",
        "20240715_123456.jpg",
        "IMG20240715123456.jpg",
        "VID_20240715_123456.mp4",
        "MVIMG_20240715_123456.jpg",
        "DSC_20240715_123456.JPG",
        "P_20240715_123456_1.jpg",
        "WP_20240715_12_34_56_Pro.jpg",
        "C360_2024-07-15-12-34-56-789.jpg",
        "Screenshot_20240715-123456_Maps.jpg",
        "Screenshot_2024-07-15-12-34-56.png",
        "Screenshot 2024-07-15 at 12.34.56.png",
        "Screenshot from 2024-07-15 12-34-56.png",
        "Bildschirmfoto 2024-07-15 um 12.34.56.png",
        "2024-07-15 12.34.56.jpg",
        "2024-07-15T12:34:56.jpg",
        "WhatsApp Image 2024-07-15 at 12.34.56.jpeg",
        "WhatsApp Image 2024-07-15 at 12.34.56 PM (2).jpeg",
        "signal-2024-07-15-12-34-56-789.jpg",
        "signal-2024-07-15-123456.jpg",
        "photo_2024-07-15_12-34-56.jpg",
    ],
)
def test_names_of_cameras_phones_and_messengers(name: str) -> None:
    date = date_of_name(name, TODAY)
    assert date is not None
    assert (date.taken_at, date.is_sure) == (MOMENT, True)
    assert date.is_sent == name.lower().startswith(("whatsapp", "signal", "photo_"))


def test_google_phones_write_utc() -> None:
    date = date_of_name("PXL_20240715_123456789.MP.jpg", TODAY)
    assert date is not None
    assert (date.taken_at, date.is_utc, date.is_sure) == (f"{MOMENT}+00:00", True, True)


def test_a_time_of_the_afternoon() -> None:
    date = date_of_name("WhatsApp Image 2024-07-15 at 3.04.05 PM.jpeg", TODAY)
    assert date is not None and date.taken_at == "2024-07-15T15:04:05"
    midnight = date_of_name("Screen Shot 2024-07-15 at 12.04.05 AM.png", TODAY)
    assert midnight is not None and midnight.taken_at == "2024-07-15T00:04:05"


def test_messengers_know_the_day_a_photo_was_sent() -> None:
    date = date_of_name("IMG-20240715-WA0003.jpg", TODAY)
    assert date is not None
    assert (date.taken_at, date.is_sure, date.is_sent) == ("2024-07-15", True, True)


@pytest.mark.parametrize(
    ("name", "taken_at"),
    [
        ("Lisbon 2024-07-15.jpg", "2024-07-15"),
        ("20240715.jpg", "2024-07-15"),
        ("scan_20240715_123456.jpg", MOMENT),
        ("collage 2024-07-15 12.34.56.jpg", MOMENT),
        ("grandma 1955-05-08.jpg", "1955-05-08"),
    ],
)
def test_other_names_are_only_hints(name: str, taken_at: str) -> None:
    date = date_of_name(name, TODAY)
    assert date is not None
    assert (date.taken_at, date.is_sure) == (taken_at, False)
    assert date_of_photo(PhotoMetadata(), name, ADDED) is None


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0412.JPG",
        "DSC01234.JPG",
        "IMG_20241315_123456.jpg",
        "IMG_20240230_123456.jpg",
        "IMG_20240715_253456.jpg",
        "IMG_20240715_126156.jpg",
        "IMG_20290715_123456.jpg",
        "IMG_19500715_123456.jpg",
        "IMG_20000101_000003.jpg",
        "IMG-20240732-WA0003.jpg",
        "FB_IMG_1721046896789.jpg",
        "12345678901234567890.jpg",
        "b7a2024071512345699.jpg",
        "Screen Shot 2024-07-15 at 15.04.05 PM.png",
        "",
    ],
)
def test_impossible_and_implausible_dates_are_refused(name: str) -> None:
    assert date_of_name(name, TODAY) is None


@given(st.text())
def test_any_name_has_a_date_or_none(name: str) -> None:
    date = date_of_name(name, TODAY)
    assert date is None or datetime.datetime.fromisoformat(date.taken_at)


@given(st.datetimes(datetime.datetime(1995, 1, 2), datetime.datetime(2026, 11, 28)))
def test_every_time_is_read_from_its_name(moment: datetime.datetime) -> None:
    date = date_of_name(f"IMG_{moment:%Y%m%d_%H%M%S}.jpg", TODAY)
    if f"{moment:%Y-%m-%d}" == "2000-01-01":
        assert date is None
    else:
        assert date is not None and date.taken_at == moment.replace(microsecond=0).isoformat()


def exif(taken_at: str, source: str = "DateTimeOriginal") -> PhotoMetadata:
    return PhotoMetadata(taken_at=taken_at, taken_source=source)


def test_exif_comes_before_the_name() -> None:
    date = date_of_photo(exif("2023-01-02T03:04:05"), "IMG_20240715_123456.jpg", ADDED)
    assert date == PhotoDate("2023-01-02T03:04:05", "DateTimeOriginal", 0.95)


@pytest.mark.parametrize(
    "metadata",
    [
        PhotoMetadata(),
        exif("2000-01-01T00:00:09"),
        exif("1970-01-01T01:00:00"),
        exif("1980-01-01T00:00:00"),
        exif("2031-01-01T00:00:00"),
        exif("2024-09-01T10:00:00", "DateTime"),
    ],
)
def test_the_name_comes_before_no_date_and_before_an_impossible_one(
    metadata: PhotoMetadata,
) -> None:
    date = date_of_photo(metadata, "IMG_20240715_123456.jpg", ADDED)
    assert date == PhotoDate(MOMENT, "file name", 0.9)


def test_an_impossible_date_without_a_name_is_kept_and_doubtful() -> None:
    date = date_of_photo(exif("2000-01-01T00:00:09"), "IMG_0412.JPG", ADDED)
    assert date is not None
    assert (date.taken_at, date.confidence < SURE) == ("2000-01-01T00:00:09", True)


def test_the_date_of_a_sidecar_counts_where_the_photo_has_none() -> None:
    of_sidecar = date_of_photo(PhotoMetadata(), "IMG_0412.JPG", ADDED, sidecar_date="2019-05-04")
    assert of_sidecar == PhotoDate("2019-05-04", "XMP", 0.85)
    changed = exif("2024-09-01T10:00:00", "DateTime")
    assert date_of_photo(changed, "IMG_0412.JPG", ADDED, sidecar_date="2019-05-04") == of_sidecar
    of_exif = date_of_photo(exif(MOMENT), "IMG_0412.JPG", ADDED, sidecar_date="2019-05-04")
    assert of_exif is not None and of_exif.taken_at == MOMENT


@pytest.mark.parametrize(
    ("name", "taken_at", "far"),
    [
        ("IMG_20240715_123456.jpg", "2024-07-15T19:34:56", False),
        ("IMG_20240715_123456.jpg", "2024-07-17T12:34:56", True),
        ("IMG_20240715_123456.jpg", "2023-07-15T12:34:56", True),
        # Sent long after it was taken.
        ("IMG-20240715-WA0003.jpg", "2019-01-01T00:00:00", False),
        ("IMG-20240715-WA0003.jpg", "2024-08-01T00:00:00", True),
        ("PXL_20240715_123456789.jpg", "2024-07-15T05:34:56-07:00", False),
    ],
)
def test_dates_that_are_far_apart(name: str, taken_at: str, far: bool) -> None:
    date = date_of_name(name, TODAY)
    assert date is not None
    assert are_far(date, taken_at) is far


@pytest.mark.parametrize(
    ("folder", "hint"),
    [
        ("/photos/2024-07-15 Lisbon", "2024-07-15"),
        ("/photos/20240715", "2024-07-15"),
        ("D:\\photos\\2024-07 Lisbon", "2024-07"),
        ("/photos/2024-07-15 to 2024-07-28", None),
        ("/photos/2024-07-15/edited", None),
        ("/photos/Lisbon", None),
        ("/photos/2024", None),
    ],
)
def test_folders_are_a_hint(folder: str, hint: str | None) -> None:
    assert folder_hint(folder) == hint


@pytest.mark.parametrize(
    ("text", "taken_at"),
    [
        ("2024-07-15", "2024-07-15"),
        (" 2024-07-15 12:34 ", "2024-07-15T12:34:00"),
        ("2024-07-15T12:34:56.78+02:00", "2024-07-15T12:34:56+02:00"),
        ("2024-07-15T12:34:56Z", "2024-07-15T12:34:56+00:00"),
        ("2024-07", None),
        ("2024-02-30", None),
        ("2024-07-15 25:00", None),
        ("0001-01-01", None),
        ("15.07.2024", None),
    ],
)
def test_typed_dates(text: str, taken_at: str | None) -> None:
    assert read_date(text) == taken_at


def test_xmp_dates() -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmp:CreateDate="2020-01-01T00:00:00" {more}/></rdf:RDF></x:xmpmeta>'
    )
    created = 'photoshop:DateCreated="2019-05-04T10:11:12+02:00"'
    assert date_of(packet.format(more=created).encode()) == "2019-05-04T10:11:12+02:00"
    assert date_of(packet.format(more="").encode()) == "2020-01-01T00:00:00"
    assert date_of(b"no packet with a CreateDate") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7h", 25_200),
        ("+7h", 25_200),
        ("-1h30m", -5_400),
        ("365d", 31_536_000),
        ("1d 2h 3m 4s", 93_784),
        ("7", None),
        ("h", None),
        ("", None),
        ("7h!", None),
    ],
)
def test_shifts(text: str, seconds: int | None) -> None:
    assert read_shift(text) == seconds
    if seconds is not None:
        assert read_shift(shift_text(seconds)) == seconds


def test_every_source_has_a_word_and_a_confidence() -> None:
    assert source_word("DateTimeOriginal") == "EXIF" == source_word("DateTime")
    assert source_word("file name") == "file name"
    assert source_word(None) is None
    assert all(0 < source.confidence <= 1 for source in SOURCES.values())
