"""The folders and files of an inbox for WsgiDAV, which handles the protocol; `Inbox` decides.

No resource has content, so nothing can be read.
"""

import mimetypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from wsgidav.dav_error import HTTP_FORBIDDEN, DAVError
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider
from wsgidav.error_printer import ErrorPrinter
from wsgidav.request_resolver import RequestResolver
from wsgidav.wsgidav_app import WsgiDAVApp

from scene_model.errors import SceneError
from scene_model.ingest.inbox.entries import Entry, joined
from scene_model.ingest.inbox.inbox import Arrived, Inbox

# SHA-256 of no bytes.
_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def create_dav_app(inbox: Inbox, mount_path: str) -> Callable[..., Iterator[bytes]]:
    """Create the WSGI application of an inbox, without sign-in and without pages."""
    app: Callable[..., Iterator[bytes]] = WsgiDAVApp(
        {
            "provider_mapping": {"/": InboxProvider(inbox)},
            "mount_path": mount_path,
            "middleware_stack": [ErrorPrinter, RequestResolver],
            "hotfixes": {"emulate_win32_lastmod": True},
            "mutable_live_props": ["{DAV:}getlastmodified"],
            "property_manager": False,
            "http_authenticator": {"accept_basic": False},  # checked before
            "suppress_version_info": True,
            "verbose": 1,
            "logging": {"enable": False},
        }
    )
    return app


class InboxProvider(DAVProvider):  # type: ignore[misc]  # WsgiDAV has no types
    """Finds the resources of one inbox."""

    def __init__(self, inbox: Inbox) -> None:
        """Wrap an inbox."""
        super().__init__()
        self.inbox = inbox

    def get_resource_inst(self, path: str, environ: dict[str, Any]) -> "_Folder | _File | None":
        """Return a folder or file; None where there is none."""
        name = path.strip("/")
        if not name:
            return _Folder("/", environ, self.inbox, None)
        entry = self.inbox.entries.get(name)
        if entry is None:
            return None
        kind = _Folder if entry.is_folder else _File
        return kind(f"/{name}", environ, self.inbox, entry)


class _Changes:
    """What folders and files have in common: names that can be changed."""

    path: str
    inbox: Inbox
    entry: Entry | None

    def get_creation_date(self) -> float | None:
        return None if self.entry is None else self.entry.received_at

    def get_last_modified(self) -> float | None:
        return None if self.entry is None else self.entry.modified_at

    def set_last_modified(self, _path: str, time_stamp: str, *, dry_run: bool) -> bool:
        try:
            modified_at = parsedate_to_datetime(time_stamp).timestamp()
        except (TypeError, ValueError, OverflowError):
            raise DAVError(HTTP_FORBIDDEN, "The time cannot be read.") from None
        if not dry_run:
            with _translated():
                self.inbox.set_time(self.path, modified_at)
        return True

    def handle_delete(self) -> bool:
        with _translated():
            self.inbox.remove(self.path)
        return True

    def handle_move(self, dest_path: str) -> bool:
        with _translated():
            self.inbox.rename(self.path, dest_path)
        return True

    def handle_copy(self, _path: str, *, depth_infinity: bool) -> NoReturn:
        raise DAVError(HTTP_FORBIDDEN, "An inbox makes no copies.")


class _File(_Changes, DAVNonCollection):  # type: ignore[misc]
    entry: Entry

    def __init__(self, path: str, environ: dict[str, Any], inbox: Inbox, entry: Entry) -> None:
        super().__init__(path, environ)
        self.inbox, self.entry = inbox, entry

    def get_content_length(self) -> int:
        return self.entry.file_bytes

    def get_content_type(self) -> str:
        return mimetypes.guess_type(self.path)[0] or "application/octet-stream"

    def get_etag(self) -> str | None:
        return self.entry.sha256 or None

    def support_etag(self) -> bool:
        return bool(self.entry.sha256)

    def support_ranges(self) -> bool:
        return False

    def get_content(self) -> NoReturn:
        raise DAVError(HTTP_FORBIDDEN, "An inbox only adds; nothing is read from it.")

    def begin_write(self, *, content_type: str | None = None) -> NoReturn:
        raise DAVError(HTTP_FORBIDDEN, f"Files of {content_type} are received elsewhere.")


class _Folder(_Changes, DAVCollection):  # type: ignore[misc]
    def __init__(
        self, path: str, environ: dict[str, Any], inbox: Inbox, entry: Entry | None
    ) -> None:
        super().__init__(path, environ)
        self.inbox, self.entry, self._request = inbox, entry, environ

    def get_member_names(self) -> list[str]:
        return self.inbox.entries.names(self.path.strip("/"))

    def get_member(self, name: str) -> "_File | _Folder | None":
        resource: _File | _Folder | None = self.provider.get_resource_inst(
            f"/{joined(self.path.strip('/'), name)}", self._request
        )
        return resource

    def get_member_list(self) -> "list[_File | _Folder]":
        members = (self.get_member(name) for name in self.get_member_names())
        return [member for member in members if member is not None]

    def create_collection(self, name: str) -> None:
        with _translated():
            self.inbox.make_folder(joined(self.path.strip("/"), name))

    def create_empty_resource(self, name: str) -> "_File | _Folder | None":
        path = joined(self.path.strip("/"), name)
        with _translated():
            self.inbox.begin_file(path, 0)
            written = self.inbox.new_path()
            written.touch()
            try:
                self.inbox.finish_file(path, Arrived(written, 0, _EMPTY_SHA256))
            finally:
                written.unlink(missing_ok=True)
        return self.get_member(name)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SceneError as error:
        raise DAVError(error.http_status, error.public_message) from error
