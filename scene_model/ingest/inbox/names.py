"""Names in an inbox: which are allowed, which are final, and which are files of the system."""

from scene_model.errors import InboxError
from scene_model.ingest.watch.names import is_photo_name

_MAX_NAME_BYTES, _MAX_DEPTH = 255, 32
# What Finder and Explorer put beside files.
_SYSTEM_FILES = frozenset((".ds_store", "thumbs.db", "desktop.ini", ".metadata_never_index"))


def checked_path(path: str) -> str:
    """Return a path without slashes at its ends; raises InboxError for an invalid one."""
    path = path.strip("/")
    names = path.split("/") if path else []
    if len(names) > _MAX_DEPTH:
        raise InboxError(
            f"The path has {len(names)} levels; the limit is {_MAX_DEPTH}.",
            code="inbox_name_invalid",
        )
    for name in names:
        _check_name(name)
    return path


def is_final_name(name: str) -> bool:
    """Whether a file is to be added under this name; apps rename others when they are whole."""
    return is_photo_name(name)


def is_system_name(name: str) -> bool:
    """Whether a system stores such files for itself, beside every file or in every folder."""
    return name.startswith("._") or name.lower() in _SYSTEM_FILES


def _check_name(name: str) -> None:
    problem = None
    if name in ("", ".", ".."):
        problem = "is not a valid name"
    elif not name.isprintable() or "\\" in name:
        problem = "has a character that is not allowed in names"
    elif len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        problem = f"is longer than {_MAX_NAME_BYTES} bytes"
    else:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            problem = "is not UTF-8"
    if problem is not None:
        raise InboxError(f"{name[:60]!r} {problem}.", code="inbox_name_invalid")
