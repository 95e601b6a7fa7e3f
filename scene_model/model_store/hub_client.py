"""Ask a hub of models over https: no account, no cookies, nothing is sent but the request."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

from scene_model import __version__
from scene_model.errors import ModelHubError, ModelRefused

_CONNECT_S = 10.0
_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_HERE = ("localhost", "127.0.0.1", "::1")
_PIECE_BYTES = 1 << 20


class Answer:
    """An answer whose bytes are still to come."""

    def __init__(self, response: Any, host: str, errors: Any) -> None:
        """errors: urllib3's exceptions."""
        self._response, self._host, self._errors = response, host, errors

    @property
    def status(self) -> int:
        """The HTTP status: 200, 206 or 416."""
        return int(self._response.status)

    @property
    def starts_at(self) -> int:
        """The place in the file of the first byte that comes."""
        content_range = self._response.headers.get("Content-Range", "")
        start = content_range.removeprefix("bytes ").partition("-")[0]
        return int(start) if self.status == 206 and start.isdecimal() else 0

    def pieces(self, decode: bool = False) -> Iterator[bytes]:
        """Yield the bytes as they arrive; decode: if they came compressed. Raises ModelHubError."""
        try:
            while piece := self._response.read1(_PIECE_BYTES, decode_content=decode):
                yield piece
        except self._errors.HTTPError as error:
            raise _unavailable(self._host, error) from error


class HubClient:
    """Asks one hub."""

    def __init__(self, address: str, timeout_s: float) -> None:
        """address: `Settings.model_hub`. Raises ModelHubError, or ModelRefused without urllib3."""
        try:
            import urllib3
        except ImportError as error:
            raise ModelRefused(
                'Downloads need another package. Run pip install "scene-gallery[onnx]".',
                code="model_package_missing",
            ) from error
        self._errors: Any = urllib3.exceptions
        self._address = address.rstrip("/")
        self._hub_host = urlsplit(self._address).hostname
        self._is_here = self._hub_host in _HERE
        self._require_safe(self._address)
        # Proxies and accounts that the environment names are not used.
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=min(_CONNECT_S, timeout_s), read=timeout_s),
            retries=False,
            headers={
                "User-Agent": f"scene-gallery/{__version__}",
                "Accept-Encoding": "identity",
            },
        )

    @contextmanager
    def get(self, path: str, start: int = 0) -> Iterator[Answer]:
        """Ask for a path, from a byte on, and follow redirects. Raises ModelHubError."""
        url = f"{self._address}/{path}"
        headers = dict(self._pool.headers)
        if start:
            headers["Range"] = f"bytes={start}-"
        for redirects in range(_MAX_REDIRECTS + 1):
            self._require_safe(url)
            host = urlsplit(url).hostname or url
            if redirects:
                self._require_public(host)
            try:
                response = self._pool.request(
                    "GET", url, headers=headers, preload_content=False, redirect=False
                )
            except (self._errors.HTTPError, ValueError) as error:
                raise _unavailable(host, error) from error
            try:
                if response.status not in _REDIRECTS:
                    _check_status(response.status, host, path)
                    yield Answer(response, host, self._errors)
                    return
                url = urljoin(url, response.headers.get("Location", ""))
            finally:
                response.close()
        raise ModelHubError(f"{self._address} redirects more than {_MAX_REDIRECTS} times.")

    def read(self, path: str, max_bytes: int) -> bytes:
        """Return a whole answer. Raises ModelHubError."""
        with self.get(path) as answer:
            data = bytearray()
            for piece in answer.pieces(decode=True):
                data += piece
                if len(data) > max_bytes:
                    raise ModelHubError(
                        f"The answer to {path} has more than {max_bytes:,} bytes.",
                        code="hub_file_differs",
                    )
        return bytes(data)

    def _require_safe(self, url: str) -> None:
        parts = urlsplit(url)
        # From a hub elsewhere no address may lead to the servers of this computer.
        is_of_here = parts.hostname in _HERE and self._is_here
        if (
            not parts.hostname
            or parts.scheme != "https"
            and not (parts.scheme == "http" and is_of_here)
        ):
            raise ModelHubError(
                f"Models are downloaded over https only, not from {url[:100]!r}. Change "
                "SCENE_MODEL_HUB if it says so.",
                code="hub_address_refused",
            )

    def _require_public(self, host: str) -> None:
        """Refuse a redirect from the hub to this computer or to others of its network."""
        if host == self._hub_host or self._is_here and host in _HERE:
            return
        if not is_public(host):
            raise ModelHubError(
                f"{self._hub_host} redirects to {host[:100]}, an address of this computer or its "
                "network. Models are downloaded from public addresses only.",
                code="hub_address_refused",
            )


def is_public(host: str) -> bool:
    """Return whether all addresses of a host are public. Raises ModelHubError if it has none.

    The name may lead elsewhere when it is asked for next; then the certificate does not fit.
    """
    try:
        entries = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise _unavailable(host, error) from error
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in entries]
    return all(_is_global(address) for address in addresses)


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast


def _check_status(status: int, host: str, path: str) -> None:
    if status in (200, 206, 416):
        return
    if status in (401, 403):
        raise ModelHubError(
            f"{host} does not give {path} without an account (status {status}): the model is "
            "restricted, private, or there is none of that name. Download it yourself once you "
            "have access, and add the folder.",
            code="hub_access_denied",
        )
    if status in (404, 410):
        raise ModelHubError(
            f"{host} has no {path}. Check the name and the revision: ORG/NAME@REVISION.",
            code="hub_not_found",
        )
    raise ModelHubError(
        f"{host} does not answer as it should (status {status}). Try again later; what has "
        "arrived is kept."
    )


def _unavailable(host: str, error: Exception) -> ModelHubError:
    return ModelHubError(
        f"{host} cannot be reached, or the connection broke ({type(error).__name__}). Try again; "
        "what has arrived is kept."
    )
