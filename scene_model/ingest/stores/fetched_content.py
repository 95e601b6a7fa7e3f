"""Fetch the content of a file at a URL, for adding it; nothing stays of it but what is stored."""

import contextlib
import secrets
from collections.abc import Iterator

from scene_model.library.file_system import library_error
from scene_model.library.remote_originals import FetchOriginal
from scene_model.library.store import Library
from scene_model.photos.content import Content, read_content
from scene_model.photos.decode import PhotoLimits


@contextlib.contextmanager
def fetched_content(
    library: Library, fetch: FetchOriginal, url: str, limits: PhotoLimits, max_bytes: int
) -> Iterator[Content]:
    """Fetch a file, and yield its content; a video is a file until the block ends.

    Raises PhotoError, FetchError among them, and LibraryFull.
    """
    path = library.files.new_dir / secrets.token_hex(16)
    try:
        try:
            fetch(url, path, max_bytes)
        except OSError as error:
            raise library_error(error, library.folder) from error
        yield read_content(path, limits)
    finally:
        path.unlink(missing_ok=True)
