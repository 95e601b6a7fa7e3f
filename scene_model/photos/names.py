"""File kinds by name alone, to refuse a document before it is uploaded."""

from pathlib import PurePosixPath

from scene_model.errors import NotAPicture, PhotoError, VideoFile
from scene_model.photos.decode import video_refusal
from scene_model.photos.sniff import MEDIA_SUFFIXES
from scene_model.photos.video.kinds import VIDEO_SUFFIXES

_OTHER_VIDEOS = frozenset(".mpg .mpeg .wmv .mts .m2ts .flv .ogv .vob".split())
_DOCUMENTS = frozenset(
    ".pdf .doc .docx .odt .rtf .txt .md .xls .xlsx .ods .csv .ppt .pptx .odp .html .htm .json .xml "
    ".epub .pages .numbers .key .eml .log .ini .url".split()
)
_SOUNDS = frozenset(".mp3 .wav .flac .m4a .aac .ogg .opus .wma .aiff".split())
_ARCHIVES = frozenset(".zip .rar .7z .tar .tgz .gz .bz2 .xz .iso .dmg .exe .msi .apk".split())
# Those that are read as archives, if they come without photos beside them.
_READ_ARCHIVES = frozenset(".zip .tgz .tar .gz".split())


def is_video_name(name: str) -> bool:
    """Return whether a file is a video by its suffix, also the film of a Pixel's motion photo."""
    return PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES | _OTHER_VIDEOS | {".mp"}


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
            message = f"This is {kind} ({suffix[1:]}); only pictures and videos are tagged."
            if suffix in _READ_ARCHIVES:
                message += (
                    " Upload archives without photos beside them, or add them in the tab “Folder "
                    "on this computer” or with `library add`. On a shared server, unpack them "
                    "first."
                )
            return NotAPicture(message)
    return None
