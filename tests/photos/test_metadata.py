"""EXIF: read where it is sound, absent where it is not, never an error."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scene_model.photos.decode import PhotoLimits, open_picture
from scene_model.photos.exposure import Exposure, exposure_of
from scene_model.photos.metadata import PhotoMetadata, read_metadata
from scene_model.photos.xmp import burst_id_of_xmp
from tests.photos.films import maker_note
from tests.pictures import encode, quadrants


def metadata_of(
    fields: dict[int, Any], details: dict[int, Any] | None = None, gps: dict[int, Any] | None = None
) -> PhotoMetadata:
    exif = Image.Exif()
    exif.update(fields)
    exif.get_ifd(0x8769).update(details or {})
    exif.get_ifd(0x8825).update(gps or {})
    return read_metadata(open_picture(encode(quadrants(), exif=exif), PhotoLimits()))


def test_nothing_known() -> None:
    assert metadata_of({}) == PhotoMetadata()


def test_time_with_and_without_offset() -> None:
    facts = metadata_of({}, {0x9003: "2024:07:01 18:30:05", 0x9011: "+02:00"})
    assert facts.taken_at == "2024-07-01T18:30:05+02:00"
    assert facts.taken_source == "DateTimeOriginal"
    assert metadata_of({}, {0x9003: "2024:07:01 18:30:05"}).taken_at == "2024-07-01T18:30:05"


def test_time_falls_back_field_by_field() -> None:
    facts = metadata_of(
        {0x0132: "2024:07:03 00:00:00"},
        {0x9003: "0000:00:00 00:00:00", 0x9004: "2024:07:02 01:02:03", 0x9012: "nonsense"},
    )
    assert (facts.taken_at, facts.taken_source) == ("2024-07-02T01:02:03", "DateTimeDigitized")
    assert metadata_of({0x0132: "2024:07:03 00:00:00"}).taken_source == "DateTime"


def test_gps_time_is_utc_and_comes_before_the_change_of_the_file() -> None:
    gps = {7: (Fraction(10), Fraction(11), Fraction(12)), 0x1D: "2024:07:01"}
    facts = metadata_of({0x0132: "2024:07:03 00:00:00"}, gps=gps)
    assert (facts.taken_at, facts.taken_source) == ("2024-07-01T10:11:12+00:00", "GPSDateTime")
    assert metadata_of({}, gps={7: gps[7]}).taken_at is None
    assert metadata_of({}, gps=gps | {7: (25, 0, 0)}).taken_at is None


@pytest.mark.parametrize("text", ["", "   ", "2024:13:01 00:00:00", "2024-07-01", "\x00\x00"])
def test_broken_times_count_as_none(text: str) -> None:
    assert metadata_of({}, {0x9003: text}).taken_at is None


def test_exposure_and_the_fraction_of_the_second() -> None:
    details = {0x9003: "2024:07:01 18:30:05", 0x9291: "07", 0x829A: 0.004, 0x829D: 5.6}
    facts = metadata_of({}, details | {0x8827: 200, 0x9204: -0.7, 0xA402: 2})
    assert facts.subsecond == pytest.approx(0.07)
    assert facts.exposure_s == pytest.approx(0.004)
    assert facts.exposure_bias == pytest.approx(-0.7)
    assert (facts.f_number, facts.iso, facts.exposure_mode) == (5.6, 200, 2)
    assert metadata_of({}, {0x9204: -0.7}).exposure_bias == pytest.approx(-0.7)


@pytest.mark.parametrize("text", ["", "x", "1e3", "-5", "  ", "1" * 20])
def test_broken_fractions_of_a_second_count_as_none(text: str) -> None:
    details = {0x9003: "2024:07:01 18:30:05", 0x9291: text}
    assert metadata_of({}, details).subsecond is None


def test_impossible_exposures_count_as_none() -> None:
    details = {0x829A: Fraction(-1, 3), 0x829D: 1e9, 0x8827: 0, 0x9204: "x", 0xA402: 7}
    assert exposure_of(details) == Exposure(None, None, None, None, None)
    assert exposure_of({0x8827: (200, 200), 0x829A: float("nan")}).iso == 200


def test_bursts_are_identified_by_phones() -> None:
    burst_id = "8C2B1F6A-0000-4444-8888-ABCDEFABCDEF"
    note = maker_note(burst_id, field=0x000B)
    assert metadata_of({}, {0x927C: note}).burst_id == burst_id
    assert metadata_of({}, {0x927C: maker_note(burst_id)}).burst_id is None
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:BurstID="{burst_id}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    assert burst_id_of_xmp(packet.encode()) == burst_id
    assert burst_id_of_xmp(packet.replace(burst_id, "a b").encode()) is None
    picture = open_picture(encode(quadrants(), xmp=packet.encode()), PhotoLimits())
    assert read_metadata(picture).burst_id == burst_id


def test_camera_is_said_once() -> None:
    assert metadata_of({0x010F: "Canon", 0x0110: "Canon EOS 40D"}).camera == "Canon EOS 40D"
    assert metadata_of({0x010F: "Apple", 0x0110: "iPhone 6"}).camera == "Apple iPhone 6"
    assert metadata_of({0x0110: "X100"}).camera == "X100"


def degrees(value: float) -> tuple[Fraction, Fraction, Fraction]:
    return Fraction(int(value)), Fraction(round(value % 1 * 60 * 10000), 10000), Fraction(0)


def test_place() -> None:
    facts = metadata_of({}, gps={1: "S", 2: degrees(33.5), 3: "W", 4: degrees(70.25)})
    assert facts.latitude == pytest.approx(-33.5, abs=1e-4)
    assert facts.longitude == pytest.approx(-70.25, abs=1e-4)


@pytest.mark.parametrize(
    ("fields", "altitude_m"),
    [
        ({6: Fraction(21_001, 2)}, 10_500.5),
        ({5: b"\x00", 6: Fraction(12)}, 12.0),
        ({5: b"\x01", 6: Fraction(430)}, -430.0),
        ({6: Fraction(4_000_000_000)}, None),
        ({}, None),
    ],
)
def test_altitude(fields: dict[int, Any], altitude_m: float | None) -> None:
    gps = {1: "S", 2: degrees(33.5), 3: "W", 4: degrees(70.25)}
    assert metadata_of({}, gps=gps | fields).altitude_m == altitude_m
    assert metadata_of({}, gps=fields).altitude_m is None, "no position"


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: degrees(33.5)},
        {1: "N", 2: degrees(91.0), 3: "E", 4: degrees(10.0)},
        {1: "N", 2: degrees(0.0), 3: "E", 4: degrees(0.0)},
        {1: "N", 2: (1.0, 2.0), 3: "E", 4: degrees(1.0)},
    ],
)
def test_impossible_places_count_as_none(gps: dict[int, Any]) -> None:
    facts = metadata_of({}, gps=gps)
    assert (facts.latitude, facts.longitude) == (None, None)


def test_real_photos(shared_photos: Path) -> None:
    def read(name: str) -> PhotoMetadata:
        return read_metadata(open_picture((shared_photos / name).read_bytes(), PhotoLimits()))

    nikon = read("DSCN0010.jpg")
    assert nikon.taken_at == "2008-10-22T16:28:39"
    assert nikon.latitude == pytest.approx(43.46745, abs=1e-4)
    phone = read("IMG_5195.HEIC")
    assert phone.taken_at == "2021-04-11T15:47:53-05:00"
    assert phone.camera == "Apple iPhone 11 Pro Max"
    assert phone.longitude == pytest.approx(-94.28877, abs=1e-4)
