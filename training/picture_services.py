"""Rate-limited clients of services that list openly licensed pictures.

Openverse: https://api.openverse.org/v1/ · Wikimedia Commons: https://commons.wikimedia.org/w/api.php
"""

import html
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import IO, Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from training.recipe import TrainingError

_ATTEMPTS = 4
_FIRST_BACKOFF_S = 2.0
_LONGEST_PAUSE_S = 300.0
# Temporary errors. Status 500 is not: the same request fails again.
_TEMPORARY_STATUSES = {429, 502, 503, 504}
_MAX_RESPONSE_BYTES = 20_000_000
_CHUNK_BYTES = 65_536
# Openverse returns 20 results per page and 240 per query without an account.
_OPENVERSE_PAGE, _OPENVERSE_DEPTH = 20, 240
_OPENVERSE_THUMBNAIL_WIDTH = 600
# MediaWiki scales at most 50 pictures per request.
_COMMONS_PAGE, _COMMONS_DEPTH = 50, 1000
# Wikimedia stores pictures at these widths; others are rendered on request or refused
# (https://www.mediawiki.org/wiki/Common_thumbnail_sizes).
_COMMONS_WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
_CC_BY = re.compile(r"cc[ -](by(?:[ -](?:nc|sa|nd))*)(?![\w-])")


class CollectError(TrainingError):
    """Collecting cannot start or continue; the message gives the reason and the remedy."""


class ServiceDown(CollectError):
    """The picture service does not respond, or asks for a longer pause than we wait."""


class SearchRefused(CollectError):
    """The service responded to a search with an error or in an undocumented format."""


class FetchFailed(Exception):
    """One address could not be fetched.

    reason: a code ("http_404", "unreachable", "unsafe_url", "too_many_bytes", "too_slow",
        "cut_short"). temporary: a later attempt may succeed.
    pause_s: seconds to wait before the next request (``Retry-After``), or None.
    """

    def __init__(
        self, reason: str, message: str, temporary: bool = False, pause_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.temporary = temporary
        self.pause_s = pause_s


@dataclass(frozen=True)
class Picture:
    """One picture as a service lists it.

    url: address of the original; identifies the picture. fetch_urls: in order of preference: a
        scaled rendition when the service has one that is large enough, then the original.
    source: the service and its provider.
    licence: code ("by-sa"; "other" without a code); licence_name: in full ("CC BY-SA 2.0").
    """

    url: str
    fetch_urls: tuple[str, ...]
    source: str
    title: str
    author: str
    licence: str
    licence_name: str
    licence_url: str
    landing_url: str


class PictureService(Protocol):
    """Searches for pictures by text."""

    def search(self, query: str) -> Iterator[Picture]:
        """Yield pictures, best match first; raises ServiceDown or SearchRefused."""


class RateLimitedClient:
    """A rate-limited HTTP client with retries.

    Sends one request at a time, at most ``requests_per_s``. Temporary errors are retried after
    ``Retry-After``, or with exponential backoff.
    clock: returns seconds since 1970. sleep: waits for some seconds. Tests pass their own.
    """

    def __init__(
        self,
        user_agent: str,
        requests_per_s: float,
        timeout_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._timeout_s = timeout_s
        self._interval_s = 1.0 / requests_per_s
        self._clock = clock
        self._sleep = sleep
        self._next_turn = 0.0
        self._opener = urllib.request.build_opener(_RateLimitedRedirects(self._wait_for_turn))
        self._opener.addheaders = [("User-Agent", user_agent)]

    def get(self, url: str, max_bytes: int) -> bytes:
        """Fetch one address completely; raises FetchFailed."""
        for attempt in range(1, _ATTEMPTS + 1):
            self._wait_for_turn()
            try:
                return self._read(url, max_bytes)
            except FetchFailed as failure:
                pause_s = failure.pause_s
                if pause_s is None:
                    pause_s = _FIRST_BACKOFF_S * 2 ** (attempt - 1)
                if not failure.temporary or attempt == _ATTEMPTS or pause_s > _LONGEST_PAUSE_S:
                    raise
            self._sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    def _wait_for_turn(self) -> None:
        wait_s = self._next_turn - self._clock()
        if wait_s > 0:
            # A clock that was set back must not stop the run.
            self._sleep(min(wait_s, self._interval_s))
        self._next_turn = self._clock() + self._interval_s

    def _read(self, url: str, max_bytes: int) -> bytes:
        _check_web_address(url)
        # Percent-encode invalid characters and leave encoded ones as they are.
        address = quote(url, safe=":/?#[]@!$&'()*+,;=%~")
        try:
            with self._opener.open(address, timeout=self._timeout_s) as response:
                return self._body(response, max_bytes)
        except urllib.error.HTTPError as error:
            with error:
                pause_s = _pause_s(error.headers.get("Retry-After"), self._clock())
            retry_hint = "" if pause_s is None else f", try again in {pause_s:,.0f} s"
            raise FetchFailed(
                f"http_{error.code}",
                f"HTTP status {error.code}{retry_hint}",
                temporary=error.code in _TEMPORARY_STATUSES,
                pause_s=pause_s,
            ) from error
        except (http.client.InvalidURL, UnicodeError) as error:
            raise FetchFailed("unsafe_url", "not a web address") from error
        except urllib.error.URLError as error:
            raise FetchFailed("unreachable", str(error.reason), temporary=True) from error
        except (OSError, http.client.HTTPException) as error:
            text = str(error) or type(error).__name__
            raise FetchFailed("unreachable", text, temporary=True) from error

    def _body(self, response: http.client.HTTPResponse, max_bytes: int) -> bytes:
        announced = response.length
        if announced is not None and announced > max_bytes:
            raise FetchFailed("too_many_bytes", f"{announced:,} bytes; the limit is {max_bytes:,}")
        deadline = self._clock() + 10 * self._timeout_s
        body = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > max_bytes:
                raise FetchFailed("too_many_bytes", f"more than {max_bytes:,} bytes")
            if self._clock() > deadline:
                raise FetchFailed("too_slow", f"not done after {10 * self._timeout_s:,.0f} s")
        if announced is not None and len(body) < announced:
            raise FetchFailed("cut_short", f"{len(body):,} of {announced:,} bytes", temporary=True)
        return bytes(body)


class _RateLimitedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https addresses only; each counts for the rate limit."""

    def __init__(self, take_turn: Callable[[], None]) -> None:
        self._wait_for_turn = take_turn

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _check_web_address(newurl)
        except FetchFailed:
            fp.close()
            raise
        self._wait_for_turn()
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Openverse:
    """Openverse's catalogue of openly licensed pictures.

    licences: licence codes to search for. shortest_side: least size of a rendition, pixels.
    """

    web: RateLimitedClient
    licences: tuple[str, ...]
    shortest_side: int
    base_url: str = "https://api.openverse.org"

    def search(self, query: str) -> Iterator[Picture]:
        """Yield pictures, best match first; raises ServiceDown or SearchRefused."""
        for page in range(1, _OPENVERSE_DEPTH // _OPENVERSE_PAGE + 1):
            parameters = {
                "q": query,
                "license": ",".join(self.licences),
                "page": page,
                "page_size": _OPENVERSE_PAGE,
            }
            response = _get_json(self.web, f"{self.base_url}/v1/images/?{urlencode(parameters)}")
            results = response.get("results")
            if not isinstance(results, list):
                raise SearchRefused(f"{self.base_url} responded to {query!r} without results.")
            for result in results:
                if isinstance(result, dict) and _text(result.get("url")):
                    yield self._picture(result)
            page_count = response.get("page_count")
            if not results or not isinstance(page_count, int) or page >= page_count:
                return

    def _picture(self, result: dict[str, Any]) -> Picture:
        url = _text(result["url"])
        licence = _text(result.get("license")).lower() or "other"
        version = _text(result.get("license_version"))
        public_domain_names = {"cc0": "CC0", "pdm": "Public Domain Mark"}
        licence_name = public_domain_names.get(licence, f"CC {licence.upper()}")
        width, height = _pixels(result.get("width")), _pixels(result.get("height"))
        thumbnail = _text(result.get("thumbnail"))
        large_enough = width > _OPENVERSE_THUMBNAIL_WIDTH and (
            min(width, height) * _OPENVERSE_THUMBNAIL_WIDTH >= self.shortest_side * width
        )
        return Picture(
            url=url,
            fetch_urls=(thumbnail, url) if thumbnail and large_enough else (url,),
            source="/".join(filter(None, ("openverse", _text(result.get("provider"))))),
            title=_text(result.get("title")),
            author=_text(result.get("creator")),
            licence=licence,
            licence_name=f"{licence_name} {version}".strip(),
            licence_url=_text(result.get("license_url")),
            landing_url=_text(result.get("foreign_landing_url")),
        )


@dataclass(frozen=True)
class Commons:
    """Wikimedia Commons. shortest_side: least size of a rendition, pixels."""

    web: RateLimitedClient
    shortest_side: int
    base_url: str = "https://commons.wikimedia.org"

    def search(self, query: str) -> Iterator[Picture]:
        """Yield pictures, best match first; raises ServiceDown or SearchRefused."""
        # Twice the shortest side is wide enough for all but panoramas.
        width = next((w for w in _COMMONS_WIDTHS if w >= 2 * self.shortest_side), 3840)
        parameters = {
            "action": "query",
            "format": "json",
            "generator": "search",
            "gsrsearch": f"{query} filetype:bitmap",
            "gsrnamespace": "6",  # File:
            "gsrlimit": str(_COMMONS_PAGE),
            "prop": "imageinfo",
            "iiprop": "url|extmetadata|mime|size",
            "iiurlwidth": str(width),
        }
        continuation: dict[str, str] = {}
        for _ in range(_COMMONS_DEPTH // _COMMONS_PAGE):
            query_string = urlencode(parameters | continuation)
            response = _get_json(self.web, f"{self.base_url}/w/api.php?{query_string}")
            if "error" in response:
                # MediaWiki reports errors with status 200.
                raise SearchRefused(f"{self.base_url} refused {query!r}: {response['error']}")
            pages = _object(_object(response, "query"), "pages")
            listed = [page for page in pages.values() if isinstance(page, dict)]
            for page in sorted(listed, key=lambda page: _pixels(page.get("index"))):
                details = page.get("imageinfo")
                if details and isinstance(details, list) and isinstance(details[0], dict):
                    yield self._picture(_text(page.get("title")), details[0])
            continuation = {k: str(v) for k, v in _object(response, "continue").items()}
            if not continuation:
                return

    def _picture(self, title: str, details: dict[str, Any]) -> Picture:
        metadata = _object(details, "extmetadata")

        def metadata_text(name: str) -> str:
            return _text(_without_markup(_object(metadata, name).get("value")))

        url, rendition = _text(details.get("url")), _text(details.get("thumburl"))
        sides = _pixels(details.get("thumbwidth")), _pixels(details.get("thumbheight"))
        scaled = rendition not in ("", url) and min(sides) >= self.shortest_side
        licence_name = metadata_text("LicenseShortName")
        return Picture(
            url=url,
            fetch_urls=(rendition, url) if scaled else (url,),
            source="commons",
            title=title.removeprefix("File:"),
            author=metadata_text("Artist"),
            licence=licence_code(licence_name),
            licence_name=licence_name,
            licence_url=metadata_text("LicenseUrl"),
            landing_url=_text(details.get("descriptionurl")),
        )


def licence_code(short_name: str) -> str:
    """Map a licence name of Commons to Openverse's code.

    "CC BY-SA 4.0" → "by-sa", "CC0" → "cc0", "Public domain" → "pdm", any other → "other".
    """
    name = short_name.lower()
    if name.startswith("cc0"):
        return "cc0"
    if name.startswith("public domain"):
        return "pdm"
    match = _CC_BY.match(name)
    return match[1].replace(" ", "-") if match else "other"


def _get_json(web: RateLimitedClient, url: str) -> dict[str, Any]:
    """Fetch one JSON object of a service's API; raises ServiceDown or SearchRefused."""
    host = urlsplit(url).netloc
    try:
        response = json.loads(web.get(url, _MAX_RESPONSE_BYTES))
    except FetchFailed as failure:
        if failure.temporary:
            raise ServiceDown(
                f"The picture service {host} cannot be used now ({failure}). Check the network "
                "and base_url, or wait; the same command resumes this run."
            ) from failure
        raise SearchRefused(f"{host} refused a search ({failure}): {url}") from failure
    except ValueError as error:
        raise SearchRefused(f"{host} responded to a search with invalid JSON.") from error
    if not isinstance(response, dict):
        raise SearchRefused(f"{host} responded to a search with JSON that is not an object.")
    return response


def _check_web_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        safe = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        safe = False
    if not safe:
        # urllib would open file: and ftp: too.
        raise FetchFailed("unsafe_url", "not a web address")


def _pause_s(retry_after: str | None, now: float) -> float | None:
    """Convert ``Retry-After`` to seconds: a number or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now)


def _object(response: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a nested object of a response, or an empty one when it is missing."""
    value = response.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Normalize a response field to one line of printable text of at most 2,000 characters."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:2000]


def _without_markup(value: object) -> object:
    return html.unescape(re.sub(r"<[^>]*>", "", value)) if isinstance(value, str) else value


def _pixels(value: object) -> int:
    return value if isinstance(value, int) else 0
