"""How many files the process may hold open, and what that allows."""

import contextlib
import sys

from scene_model.config import Settings

# For the model, the program's own files, requests that are being answered, and the pages closed in
# the last minutes: Streamlit keeps 128 of them, with three files each.
_OTHER_FILES = 128 + 128 * 3
# An open page: its WebSocket, and what Streamlit opens for each.
_FILES_PER_SOCKET = 4
# An open library that answers several requests at once: five connections to read, five to write.
_FILES_PER_LIBRARY = 24
_FEWEST_SOCKETS = 8
_RAISED_LIMIT = 65_536


def open_file_limit() -> int | None:
    """Return the limit on open files of this process; None where there is none."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def raise_open_file_limit() -> None:
    """Raise this process's limit on open files to 65,536, or to what the system allows."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised = _RAISED_LIMIT if hard == resource.RLIM_INFINITY else min(hard, _RAISED_LIMIT)
    if soft != resource.RLIM_INFINITY and soft < raised:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))


def socket_limit(settings: Settings) -> int:
    """Return how many WebSockets may be open: the setting, or what the limit on files allows."""
    files = open_file_limit()
    if files is None:
        return settings.max_sockets
    allowed = (files - _OTHER_FILES) // 2 // _FILES_PER_SOCKET
    return min(settings.max_sockets, max(_FEWEST_SOCKETS, allowed))


def library_limit(settings: Settings) -> int:
    """Return how many libraries may be open: the setting, or what the limit on files allows."""
    files = open_file_limit()
    if files is None:
        return settings.max_open_libraries
    left = files - _OTHER_FILES - _FILES_PER_SOCKET * socket_limit(settings)
    return max(1, min(settings.max_open_libraries, left // _FILES_PER_LIBRARY))
