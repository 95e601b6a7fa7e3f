"""URLs of photos: which are read, and what they say about the photo; nothing is opened here."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from scene_model.errors import FetchError

SCHEMES = ("s3", "gs", "az", "https", "http")
_WEB = ("https", "http")


@dataclass(frozen=True)
class PhotoUrl:
    """A URL of one photo, in its parts.

    root: of the bucket or the server. key: of the object in its bucket, as its store spells it;
    of a page of the web, the path. name: the last part of the key. folder: the URL without it.
    """

    text: str
    scheme: str
    root: str
    key: str

    @property
    def is_web(self) -> bool:
        """Whether a web server has the photo, not an object store."""
        return self.scheme in _WEB

    @property
    def name(self) -> str:
        """The name of the photo's file."""
        name = self.key.rpartition("/")[2]
        return (unquote(name) if self.is_web else name) or "photo"

    @property
    def folder(self) -> str:
        """The URL of what holds the file, without a final slash."""
        return f"{self.root}/{self.key.rpartition('/')[0]}".rstrip("/")


def is_photo_url(text: str) -> bool:
    """Whether a text is meant as a URL that photos are read from."""
    scheme, colon, _ = text.partition("://")
    return bool(colon) and scheme.lower() in SCHEMES


def read_url(text: str) -> PhotoUrl:
    """Take a URL apart; raises FetchError where no photo can be at it."""
    scheme, colon, rest = text.partition("://")
    scheme = scheme.lower()
    bucket, _, key = rest.partition("/")
    if not colon or scheme not in SCHEMES or not bucket:
        kinds = ", ".join(f"{kind}://" for kind in SCHEMES)
        raise FetchError(
            f"{text[:200]!r} is no address of a photo. Addresses begin with {kinds}.",
            code="invalid_url",
        )
    if scheme in _WEB:
        try:
            parts = urlsplit(text)
            host, key = parts.hostname, parts.path.lstrip("/")
        except ValueError:
            host = None
        if not host or "@" in bucket:
            raise FetchError(
                "The address has no host, or a password, which would be stored as it is. Use one "
                "that can be read without.",
                code="invalid_url",
            )
    if not key or key.endswith("/"):
        raise FetchError(
            f"{text[:200]} names no file. Name a photo; `batch` reads whole prefixes.",
            code="invalid_url",
        )
    return PhotoUrl(f"{scheme}://{rest}", scheme, f"{scheme}://{bucket}", key)
