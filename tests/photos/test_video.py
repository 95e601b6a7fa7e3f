"""Videos: their kind, their frames, what their containers say, and damaged ones."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scene_model.errors import (
    DamagedPhoto,
    FileTooLarge,
    NotAPicture,
    PhotoError,
    TruncatedPhoto,
    UnreadableFile,
)
from scene_model.photos.content import VideoContent, content_id, read_content
from scene_model.photos.decode import MinimumSize, PhotoLimits, open_picture
from scene_model.photos.decoders.pool import DecodedFile, Decoders
from scene_model.photos.hashes import content_hash
from scene_model.photos.names import refusal_by_name
from scene_model.photos.sniff import FileKind, sniff
from scene_model.photos.thumbnail import make_frame_strip
from scene_model.photos.video.container import video_metadata
from scene_model.photos.video.kinds import VIDEO_FORMATS
from tests.videos import CONTAINERS, padded, sound, turned, video

Decode = Callable[[bytes], DecodedFile]
PHONE_TAGS = {
    "com.apple.quicktime.creationdate": "2024-07-15T14:03:22+0200",
    "com.apple.quicktime.location.ISO6709": "+38.7200-009.1400+012.345/",
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 15",
    "creation_time": "2024-07-15T12:03:25.000000Z",
}


@pytest.fixture
def decoded(decoders: Decoders, tmp_path: Path) -> Decode:
    """Decode a video's bytes from a file whose name says nothing."""

    def decode(data: bytes) -> DecodedFile:
        path = tmp_path / "file"
        path.write_bytes(data)
        content = read_content(path, PhotoLimits())
        if not isinstance(content, VideoContent):
            return decoders.decode(content)
        return decoders.decode_video(content, MinimumSize())

    return decode


@pytest.mark.parametrize("kind", sorted(VIDEO_FORMATS))
def test_four_frames_of_every_container(decoded: Decode, kind: str) -> None:
    data = video(kind)
    assert sniff(data[:4096]) == sniff(data)
    assert (sniff(data).kind, sniff(data).name) == (FileKind.VIDEO, kind)
    photo = decoded(data).photo
    assert (photo.format, photo.width, photo.height) == (kind, 64, 48)
    assert photo.duration_s == pytest.approx(2.0, abs=0.11)
    assert len(photo.frames) == 4
    # The lower half becomes brighter: an eighth, three, five and seven eighths of the way.
    reds = [int(frame[-4, 4, 0]) for frame in photo.frames]
    assert reds == pytest.approx([65, 115, 165, 215], abs=12)
    assert np.array_equal(photo.pixels, photo.frames[0])


def test_every_container_has_a_maker() -> None:
    assert set(CONTAINERS) == VIDEO_FORMATS


def test_a_video_that_is_turned(decoded: Decode) -> None:
    photo = decoded(turned(video("MOV"))).photo
    assert (photo.width, photo.height) == (48, 64)
    assert photo.pixels.shape == (64, 48, 3)
    # The white corner moves from the upper left to the upper right.
    assert photo.pixels[4, -4].min() > 200
    assert photo.pixels[4, 4].max() < 200


def test_a_stream_without_a_duration(decoded: Decode) -> None:
    photo = decoded(video("WEBM", 3.0, is_live=True)).photo
    assert photo.duration_s == pytest.approx(3.0, abs=0.11)
    assert len({int(frame[-4, 4, 0]) for frame in photo.frames}) == 4


def test_metadata_of_a_phone(decoded: Decode) -> None:
    metadata = decoded(video("MOV", tags=PHONE_TAGS)).metadata
    assert (metadata.taken_at, metadata.taken_source) == (
        "2024-07-15T14:03:22+02:00",
        "CreationDate",
    )
    assert (metadata.latitude, metadata.longitude) == (38.72, -9.14)
    assert metadata.camera == "Apple iPhone 15"


def test_metadata_of_a_container_alone(decoded: Decode) -> None:
    metadata = decoded(video("MP4", tags={"creation_time": "2024-07-15T12:03:25Z"})).metadata
    assert metadata.taken_at == "2024-07-15T12:03:25+00:00"
    assert metadata.taken_source == "CreationTime"
    assert decoded(video("AVI")).metadata.taken_at is None


@pytest.mark.parametrize(
    ("tags", "taken_at"),
    [
        ({"creation_time": "1904-01-01T00:00:00.000000Z"}, None),
        ({"creation_time": "no date"}, None),
        ({"creation_time": "2024-07-15T12:03:25.000000Z"}, "2024-07-15T12:03:25+00:00"),
        # Cameras write their clock there, which has no zone.
        ({"creation_time": "2024-07-15T12:03:25Z", "make": "GoPro"}, "2024-07-15T12:03:25"),
        ({"creation_time": "2024-07-15T12:03:25Z", "make": "samsung"}, "2024-07-15T12:03:25+00:00"),
        ({"com.apple.quicktime.creationdate": "2024-07-15"}, None),
    ],
)
def test_dates_of_containers(tags: dict[str, str], taken_at: str | None) -> None:
    assert video_metadata(tags).taken_at == taken_at


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("+38.7200-009.1400+012.345/", (38.72, -9.14)),
        ("-33.8600+151.2100/", (-33.86, 151.21)),
        ("+3843.2-00908.4/", (38.72, -9.14)),
        ("+384312-0090824/", (38.72, -9.14)),
        ("+00.0000+000.0000/", (None, None)),
        ("+99.0000+000.1000/", (None, None)),
        ("Lisbon", (None, None)),
    ],
)
def test_places_of_containers(text: str, place: tuple[float | None, float | None]) -> None:
    metadata = video_metadata({"location": text})
    assert (metadata.latitude, metadata.longitude) == place
    assert metadata.altitude_m == (12.345 if "+012" in text else None)


def test_sound_alone_is_no_video(decoded: Decode) -> None:
    with pytest.raises(NotAPicture, match="no moving picture"):
        decoded(sound())


@pytest.mark.parametrize("kind", sorted(VIDEO_FORMATS))
def test_a_video_that_is_cut_short(decoded: Decode, kind: str) -> None:
    data = video(kind)
    for part in (0.4, 0.9):
        with pytest.raises(TruncatedPhoto, match="cut short"):
            decoded(data[: int(len(data) * part)])


def test_a_container_without_a_frame(decoded: Decode) -> None:
    data = video("MP4")
    media, index = data.index(b"mdat"), data.index(b"moov") - 4
    with pytest.raises(DamagedPhoto, match="no frame"):
        decoded(data[: media + 4] + bytes(index - media - 4) + data[index:])


@pytest.mark.slow
def test_two_hundred_damaged_videos(decoded: Decode) -> None:
    """Each is decoded, or refused by a named error; none ends a decoder or takes long."""
    made = [video(kind, 1.0) for kind in sorted(VIDEO_FORMATS)]
    chance = np.random.default_rng(20)
    outcomes = set()
    for number in range(200):
        data = bytearray(made[number % len(made)])
        if number % 4 == 0:
            data = data[: int(chance.integers(12, len(data)))]
        else:
            for _ in range(int(chance.choice((1, 5, 30)))):
                data[int(chance.integers(8, len(data)))] = int(chance.integers(256))
        try:
            decoded(bytes(data))
            outcomes.add("decoded")
        except PhotoError as error:
            outcomes.add(error.code)
    assert {"decoded", "truncated_photo"} <= outcomes
    assert "decoding_stopped" not in outcomes


def test_playlists_and_other_kinds_are_not_opened(decoded: Decode, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video())
    for text in (
        f"ffconcat version 1.0\nfile '{secret}'\n",
        f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
    ):
        with pytest.raises(NotAPicture):
            decoded(text.encode())
    with pytest.raises(NotAPicture, match="not read"):
        decoded(b"FLV\x01" + bytes(200))


@pytest.mark.slow
def test_ffmpeg_is_loaded_only_where_photos_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(video())
    program = (
        "import sys, scene_model.services, scene_model.api.routes\n"
        "from pathlib import Path\n"
        "from scene_model.photos.content import read_content\n"
        "from scene_model.photos.decode import PhotoLimits\n"
        "from scene_model.photos.decoders.pool import Decoders\n"
        "decoders = Decoders(PhotoLimits(), 1)\n"
        "content = read_content(Path(sys.argv[1]), decoders.limits)\n"
        "print(decoders.decode_video(content).photo.format, 'av' in sys.modules)\n"
        "decoders.close()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.mp4"], capture_output=True, check=True
    )
    assert run.stdout.split() == [b"MP4", b"False"]


def test_what_names_and_bytes_say() -> None:
    assert refusal_by_name("trip/film.MOV") is None
    refusal = refusal_by_name("film.wmv")
    assert refusal is not None
    assert refusal.code == "video_file"
    with pytest.raises(NotAPicture, match="only pictures"):
        open_picture(video(), PhotoLimits())


def test_content_of_a_file(tmp_path: Path, temple: bytes) -> None:
    data = padded(video(), 3_000_000)
    path = tmp_path / "film.jpg"  # the name does not count
    path.write_bytes(data)
    content = read_content(path, PhotoLimits(max_file_bytes=1000))
    assert isinstance(content, VideoContent)
    assert content_id(content) == content_hash(data)
    with pytest.raises(FileTooLarge, match="SCENE_MAX_VIDEO_BYTES"):
        read_content(path, PhotoLimits(max_video_bytes=1000))
    path.write_bytes(temple)
    assert read_content(path, PhotoLimits(max_video_bytes=1000)) == temple
    with pytest.raises(UnreadableFile):
        read_content(tmp_path, PhotoLimits())


def test_a_strip_has_four_frames() -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    strip = open_picture(make_frame_strip([frame, frame]), PhotoLimits())
    assert (strip.width, strip.height) == (4 * 64, 48)
