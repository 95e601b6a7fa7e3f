"""Services that list openly licensed pictures, asked at a polite pace.

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
# What passes by itself. A plain 500 does not: it comes back for the same request.
_PASSING_STATUSES = {429, 502, 503, 504}
_MAX_ANSWER_BYTES = 20_000_000
_CHUNK_BYTES = 65_536
# Openverse gives 20 results a page and 240 a query to those who have no account.
_OPENVERSE_PAGE, _OPENVERSE_DEPTH = 20, 240
_OPENVERSE_THUMBNAIL_WIDTH = 600
# MediaWiki scales at most 50 pictures a request.
_COMMONS_PAGE, _COMMONS_DEPTH = 50, 1000
# Wikimedia keeps pictures at these widths; others are made anew or refused
# (https://www.mediawiki.org/wiki/Common_thumbnail_sizes).
_COMMONS_WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
_CC_BY = re.compile(r"cc[ -](by(?:[ -](?:nc|sa|nd))*)(?![\w-])")


class CollectError(TrainingError):
    """Collecting cannot start or go on; the message says why and what to do."""


class ServiceDown(CollectError):
    """The picture service does not answer, or asks to be left alone for now."""


class SearchRefused(CollectError):
    """The service answered a search with an error, or with something it does not document."""


class FetchFailed(Exception):
    """One address gave no bytes.

    reason: a code ("http_404", "unreachable", "unsafe_url", "too_many_bytes", "too_slow",
        "cut_short"). passing: trying again later may help.
    pause_s: how long the host asks to be left alone, in seconds.
    """

    def __init__(
        self, reason: str, message: str, passing: bool = False, pause_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.passing = passing
        self.pause_s = pause_s


@dataclass(frozen=True)
class Picture:
    """One picture as a service lists it.

    url: of the original; names the picture. fetch_urls: where to get it, best first: a scaled
        rendition when the service has one that is large enough, then the original.
    source: the service, and the provider it has the picture from.
    licence: code ("by-sa"; "other" for what has none); licence_name: as people write it.
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
    """Finds pictures by words."""

    def search(self, query: str) -> Iterator[Picture]:
        """Yield pictures, best match first; raises ServiceDown or SearchRefused."""


class PoliteWeb:
    """Fetches addresses one at a time, never faster than ``requests_per_s``.

    Waits as ``Retry-After`` says; without it, twice as long after each failed attempt.
    clock, sleep: seconds since 1970, and how to wait some; tests pass their own.
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
        self._opener = urllib.request.build_opener(_WatchedRedirects(self._take_turn))
        self._opener.addheaders = [("User-Agent", user_agent)]

    def get(self, url: str, max_bytes: int) -> bytes:
        """Fetch one address whole; raises FetchFailed."""
        for attempt in range(1, _ATTEMPTS + 1):
            self._take_turn()
            try:
                return self._read(url, max_bytes)
            except FetchFailed as failure:
                pause_s = failure.pause_s
                if pause_s is None:
                    pause_s = _FIRST_BACKOFF_S * 2 ** (attempt - 1)
                if not failure.passing or attempt == _ATTEMPTS or pause_s > _LONGEST_PAUSE_S:
                    raise
            self._sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    def _take_turn(self) -> None:
        wait_s = self._next_turn - self._clock()
        if wait_s > 0:
            # A clock that was set back must not stop the run.
            self._sleep(min(wait_s, self._interval_s))
        self._next_turn = self._clock() + self._interval_s

    def _read(self, url: str, max_bytes: int) -> bytes:
        _check_web_address(url)
        # Percent-encodes what has no place in an address and leaves what is encoded already.
        address = quote(url, safe=":/?#[]@!$&'()*+,;=%~")
        try:
            with self._opener.open(address, timeout=self._timeout_s) as response:
                return self._body(response, max_bytes)
        except urllib.error.HTTPError as error:
            with error:
                pause_s = _pause_s(error.headers.get("Retry-After"), self._clock())
            asks = "" if pause_s is None else f", try again in {pause_s:,.0f} s"
            raise FetchFailed(
                f"http_{error.code}",
                f"HTTP status {error.code}{asks}",
                passing=error.code in _PASSING_STATUSES,
                pause_s=pause_s,
            ) from error
        except (http.client.InvalidURL, UnicodeError) as error:
            raise FetchFailed("unsafe_url", "not a web address") from error
        except urllib.error.URLError as error:
            raise FetchFailed("unreachable", str(error.reason), passing=True) from error
        except (OSError, http.client.HTTPException) as error:
            text = str(error) or type(error).__name__
            raise FetchFailed("unreachable", text, passing=True) from error

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
            raise FetchFailed("cut_short", f"{len(body):,} of {announced:,} bytes", passing=True)
        return bytes(body)


class _WatchedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to another web address only, and as a request that takes its turn."""

    def __init__(self, take_turn: Callable[[], None]) -> None:
        self._take_turn = take_turn

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
        self._take_turn()
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Openverse:
    """Openverse's catalogue of openly licensed pictures.

    licences: asked for in the search itself. shortest_side: pixels that a rendition needs.
    """

    web: PoliteWeb
    licences: tuple[str, ...]
    shortest_side: int
    base_url: str = "https://api.openverse.org"

    def search(self, query: str) -> Iterator[Picture]:
        """Yield pictures, best match first; raises ServiceDown or SearchRefused."""
        for page in range(1, _OPENVERSE_DEPTH // _OPENVERSE_PAGE + 1):
            asked = {
                "q": query,
                "license": ",".join(self.licences),
                "page": page,
                "page_size": _OPENVERSE_PAGE,
            }
            answer = _ask(self.web, f"{self.base_url}/v1/images/?{urlencode(asked)}")
            results = answer.get("results")
            if not isinstance(results, list):
                raise SearchRefused(f"{self.base_url} answered {query!r} without results.")
            for result in results:
                if isinstance(result, dict) and _text(result.get("url")):
                    yield self._picture(result)
            page_count = answer.get("page_count")
            if not results or not isinstance(page_count, int) or page >= page_count:
                return

    def _picture(self, result: dict[str, Any]) -> Picture:
        url = _text(result["url"])
        licence = _text(result.get("license")).lower() or "other"
        version = _text(result.get("license_version"))
        plain_name = {"cc0": "CC0", "pdm": "Public Domain Mark"}
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
            licence_name=f"{plain_name.get(licence, f'CC {licence.upper()}')} {version}".strip(),
            licence_url=_text(result.get("license_url")),
            landing_url=_text(result.get("foreign_landing_url")),
        )


@dataclass(frozen=True)
class Commons:
    """Wikimedia Commons. shortest_side: pixels that a rendition needs."""

    web: PoliteWeb
    shortest_side: int
    base_url: str = "https://commons.wikimedia.org"

    def search(self, query: str) -> Iterator[Picture]:
        """Yield pictures, best match first; raises ServiceDown or SearchRefused."""
        # Twice the shortest side is wide enough for all but panoramas.
        width = next((w for w in _COMMONS_WIDTHS if w >= 2 * self.shortest_side), 3840)
        asked = {
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
        go_on: dict[str, str] = {}
        for _ in range(_COMMONS_DEPTH // _COMMONS_PAGE):
            answer = _ask(self.web, f"{self.base_url}/w/api.php?{urlencode(asked | go_on)}")
            if "error" in answer:
                # MediaWiki tells its errors with status 200.
                raise SearchRefused(f"{self.base_url} refused {query!r}: {answer['error']}")
            pages = _part(_part(answer, "query"), "pages")
            listed = [page for page in pages.values() if isinstance(page, dict)]
            for page in sorted(listed, key=lambda page: _pixels(page.get("index"))):
                details = page.get("imageinfo")
                if details and isinstance(details, list) and isinstance(details[0], dict):
                    yield self._picture(_text(page.get("title")), details[0])
            go_on = {name: str(value) for name, value in _part(answer, "continue").items()}
            if not go_on:
                return

    def _picture(self, title: str, details: dict[str, Any]) -> Picture:
        metadata = _part(details, "extmetadata")

        def said(name: str) -> str:
            return _text(_without_markup(_part(metadata, name).get("value")))

        url, rendition = _text(details.get("url")), _text(details.get("thumburl"))
        sides = _pixels(details.get("thumbwidth")), _pixels(details.get("thumbheight"))
        scaled = rendition not in ("", url) and min(sides) >= self.shortest_side
        licence_name = said("LicenseShortName")
        return Picture(
            url=url,
            fetch_urls=(rendition, url) if scaled else (url,),
            source="commons",
            title=title.removeprefix("File:"),
            author=said("Artist"),
            licence=licence_code(licence_name),
            licence_name=licence_name,
            licence_url=said("LicenseUrl"),
            landing_url=_text(details.get("descriptionurl")),
        )


def licence_code(short_name: str) -> str:
    """Turn a licence's name as Commons writes it into Openverse's code for it.

    "CC BY-SA 4.0" → "by-sa", "CC0" → "cc0", "Public domain" → "pdm", all else → "other".
    """
    name = short_name.lower()
    if name.startswith("cc0"):
        return "cc0"
    if name.startswith("public domain"):
        return "pdm"
    found = _CC_BY.match(name)
    return found[1].replace(" ", "-") if found else "other"


def _ask(web: PoliteWeb, url: str) -> dict[str, Any]:
    """Fetch one answer of a service's API."""
    host = urlsplit(url).netloc
    try:
        answer = json.loads(web.get(url, _MAX_ANSWER_BYTES))
    except FetchFailed as failure:
        if failure.passing:
            raise ServiceDown(
                f"The picture service {host} cannot be used now ({failure}). Check the network "
                "and base_url, or wait; the same command goes on where this run stopped."
            ) from failure
        raise SearchRefused(f"{host} refused a search ({failure}): {url}") from failure
    except ValueError as error:
        raise SearchRefused(f"{host} answered a search with something that is no JSON.") from error
    if not isinstance(answer, dict):
        raise SearchRefused(f"{host} answered a search with JSON that is no object.")
    return answer


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
    """Read a ``Retry-After``: seconds, or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now)


def _part(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object inside an answer; an empty one where there is none."""
    part = answer.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    """Bring a field of an answer to one line of printable text."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:2000]


def _without_markup(value: object) -> object:
    return html.unescape(re.sub(r"<[^>]*>", "", value)) if isinstance(value, str) else value


def _pixels(value: object) -> int:
    return value if isinstance(value, int) else 0
