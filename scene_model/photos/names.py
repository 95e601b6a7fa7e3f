"""File kinds by name alone, to refuse a document before it is uploaded."""

from pathlib import PurePosixPath

from scene_model.errors import NotAPicture, PhotoError, VideoFile
from scene_model.photos.decode import video_refusal
from scene_model.photos.sniff import MEDIA_SUFFIXES

_OTHER_VIDEOS = frozenset(".mpg .mpeg .wmv .mts .m2ts .flv .ogv .vob".split())
_DOCUMENTS = frozenset(
    ".pdf .doc .docx .odt .rtf .txt .md .xls .xlsx .ods .csv .ppt .pptx .odp .html .htm .json .xml "
    ".epub .pages .numbers .key .eml .log .ini .url".split()
)
_SOUNDS = frozenset(".mp3 .wav .flac .m4a .aac .ogg .opus .wma .aiff".split())
_ARCHIVES = frozenset(".zip .rar .7z .tar .gz .bz2 .xz .iso .dmg .exe .msi .apk".split())


def refusal_by_name(name: str) -> PhotoError | None:
    """Return why a file is refused by its suffix; None when its bytes must be checked."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in MEDIA_SUFFIXES:
        return None
    if suffix in _OTHER_VIDEOS:
        return VideoFile(video_refusal(suffix[1:]))
    for suffixes, kind in (
        (_DOCUMENTS, "a document"),
        (_SOUNDS, "a sound file"),
        (_ARCHIVES, "an archive or a program"),
    ):
        if suffix in suffixes:
            return NotAPicture(
                f"This is {kind} ({suffix[1:]}); only pictures and videos are tagged."
            )
    return None
