"""XMP sidecars: other programs read ours, we read theirs, and their fields are preserved."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.errors import SidecarDamaged
from scene_model.export.sidecar import (
    Keyword,
    merge_keywords,
    read_imported_rating,
    read_keywords,
    write_sidecar,
)
from scene_model.photos.xmp import fields_of, sidecar_path

LIGHTROOM = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:own="http://somebody.example/own/" own:field="theirs"
    xmp:Rating="4" crs:Exposure2012="+0.35">
   <dc:subject><rdf:Bag><rdf:li>Lisbon</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Portugal|Lisbon</rdf:li></rdf:Bag>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
OURS = (Keyword("holiday"), Keyword("sea", "scenes", 0.93, "bundle@1"))


def exiftool(*arguments: object) -> Any:
    assert shutil.which("exiftool"), "exiftool is not installed (Debian: libimage-exiftool-perl)"
    done = subprocess.run(
        ["exiftool", *map(str, arguments)],  # noqa: S607
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout) if "-j" in arguments else done.stdout


@pytest.mark.tools
def test_exiftool_reads_our_sidecar(tmp_path: Path) -> None:
    path = write_sidecar(tmp_path / "IMG_1.JPG", OURS)
    assert path.name == "IMG_1.JPG.xmp"
    (fields,) = exiftool("-j", "-G1", "-a", "-u", path)
    assert fields["XMP-dc:Subject"] == ["holiday", "sea"]
    assert fields["XMP-lr:HierarchicalSubject"] == ["holiday", "scenes|sea"]
    assert fields["XMP-digiKam:TagsList"] == ["holiday", "scenes/sea"]
    assert any("bundle@1" in str(value) for value in fields.values())


@pytest.mark.tools
def test_fields_of_other_programs_stay(tmp_path: Path) -> None:
    sidecar = tmp_path / "IMG_1.xmp"
    sidecar.write_bytes(LIGHTROOM)
    assert write_sidecar(tmp_path / "IMG_1.JPG", OURS) == sidecar
    (fields,) = exiftool("-j", "-G1", "-a", "-u", sidecar)
    assert fields["XMP-xmp:Rating"] == 4
    assert fields["XMP-crs:Exposure2012"] in ("+0.35", 0.35)
    assert b'own:field="theirs"' in sidecar.read_bytes()
    assert fields["XMP-dc:Subject"] == ["Lisbon", "holiday", "sea"]
    assert fields["XMP-lr:HierarchicalSubject"] == [
        "Places|Portugal|Lisbon",
        "holiday",
        "scenes|sea",
    ]


def test_a_rating_is_written_and_one_of_another_program_is_not_lost() -> None:
    unrated = merge_keywords(LIGHTROOM, OURS)
    assert read_imported_rating(b"", unrated) == 4, "ours is none"
    rated = merge_keywords(LIGHTROOM, OURS, rating=2)
    assert read_imported_rating(b"", rated) == 2
    assert merge_keywords(rated, OURS, rating=2) == rated
    assert read_imported_rating(b"", merge_keywords(None, OURS, rating=5)) == 5
    assert b"Rating" not in merge_keywords(None, OURS)


def test_a_description_is_written_and_one_of_another_program_stays() -> None:
    described = merge_keywords(LIGHTROOM, OURS, description='Ömer; "in" <the> sea, lang=x')
    assert fields_of(described)["dc:description"] == ['Ömer; "in" <the> sea, lang=x']
    again = merge_keywords(described, OURS, description="Another one")
    assert fields_of(again)["dc:description"] == ['Ömer; "in" <the> sea, lang=x']
    assert "dc:description" not in fields_of(merge_keywords(None, OURS))


def test_the_rating_of_a_sidecar_comes_before_that_of_the_photo() -> None:
    sidecar, rejected = merge_keywords(None, (), rating=3), LIGHTROOM.replace(b'"4"', b'"-1"')
    assert read_imported_rating(LIGHTROOM, sidecar) == 3
    assert read_imported_rating(LIGHTROOM, rejected) == 0
    assert read_imported_rating(LIGHTROOM, merge_keywords(None, OURS)) == 4
    assert read_imported_rating(LIGHTROOM, b"garbage") == 4
    assert read_imported_rating(b"garbage") is None


@pytest.mark.tools
def test_exiftool_reads_our_rating(tmp_path: Path) -> None:
    (fields,) = exiftool("-j", "-G1", write_sidecar(tmp_path / "IMG_1.JPG", OURS, rating=5))
    assert fields["XMP-xmp:Rating"] == 5


def test_an_outdated_automatic_tag_is_removed_and_a_persons_tag_stays() -> None:
    first = merge_keywords(LIGHTROOM, OURS)
    updated = merge_keywords(first, [Keyword("mountain", "scenes", 0.8, "bundle@2")])
    assert read_keywords(updated) == ["Lisbon", "holiday"]
    assert b"mountain" in updated and b">sea<" not in updated and b"|sea<" not in updated
    assert merge_keywords(updated, [Keyword("mountain", "scenes", 0.8, "bundle@2")]) == updated


@pytest.mark.tools
def test_keywords_written_by_exiftool_are_read(tmp_path: Path, temple: bytes) -> None:
    photo, sidecar = tmp_path / "a.jpg", tmp_path / "a.xmp"
    photo.write_bytes(temple)
    exiftool(
        "-overwrite_original",
        "-XMP-dc:Subject=Été",
        "-XMP-lr:HierarchicalSubject=People|Anna",
        "-IPTC:Keywords=old town",
        "-IPTC:Keywords=Köln",
        "-IPTC:CodedCharacterSet=UTF8",
        photo,
    )
    exiftool("-XMP-dc:Subject=aside", "-XMP-digiKam:TagsList=Trips/2024", sidecar)
    assert read_keywords(photo.read_bytes()) == ["Été", "Anna", "old town", "Köln"]
    assert set(read_keywords(photo.read_bytes(), sidecar.read_bytes())) == {
        "Été",
        "Anna",
        "old town",
        "Köln",
        "aside",
        "2024",
    }


@pytest.mark.tools
def test_latin1_keywords(tmp_path: Path, temple: bytes) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(temple)
    exiftool("-overwrite_original", "-charset", "iptc=latin1", "-IPTC:Keywords=Köln", photo)
    assert read_keywords(photo.read_bytes()) == ["Köln"]


@pytest.mark.parametrize("data", [b"", b"garbage", LIGHTROOM[:300], b"\xff\xd8\xff broken"])
def test_an_unreadable_sidecar_is_not_changed(tmp_path: Path, data: bytes) -> None:
    sidecar = tmp_path / "a.jpg.xmp"
    sidecar.write_bytes(data)
    assert read_keywords(data, data) == []
    with pytest.raises(SidecarDamaged):
        write_sidecar(tmp_path / "a.jpg", OURS)
    assert sidecar.read_bytes() == data


def test_sidecar_path(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    assert sidecar_path(photo).name == "a.jpg.xmp"
    (tmp_path / "a.XMP").touch()
    assert sidecar_path(photo).name == "a.XMP"
    (tmp_path / "a.jpg.xmp").touch()
    assert sidecar_path(photo).name == "a.jpg.xmp"


_WORDS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="|/\ufffe\uffff"),
    min_size=1,
    max_size=12,
).map(str.strip)


@given(st.lists(_WORDS.filter(bool), min_size=1, max_size=6, unique=True))
def test_human_keywords_round_trip(words: list[str]) -> None:
    packet = merge_keywords(
        None, [Keyword(word) for word in words] + [Keyword("auto x", "scenes", 0.5)]
    )
    assert read_keywords(packet) == [word for word in words if word != "auto x"]
