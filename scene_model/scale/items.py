"""What a batch reads: the items of a source, and chunks of them that become one part each."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

# Items of one part: about ten seconds of work, which is what a killed run loses.
PART_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class TarPlace:
    """Where a member of a tar is. tar: path or URL. version: of the tar. offset: of its bytes."""

    tar: str
    version: str
    offset: int


@dataclass(frozen=True, slots=True)
class ListingError:
    """What made an item unreadable while it was listed; it becomes its row."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceItem:
    """A picture or video to predict.

    location: what its row names as `file`: a path as it was given, a URL, or `TAR#MEMBER`.
    version: changes with the content: an ETag, or size and time of modification; empty where the
    listing does not say. source_id, source_label: columns of a list, carried through; the key of a
    WebDataset's sample and its `.cls`. size: in bytes; None where the listing does not say.
    place: of a tar's member. error: for what is a row with this error, and is not read.
    """

    location: str
    version: str = ""
    source_id: str | None = None
    source_label: str | None = None
    size: int | None = None
    place: TarPlace | None = None
    error: ListingError | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items whose rows become one part."""

    items: tuple[SourceItem, ...]

    @property
    def part_name(self) -> str:
        """The part's file name, by its items: the same chunk written twice is the same file."""
        digest = hashlib.sha256()
        for item in self.items:
            for text in (item.location, item.version):
                # Names that are no UTF-8 hold surrogates.
                digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
        return f"part-{digest.hexdigest()[:24]}.parquet"


def chunks_of(items: Iterator[SourceItem], rows: int = PART_ROWS) -> Iterator[Chunk]:
    """Group items, in their order, into chunks of `rows` items; the last may be smaller."""
    pending: list[SourceItem] = []
    for item in items:
        pending.append(item)
        if len(pending) >= rows:
            yield Chunk(tuple(pending))
            pending = []
    if pending:
        yield Chunk(tuple(pending))
