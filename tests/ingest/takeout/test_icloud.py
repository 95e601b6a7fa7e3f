"""The CSV files of iCloud's copies of one's data."""

import pytest

from scene_model.ingest.takeout.icloud import (
    is_album_list,
    is_details,
    read_album,
    read_details,
)

HEADER = "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate"


def test_details() -> None:
    lines = (
        'IMG_1.JPG,abc,yes,no,no,"Saturday May 4,2019 8:11 AM GMT",3,"Sunday May 5"',
        'IMG_2.JPG,abd,no,no,yes,"Friday August 12, 2022 12:05 AM GMT",3,',
        "IMG_3.JPG,abe,no,no,no,never,3,",
        "",
        ",,,,,",
    )
    first, second, third = read_details("\r\n".join((HEADER, *lines)).encode("utf-8-sig"))
    assert (first.name, first.is_trashed, first.facts.is_favourite) == ("IMG_1.JPG", False, True)
    assert first.facts.taken_utc == "2019-05-04T08:11:00+00:00"
    assert (second.is_trashed, second.facts.taken_utc) == (True, "2022-08-12T00:05:00+00:00")
    assert third.facts.taken_utc == ""


@pytest.mark.parametrize("name", ["Photo Details.csv", "Photo Details-3.csv", "photo details.CSV"])
def test_names_of_the_details(name: str) -> None:
    assert is_details(name)
    assert not is_details(f"x{name}")


def test_albums() -> None:
    assert is_album_list("iCloud Photos/Albums")
    assert not is_album_list("iCloud Photos/My Albums")
    assert read_album(b"Images\r\nIMG_1.JPG\r\n\r\nIMG_2.JPG\r\n") == ["IMG_1.JPG", "IMG_2.JPG"]


@pytest.mark.parametrize("data", [b"", b"\0", b'a\n"', b"\xff\xfe", HEADER.encode(), b"x,y\n1,2,3"])
def test_what_is_no_list(data: bytes) -> None:
    assert read_details(data) == []
