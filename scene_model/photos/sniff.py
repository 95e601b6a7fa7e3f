"""Detect the kind of a file from its first bytes, never from its name."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from scene_model.photos.raw.kinds import RAW_SUFFIXES, raw_kind
from scene_model.photos.video.kinds import VIDEO_SUFFIXES, video_kind


class FileKind(StrEnum):
    """Kind of a file, by its first bytes."""

    PICTURE = "picture"
    VIDEO = "video"
    UNSUPPORTED_PICTURE = "unsupported picture"
    OTHER = "other"


@dataclass(frozen=True)
class Sniffed:
    """A file's kind and its display name."""

    kind: FileKind
    name: str


# ISO base media brands (ISO/IEC 14496-12): the four letters after "ftyp".
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

JPEG_XL = "JPEG XL"

_SIGNATURES: tuple[tuple[bytes, FileKind, str], ...] = (
    (b"\xff\xd8\xff", FileKind.PICTURE, "JPEG"),
    (b"\x89PNG\r\n\x1a\n", FileKind.PICTURE, "PNG"),
    (b"GIF87a", FileKind.PICTURE, "GIF"),
    (b"GIF89a", FileKind.PICTURE, "GIF"),
    (b"II*\x00", FileKind.PICTURE, "TIFF"),
    (b"MM\x00*", FileKind.PICTURE, "TIFF"),
    (b"II+\x00", FileKind.PICTURE, "TIFF"),
    (b"MM\x00+", FileKind.PICTURE, "TIFF"),
    (b"\x00\x00\x01\xba", FileKind.VIDEO, "MPEG"),
    (b"\x00\x00\x01\xb3", FileKind.VIDEO, "MPEG"),
    (b"FLV\x01", FileKind.VIDEO, "Flash"),
    (b"0&\xb2u\x8ef\xcf\x11", FileKind.VIDEO, "Windows Media"),
    (b"8BPS", FileKind.UNSUPPORTED_PICTURE, "Photoshop"),
    (b"\xff\x0a", FileKind.PICTURE, JPEG_XL),
    (b"\x00\x00\x00\x0cJXL ", FileKind.PICTURE, JPEG_XL),
    (b"\x00\x00\x00\x0cjP  ", FileKind.UNSUPPORTED_PICTURE, "JPEG 2000"),
)

_BITMAP_HEADERS = {size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124)}

# Suffixes that a folder scan treats as pictures; a file named explicitly is always tried.
_OTHER_SUFFIXES = (
    ".jpg .jpeg .jpe .jfif .mpo .png .webp .avif .gif .tif .tiff .bmp .dib .heic .heif .hif .jxl"
)
PICTURE_SUFFIXES = RAW_SUFFIXES | frozenset(_OTHER_SUFFIXES.split())
# Those of everything that a library takes.
MEDIA_SUFFIXES = PICTURE_SUFFIXES | VIDEO_SUFFIXES


def has_picture_name(path: PurePath) -> bool:
    """Return whether a folder scan should try the file, by its suffix alone."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def has_media_name(path: PurePath) -> bool:
    """Return whether a file may be a picture or a video, by its suffix alone."""
    return path.suffix.lower() in MEDIA_SUFFIXES


def sniff(data: bytes) -> Sniffed:
    """Detect the kind of a file.

    data: the whole file, or at least its first 512 bytes, by which the RAW files of many cameras
    cannot be told from TIFF.
    """
    raw = raw_kind(data)
    if raw is not None:
        return Sniffed(FileKind.PICTURE, raw)
    for signature, kind, name in _SIGNATURES:
        if data.startswith(signature):
            return Sniffed(kind, name)
    # Two letters are ambiguous: check the length of a bitmap's second header too.
    if data[:2] == b"BM" and data[14:18] in _BITMAP_HEADERS:
        return Sniffed(FileKind.PICTURE, "BMP")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Sniffed(FileKind.PICTURE, "WebP")
    if data[4:8] == b"ftyp" and (picture := _iso_picture(data)):
        return Sniffed(FileKind.PICTURE, picture)
    video = video_kind(data)
    if video is not None:
        return Sniffed(FileKind.VIDEO, video)
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml")) and b"<svg" in start:
        return Sniffed(FileKind.UNSUPPORTED_PICTURE, "SVG")
    if start.startswith(b"%pdf"):
        return Sniffed(FileKind.OTHER, "PDF")
    return Sniffed(FileKind.OTHER, "unknown")


def _iso_picture(data: bytes) -> str | None:
    # A HEIF may have a generic major brand and list HEIF only among the compatible brands.
    box_bytes = min(max(int.from_bytes(data[:4], "big"), 16), 256)
    brands = {data[8:12]} | {data[i : i + 4] for i in range(16, box_bytes - 3, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None
