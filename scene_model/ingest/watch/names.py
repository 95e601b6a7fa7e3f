"""Which files and folders of a watched folder are photos, by their names alone."""

from pathlib import PurePath

from scene_model.photos.sniff import MEDIA_SUFFIXES

# What browsers, Syncthing, rsync and editors append to or put into the name of a partial file.
_PARTIAL = frozenset(
    ".part .partial .crdownload .download .opdownload .filepart .tmp .temp .!ut .!sync".split()
)
# Trash, thumbnails and index folders of systems and NAS devices.
_SYSTEM_FOLDERS = frozenset(
    ("$recycle.bin", "system volume information", "lost+found", "@eadir", "#recycle", "#snapshot")
)


def is_photo_name(name: str) -> bool:
    """Whether a file is to be added by its name: a picture's or a video's.

    Hidden files and partial ones are not.
    """
    if name.startswith((".", "~")):
        return False
    *before, suffix = PurePath(name).suffixes or [""]
    if suffix.lower() not in MEDIA_SUFFIXES:
        return False
    return not (before and before[-1].lower() in _PARTIAL)


def is_watched_folder_name(name: str) -> bool:
    """Whether a folder inside a watched one is read: not when it is hidden or the system's."""
    return not name.startswith(".") and name.lower() not in _SYSTEM_FOLDERS
