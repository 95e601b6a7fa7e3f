"""What a folder of a web server holds: asked by WebDAV, else read from its page of links.

Apache, nginx, Caddy and Python's own server write such pages (`autoindex`); Nextcloud, rclone and
most network drives speak WebDAV (RFC 4918).
"""

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit
from xml.etree import ElementTree

from scene_model.errors import FetchError
from scene_model.scale.reading.body import attempted, host_of
from scene_model.scale.reading.web import WebAnswer, WebServers

_MULTI_STATUS = 207
_DAV = "{DAV:}"
_QUESTION = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>'
    b"</prop></propfind>"
)


@dataclass(frozen=True, slots=True)
class WebEntry:
    """A file or folder. url: a folder's ends with a slash. size: None where it is not said."""

    url: str
    size: int | None = None


def list_web_folder(servers: WebServers, url: str) -> list[WebEntry]:
    """Return what lies directly in a folder, sorted by URL.

    url: ends with a slash. Raises FetchError, also for what is no page of links.
    """
    answer = attempted(lambda: _asked(servers, url))
    if answer.status == _MULTI_STATUS:
        entries = _properties(answer.content, url)
    else:
        answer = attempted(lambda: servers.page("GET", url))
        if "html" not in answer.content_type:
            raise no_list(url)
        entries = _links(answer.content, url)
    inside = {entry.url: entry for entry in entries if _is_directly_in(entry.url, url)}
    return [inside[name] for name in sorted(inside)]


def _asked(servers: WebServers, url: str) -> WebAnswer:
    headers = {"Depth": "1", "Content-Type": "application/xml"}
    return servers.page("PROPFIND", url, headers, _QUESTION, accept_any=True)


def _properties(content: bytes, url: str) -> list[WebEntry]:
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - bounded; expat refuses bombs
    except ElementTree.ParseError as error:
        raise FetchError(f"The list of {host_of(url)} cannot be read: {error}.") from error
    entries = []
    for response in root.iter(f"{_DAV}response"):
        location = urljoin(url, (response.findtext(f"{_DAV}href") or "").strip())
        is_folder = response.find(f".//{_DAV}resourcetype/{_DAV}collection") is not None
        size = (response.findtext(f".//{_DAV}getcontentlength") or "").strip()
        if is_folder:
            entries.append(WebEntry(location.rstrip("/") + "/"))
        else:
            entries.append(WebEntry(location, int(size) if size.isdecimal() else None))
    return entries


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]


def _links(content: bytes, url: str) -> list[WebEntry]:
    parser = _Links()
    parser.feed(content.decode("utf-8", "replace"))
    entries = []
    for target in parser.targets:
        try:
            location = urldefrag(urljoin(url, target.strip())).url
        except ValueError:  # no address at all
            continue
        entries.append(WebEntry(location))
    return entries


def _is_directly_in(location: str, folder: str) -> bool:
    """Return whether a URL is one level below a folder's; links that sort the page are not."""
    try:
        parts, base = urlsplit(location), urlsplit(folder)
    except ValueError:
        return False
    if (parts.scheme, parts.netloc) != (base.scheme, base.netloc) or parts.query:
        return False
    if not parts.path.startswith(base.path):
        return False
    name = parts.path[len(base.path) :].rstrip("/")
    return name not in ("", ".", "..") and "/" not in name


def no_list(url: str) -> FetchError:
    """Return the error for an address whose server lists nothing."""
    return FetchError(
        f"{host_of(url)} sends no list of files for this address: neither by WebDAV nor as a page "
        "of links. Give a list of URLs (.txt, .csv, .jsonl or .parquet).",
        code="not_listed",
    )
