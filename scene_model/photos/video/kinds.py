"""The kinds of video files."""

# What the library stores as the format of a video. M4V and 3GP are relatives of MP4.
VIDEO_FORMATS = frozenset("MP4 MOV M4V 3GP MKV WEBM AVI".split())
VIDEO_SUFFIXES = frozenset(f".{name.lower()}" for name in VIDEO_FORMATS)

MEDIA_TYPES = {
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
    "M4V": "video/x-m4v",
    "3GP": "video/3gpp",
    "MKV": "video/x-matroska",
    "WEBM": "video/webm",
    "AVI": "video/x-msvideo",
}
# What is shown of a video and tagged.
FRAME_COUNT = 4

_MATROSKA = b"\x1aE\xdf\xa3"
_DOC_TYPE_BYTES = 64
# Files of QuickTime from before brands begin with one of these boxes.
_OLD_QUICKTIME = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
_FIRST_PRINTABLE = 0x20


def video_kind(head: bytes) -> str | None:
    """Return the format of a video, one of `VIDEO_FORMATS`, by its first bytes; None for others.

    Pictures in the same containers (HEIF, AVIF, CR3) count as videos here.
    """
    if head.startswith(_MATROSKA):
        return "WEBM" if b"webm" in head[:_DOC_TYPE_BYTES] else "MKV"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    if head[4:8] == b"ftyp":
        return _kind_of_brand(head[8:12])
    # The size before the name is that of a file, not the letters of a text.
    is_old = head[4:8] in _OLD_QUICKTIME and head[0] < _FIRST_PRINTABLE
    return "MOV" if is_old else None


def _kind_of_brand(brand: bytes) -> str:
    """Return the format by the major brand (ISO/IEC 14496-12)."""
    if brand == b"qt  ":
        return "MOV"
    if brand.startswith(b"M4V"):
        return "M4V"
    return "3GP" if brand[:3] in (b"3gp", b"3g2") else "MP4"
