"""Made exports of Google Takeout whose truth is known, with the traps of its file names."""

import datetime
import io
import json
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image

from scene_model.library.albums.own_albums import own_albums
from scene_model.photos.hashes import content_hash
from scene_model.services import Services
from tests.pictures import encode, textured
from tests.videos import video

STAMP = "takeout-20240101T000000Z"
ROOT = "Takeout/Google Photos"
LISBON = (38.72, -9.14, "Europe/Lisbon")
TOKYO = (35.68, 139.77, "Asia/Tokyo")
Place = tuple[float, float, str]
_START = datetime.datetime(2019, 5, 4, 8, 11, 12, tzinfo=datetime.UTC)
_SUPPLEMENT = ".supplemental-metadata"


@dataclass(frozen=True)
class Expected:
    """What the library must hold of one photo. trap: the name of what makes it hard."""

    trap: str
    taken_at: str
    source: str
    place: tuple[float, float] | None = None
    description: str | None = None
    is_favourite: bool = False
    albums: frozenset[str] = frozenset()


@dataclass
class MadeTakeout:
    """Files of an export by their part, and the truth by the ids of the photos."""

    parts: int = 3
    files: list[tuple[int, str, bytes]] = field(default_factory=list)
    truth: dict[str, Expected] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    _number: int = 0

    def picture(self, exif_date: str | None = None) -> bytes:
        """Return a new small picture, with a date in its EXIF if given."""
        self._number += 1
        exif = Image.Exif()
        if exif_date is not None:
            exif.get_ifd(0x8769)[0x9003] = exif_date
        return encode(textured(72, 54, seed=self._number), quality=70, exif=exif)

    def put(self, path: str, data: bytes, part: int | None = None) -> None:
        """Put a file below the folder of the photos, into one part after the other."""
        turn = self._number % self.parts if part is None else part % self.parts
        self.files.append((turn, f"{ROOT}/{path}", data))

    def add(
        self,
        trap: str,
        media: str,
        json_name: str | None,
        title: str | None = None,
        folder: str = "Photos from 2019",
        place: Place | None = None,
        taken: datetime.datetime | None = None,
        taken_at: str | None = None,
        source: str = "Takeout",
        exif_date: str | None = None,
        albums: Sequence[str] = (),
        json_part: int = 0,
        **fields: Any,
    ) -> bytes:
        """Add a photo with its ``.json``; json_part: how many parts after the photo's it is."""
        data = self.picture(exif_date)
        taken = taken or _START + datetime.timedelta(minutes=7 * self._number)
        self.put(f"{folder}/{media}", data)
        if json_name is not None:
            content = item_json(title or media, taken, place, **fields)
            self.put(f"{folder}/{json_name}", content, self._number + json_part)
        zone = ZoneInfo(place[2]) if place else datetime.UTC
        self.expect(
            data,
            trap,
            taken_at or taken.astimezone(zone).isoformat(),
            source,
            place=place and place[:2],
            description=fields.get("description") or None,
            is_favourite=bool(fields.get("favorited")),
            albums=frozenset(albums),
        )
        return data

    def expect(self, data: bytes, trap: str, taken_at: str, source: str, **facts: Any) -> None:
        """Set the truth of a photo."""
        self.truth[content_hash(data)] = Expected(trap, taken_at, source, **facts)

    def same_as(self, data: bytes, trap: str) -> None:
        """The picture added last is another version of a photo, with the same facts."""
        known_facts = self.truth[content_hash(data)]
        latest = content_hash(self.files[-1][2])
        self.truth[latest] = Expected(
            trap, known_facts.taken_at, known_facts.source, known_facts.place
        )

    def write(self, folder: Path, kind: str = "zip", parts: Sequence[int] = ()) -> list[Path]:
        """Write the parts as archives; parts: only these, from 0."""
        folder.mkdir(parents=True, exist_ok=True)
        write_archive: Callable[[Path, list[tuple[str, bytes]]], None]
        write_archive = write_zip if kind == "zip" else write_tgz
        paths = []
        for part in parts or range(self.parts):
            path = folder / f"{STAMP}-{part + 1:03d}.{kind}"
            write_archive(path, [(name, data) for turn, name, data in self.files if turn == part])
            paths.append(path)
        return paths


def stored_facts(services: Services, made: MadeTakeout) -> dict[str, Expected]:
    """What a library holds of an export's photos, by id, in the form of the truth."""
    gallery = services.gallery()
    albums: dict[str, set[str]] = {}
    for album in own_albums(services.library):
        for photo_id in gallery.ids(f'album:"{album.name}"'):
            albums.setdefault(photo_id, set()).add(album.name)
    return {
        photo.id: Expected(
            made.truth[photo.id].trap if photo.id in made.truth else "not in the truth",
            photo.taken_at or "",
            photo.taken_source or "",
            None
            if photo.latitude is None or photo.longitude is None
            else (photo.latitude, photo.longitude),
            photo.description,
            photo.favourite,
            frozenset(albums.get(photo.id, ())),
        )
        for photo in services.library.records(services.library.find())
    }


def item_json(
    title: str, taken: datetime.datetime, place: Place | None = None, **fields: Any
) -> bytes:
    """The ``.json`` of a photo as Takeout writes it."""
    latitude, longitude = place[:2] if place else (0.0, 0.0)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    seconds = int((taken - epoch).total_seconds())
    content = {
        "title": title,
        "description": "",
        "imageViews": "3",
        "creationTime": {"timestamp": "1700000000", "formatted": "14 Nov 2023, 22:13:20 UTC"},
        "photoTakenTime": {"timestamp": str(seconds), "formatted": "…"},
        "geoData": {"latitude": latitude, "longitude": longitude, "altitude": 0.0},
        "geoDataExif": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
        "url": "https://photos.google.com/photo/x",
    }
    return json.dumps(content | fields).encode()


def album_json(title: str) -> bytes:
    """The ``.json`` of an album."""
    date = {"timestamp": "1556957472", "formatted": "…"}
    content = {"title": title, "description": "", "access": "protected", "date": date}
    return json.dumps(content).encode()


def write_zip(path: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write a ZIP."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)


def write_tgz(path: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write a packed TAR."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def cut_json(title: str, supplement: str = _SUPPLEMENT, number: int = 0) -> str:
    """The name of a ``.json``, cut as Takeout cuts it."""
    return f"{(title + supplement)[:46]}{f'({number})' if number else ''}.json"


def made_takeout(count: int, parts: int = 3) -> MadeTakeout:
    """Make an export of at least so many files: every trap once, the others plain."""
    made = MadeTakeout(parts)
    _names(made)
    _versions(made)
    _dates_and_places(made)
    _folders(made)
    made.put("archive_browser.html", b"<html>takeout</html>", 0)
    made.put("print-subscriptions.json", b'{"x": []}', 0)
    number = 0
    while len(made.truth) + len(made.left_out) < count:
        number += 1
        _plain(made, number)
    return made


def _plain(made: MadeTakeout, number: int) -> None:
    name = f"DSC{number:05d}.jpg"
    suffix = (".json", f"{_SUPPLEMENT}.json")[number % 2]
    place = (None, LISBON, TOKYO)[number % 3]
    album = f"Album {number % 5}"
    folder = f"Photos from {2015 + number % 5}"
    data = made.add(
        "plain",
        name,
        f"{name}{suffix}",
        folder=folder,
        place=place,
        albums=[album] if number % 4 == 0 else [],
        favorited=number % 10 == 0,
        description=f"Day {number}" if number % 6 == 0 else "",
    )
    if number % 4 == 0:
        content = made.files[-1][2]
        made.put(f"{album}/{name}", data, number)
        made.put(f"{album}/{name}{suffix}", content, number + 1)
        if number <= 20:
            made.put(f"{album}/metadata.json", album_json(album), number)


def _names(made: MadeTakeout) -> None:
    made.add("old name", "IMG_1.jpg", "IMG_1.jpg.json")
    made.add("new name", "IMG_2.jpg", f"IMG_2.jpg{_SUPPLEMENT}.json")
    pixel = "PXL_Amsterdam_holiday_3.NIGHT.jpg"
    made.add("supplement cut", pixel, cut_json(pixel))
    assert cut_json(pixel).endswith(".supplemental.json") or "supplemental-" in cut_json(pixel)
    shortest = "a_name_of_exactly_forty_four_characters1.jpg"
    made.add("supplement cut to a letter", shortest, cut_json(shortest))
    long = "The harbour of Funchal in the evening after the long rain of May.jpg"
    made.add("title cut, old name", f"{long[:47]}.jpg", cut_json(long, ""), title=long)
    long = "Breakfast above the clouds with everybody from the old school.jpg"
    made.add("title cut, new name", f"{long[:47]}.jpg", cut_json(long), title=long)
    long = "Dinner in the small village where we always wanted to go again.jpg"
    made.add("title cut, first", f"{long[:47]}.jpg", cut_json(long), title=long)
    made.add("title cut, second", f"{long[:47]}(1).jpg", cut_json(long, number=1), title=long)
    emoji = "🏔️🏔️🏔️🏔️ a walk up to the hut with all of them.jpg"
    made.add("emoji count twice", emoji, f"{emoji[:42]}.json", title=emoji)
    made.add("number, first", "IMG_3.jpg", "IMG_3.jpg.json", title="IMG_3.jpg")
    made.add("number after the suffix", "IMG_3(1).jpg", "IMG_3.jpg(1).json", title="IMG_3.jpg")
    made.add("number, new first", "IMG_4.jpg", f"IMG_4.jpg{_SUPPLEMENT}.json")
    made.add(
        "number after the supplement",
        "IMG_4(2).jpg",
        f"IMG_4.jpg{_SUPPLEMENT}(2).json",
        title="IMG_4.jpg",
    )
    made.add("number in the title", "IMG_5(1).jpg", "IMG_5(1).jpg.json")
    made.add(
        "forbidden characters",
        "What_s up _ why_.jpg",
        "What_s up _ why_.jpg.json",
        title="What&#39;s up & why?.jpg",
    )
    made.add("characters only in the .json", "It_s.jpg", "It's.jpg.json", title="It's.jpg")
    made.add("found by the title alone", "Cats _ dogs.jpg", "x7.json", title="Cats & dogs.jpg")
    made.add("case of the suffix", "IMG_6.JPG", "IMG_6.jpg.json", title="IMG_6.jpg")
    made.add(
        "title without a suffix",
        "Peanut Butter Balls.jpg",
        f"Peanut Butter Balls{_SUPPLEMENT}.json",
        title="Peanut Butter Balls",
    )
    decomposed = unicodedata.normalize("NFD", "Köln Ärger.jpg")
    made.add("decomposed umlauts", decomposed, "Köln Ärger.jpg.json", title="Köln Ärger.jpg")
    made.add(".json in another part", "IMG_7.jpg", "IMG_7.jpg.json", json_part=1)


def _versions(made: MadeTakeout) -> None:
    """Edited versions and films, which share the ``.json`` of the photo."""
    folder = "Photos from 2019"

    def version(trap: str, original: bytes, name: str) -> None:
        made.put(f"{folder}/{name}", made.picture())
        made.same_as(original, trap)

    for end, language in (
        ("-edited", "English"),
        ("-bearbeitet", "German"),
        (unicodedata.normalize("NFD", "-modifié"), "French"),
        ("-ha editado", "Spanish"),
        ("-編集済み", "Japanese"),
    ):
        name = f"Trip {language}"
        original = made.add(f"edited in {language}", f"{name}.jpg", f"{name}.jpg.json")
        version(f"edited version in {language}", original, f"{name}{end}.jpg")
    first = made.add("edited, first", "IMG_8.jpg", "IMG_8.jpg.json")
    second = made.add(
        "edited, second", "IMG_8(1).jpg", "IMG_8.jpg(1).json", title="IMG_8.jpg", place=LISBON
    )
    version("edited version of the first", first, "IMG_8-edited.jpg")
    version("edited version of the second", second, "IMG_8-edited(1).jpg")
    png = made.add("edited with another suffix", "IMG_9.PNG", "IMG_9.PNG.json")
    version("edited version with another suffix", png, "IMG_9-edited.jpg")
    long = "a_walk_along_the_old_city_wall_at_night_1.jpg"
    original = made.add("long name, edited", long, cut_json(long))
    version("end of an edited version cut", original, f"{long[:-4]}-edi.jpg")
    for number, (trap, media, json_name, film, kind) in enumerate(
        (
            ("Live Photo", "IMG_10.jpg", f"IMG_10.jpg{_SUPPLEMENT}.json", "IMG_10.MOV", "MOV"),
            ("second Live Photo", "IMG_10(1).jpg", "IMG_10.jpg(1).json", "IMG_10(1).MOV", "MOV"),
            ("Pixel's motion photo", "PXL_11.MP.jpg", "PXL_11.MP.jpg.json", "PXL_11.MP", "MP4"),
        )
    ):
        picture = made.add(trap, media, json_name, title=media.replace("(1)", ""))
        made.put(f"{folder}/{film}", video(kind, 0.3, tint=number))
        made.same_as(picture, f"film of a {trap}")


def _dates_and_places(made: MadeTakeout) -> None:
    noon = datetime.datetime(2019, 7, 15, 10, 0, 0, tzinfo=datetime.UTC)
    made.add("place gives the zone", "A1.jpg", "A1.jpg.json", place=TOKYO, taken=noon)
    made.add(
        "EXIF of the same moment is local",
        "A2.jpg",
        "A2.jpg.json",
        taken=noon,
        exif_date="2019:07:15 12:00:00",
        taken_at="2019-07-15T12:00:00",
        source="DateTimeOriginal",
    )
    made.add(
        "EXIF of another year was corrected",
        "A3.jpg",
        "A3.jpg.json",
        taken=noon,
        exif_date="2007:01:01 00:00:09",
        place=LISBON,
    )
    made.add("day in the name, moment in the .json", "IMG-20190715-WA0012.jpg",
             "IMG-20190715-WA0012.jpg.json", taken=noon)  # fmt: skip
    made.add(
        "name of the same moment is local",
        "IMG_20190715_120000.jpg",
        "IMG_20190715_120000.jpg.json",
        taken=noon,
        taken_at="2019-07-15T12:00:00",
        source="file name",
    )
    before = datetime.datetime(1965, 6, 1, 12, 0, tzinfo=datetime.UTC)
    made.add("before 1970", "A4.jpg", "A4.jpg.json", folder="Photos from 1965", taken=before)
    made.add("0,0 is no place", "A5.jpg", "A5.jpg.json", favorited=True)
    data = made.add(
        "place only of EXIF",
        "A6.jpg",
        "A6.jpg.json",
        taken=noon,
        geoDataExif={"latitude": 38.72, "longitude": -9.14},
        taken_at="2019-07-15T11:00:00+01:00",
    )
    expected = made.truth[content_hash(data)]
    made.truth[content_hash(data)] = Expected(
        expected.trap, expected.taken_at, expected.source, LISBON[:2]
    )
    made.add("description", "A7.jpg", "A7.jpg.json", description="The dog Ömer in the sea")


def _folders(made: MadeTakeout) -> None:
    def copied(trap: str, name: str, album: str, folder: str = "Photos from 2019") -> None:
        data = made.add(trap, name, f"{name}.json", folder=folder, albums=[album.replace("_", ":")])
        content = made.files[-1][2]
        made.put(f"{album}/{name}", data)
        made.put(f"{album}/{name}.json", content)

    copied("copy in an album", "B1.jpg", "Trip_ Rome")
    made.put("Trip_ Rome/métadonnées.json", album_json("Trip: Rome"))
    copied("album without metadata.json", "B2.jpg", "Garden 2019")
    copied("year folder in German", "B3.jpg", "Sommer", folder="Fotos von 2018")
    made.put("Sommer/Metadaten.json", album_json("Sommer"))
    made.add("album without a copy", "B4.jpg", "B4.jpg.json", albums=["Sommer"])
    made.put("Sommer/B4.jpg.json", made.files[-1][2])
    made.add("archived", "B5.jpg", "B5.jpg.json", archived=True)
    made.add("folder of the archive", "B6.jpg", "B6.jpg.json", folder="Archiv")
    made.add("year folder, unlisted words", "B7.jpg", "B7.jpg.json", folder="Immagini 2016")
    made.add("year folder, the next", "B8.jpg", "B8.jpg.json", folder="Immagini 2017")
    for trap, folder, is_trashed in (
        ("trashed", "Photos from 2019", True),
        ("folder of the trash", "Papierkorb", False),
        ("locked folder", "Locked Folder", False),
    ):
        name = f"C{trap[:6]}.jpg"
        data = made.add(trap, name, f"{name}.json", folder=folder, trashed=is_trashed)
        del made.truth[content_hash(data)]
        made.left_out.add(content_hash(data))
