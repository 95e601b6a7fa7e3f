"""iCloud's copies of one's data, plain archives, WhatsApp folders, and folders of sidecars."""

import datetime
from pathlib import Path

import pytest

from scene_model.errors import ArchiveError
from scene_model.ingest.archives.plan import plan_export
from scene_model.ingest.archives.recognise import archives_in, is_export
from scene_model.ingest.incoming import resume_batch
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.new_batch import receive_export
from scene_model.jobs.job import skipped
from scene_model.library.albums.own_albums import own_albums
from scene_model.services import Services
from tests.ingest.archives.conftest import AddExport
from tests.pictures import encode, textured
from tests.takeouts import item_json, made_takeout, write_tgz, write_zip

pytestmark = pytest.mark.slow
NOW = "2026-11-28T12:00:00+00:00"

DETAILS = """imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate
IMG_1.JPG,a,yes,no,no,"Saturday May 4,2019 8:11 AM GMT",3,x
IMG_2.JPG,b,no,yes,no,"Sunday May 5,2019 9:12 PM GMT",3,x
IMG_3.JPG,c,no,no,yes,"Sunday May 5,2019 9:12 PM GMT",3,x
"""
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4"
 exif:DateTimeOriginal="2018-03-02T10:20:30"><dc:description><rdf:Alt>
 <rdf:li xml:lang="x-default">At the harbour</rdf:li></rdf:Alt></dc:description>
 </rdf:Description></rdf:RDF></x:xmpmeta>"""


def photo(seed: int) -> bytes:
    return encode(textured(72, 54, seed=seed))


def test_icloud_in_two_parts(services: Services, tmp_path: Path, add_export: AddExport) -> None:
    first, second = (tmp_path / f"iCloud Photos Part {part} of 3.zip" for part in (1, 2))
    start = "iCloud Photos Part 1 of 3"
    write_zip(
        first,
        [
            (f"{start}/Photos/IMG_1.JPG", photo(1)),
            (f"{start}/Photos/Photo Details.csv", DETAILS.encode()),
            (f"{start}/Albums/Rome.csv", b"Images\nIMG_1.JPG\nIMG_2.JPG\n"),
        ],
    )
    start = "iCloud Photos Part 2 of 3"
    write_zip(
        second,
        [
            (f"{start}/Photos/IMG_2.JPG", photo(2)),
            (f"{start}/Photos/IMG_3.JPG", photo(3)),
            (f"{start}/Photos/IMG_2.AAE", b"<plist/>"),
            (f"{start}/Photos/IMG_2.xmp", XMP),
        ],
    )
    plan, progress = add_export([first, second])
    assert (plan.left_out, plan.edit_files) == (1, 1)
    assert [item.name for item in progress.skipped] == ["iCloud Photos Part 3 of 3.zip"]
    by_name = {r.name: r for r in services.library.records(services.library.find())}
    assert by_name.keys() == {"IMG_1.JPG", "IMG_2.JPG"}
    first_photo, second_photo = by_name["IMG_1.JPG"], by_name["IMG_2.JPG"]
    assert first_photo.taken_at == "2019-05-04T08:11:00+00:00"
    assert first_photo.taken_source == "iCloud"
    assert (first_photo.favourite, second_photo.favourite) == (True, False)
    assert (second_photo.rating, second_photo.description) == (4, "At the harbour")
    (album,) = own_albums(services.library)
    assert set(services.gallery().ids(f"album:{album.name}")) == {
        first_photo.id,
        second_photo.id,
    }


@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_a_plain_archive(
    services: Services, tmp_path: Path, add_export: AddExport, kind: str
) -> None:
    files = [
        ("WhatsApp Images/IMG-20190504-WA0012.jpg", photo(1)),
        ("WhatsApp Images/Sent/IMG-20190505-WA0013.jpg", photo(2)),
        ("Trip/a.jpg", photo(3)),
        ("Trip/a.jpg.xmp", XMP),
        ("Trip/copy of a.jpg", photo(3)),
    ]
    path = tmp_path / f"photos.{kind}"
    (write_zip if kind == "zip" else write_tgz)(path, files)
    plan, progress = add_export([path])
    assert (plan.is_takeout, plan.albums, progress.skipped) == (False, (), ())
    records = list(services.library.records(services.library.find()))
    taken = {record.name: (record.taken_at, record.taken_source) for record in records}
    assert len(taken) == 3
    assert taken["IMG-20190504-WA0012.jpg"] == ("2019-05-04", "file name")
    assert taken["IMG-20190505-WA0013.jpg"] == ("2019-05-05", "file name")
    assert ("2018-03-02T10:20:30", "XMP") in taken.values()
    assert own_albums(services.library) == []


def test_an_exported_folder_by_reference(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "Takeout" / "Google Photos" / "Photos from 2019"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(photo(1))
    plan = plan_export(services.library, [tmp_path / "Takeout"], by_reference=True)
    assert services.jobs.submit_export(plan).wait(60)
    (record,) = services.library.records(services.library.find())
    assert record.reference == folder / "a.jpg"
    assert (folder / "a.jpg").exists()


def test_a_refusal_keeps_its_reason_when_its_job_is_resumed(services: Services) -> None:
    library, error = services.library, ArchiveError("It is damaged.")
    files = [
        IncomingFile("a.jpg", "000000", NOW, source="a.jpg"),
        IncomingFile("b.zip", "000001", NOW, refusal=skipped("b.zip", error)),
    ]
    batch = receive_export(library.incoming_dir, files, library.file_system)
    batch.lock_file.release()
    resumed = resume_batch(batch.folder, library.file_system)
    assert resumed is not None
    resumed.lock_file.release()
    assert resumed.is_export
    assert [file.refusal for file in resumed.files] == [None, files[1].refusal]


def test_what_is_recognised(tmp_path: Path) -> None:
    plain, parts = tmp_path / "plain", tmp_path / "parts"
    plain.mkdir()
    (plain / "a.jpg").write_bytes(b"x")
    (plain / "notes.json").write_bytes(b"{}")
    assert not is_export(plain)
    assert not is_export(tmp_path / "missing.zip")
    made = made_takeout(0)
    paths = made.write(parts)
    assert archives_in(parts) == paths
    assert all(map(is_export, paths))
    assert not is_export(parts), "archives in a folder are named one by one"
    year = tmp_path / "Photos from 2019"
    year.mkdir()
    (year / "a.jpg.json").write_bytes(b"{}")
    assert is_export(year)
    assert not is_export(tmp_path), "one of several folders"
    unpacked = tmp_path / "unpacked"
    (unpacked / "Takeout").mkdir(parents=True)
    assert is_export(unpacked)
    assert is_export(unpacked / "Takeout")
    (unpacked / "holiday.jpg").write_bytes(b"x")
    assert not is_export(unpacked), "a folder of other things, too"


def test_undescribed_files_of_a_takeout_come_in_too(
    services: Services, tmp_path: Path, add_export: AddExport
) -> None:
    taken = datetime.datetime(2019, 5, 4, tzinfo=datetime.UTC)
    path = tmp_path / "a.zip"
    write_zip(
        path,
        [
            ("Takeout/Google Photos/Photos from 2019/a.jpg", photo(1)),
            ("Takeout/Google Photos/Photos from 2019/b.jpg", photo(2)),
            ("Takeout/Google Photos/Photos from 2019/b.jpg.json", item_json("b.jpg", taken)),
            ("Takeout/Drive/c.jpg", photo(3)),
        ],
    )
    _, progress = add_export([path])
    assert (len(progress.photo_ids), progress.skipped) == (3, ())
