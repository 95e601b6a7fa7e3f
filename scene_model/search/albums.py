"""All albums of a library, those of people and those of rules, and the albums of one photo."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from scene_model.classifier.albums.album_rules import Album, AlbumRules
from scene_model.classifier.albums.album_words import rule_words
from scene_model.classifier.albums.matching import albums_of
from scene_model.errors import QueryError
from scene_model.library.albums.own_albums import OwnAlbum, count_placed
from scene_model.library.database.schema import album_photos, photos
from scene_model.library.records import PhotoRecord, photo_facts
from scene_model.library.store import Library
from scene_model.search.own_albums import album_line, find_own_album


class AlbumKind(StrEnum):
    """OWN: of chosen photos. SEARCH: follows a search. RULES: of the rule file."""

    OWN = "own"
    SEARCH = "search"
    RULES = "rules"


@dataclass(frozen=True)
class AlbumEntry:
    """One album in a list.

    id: unique together with the kind. word: the name that ``album:`` finds it by; None for a rule
    album all of whose names are those of a person's albums. cover: id of its cover photo. why:
    which photos are in it. error: why its photos cannot be listed.
    """

    kind: AlbumKind
    id: str
    name: str
    word: str | None
    count: int
    cover: str | None
    why: str
    error: str | None = None

    @property
    def line(self) -> str | None:
        """The query line that finds it."""
        return None if self.word is None else album_line(self.word)


@dataclass(frozen=True)
class PhotoAlbum:
    """An album that a photo is in, and the reason. word: see `AlbumEntry`."""

    name: str
    word: str | None
    reason: str


def list_albums(
    library: Library,
    own: Sequence[OwnAlbum],
    rules: AlbumRules,
    count: Callable[[str], int],
    first: Callable[[str], str | None],
) -> list[AlbumEntry]:
    """List the albums that people made, by name, then those of the rules, in their order.

    count, first: return the number of photos of a query line, and the id of its first photo.
    """
    placed = count_placed(library)
    entries = [_own_entry(album, placed, count, first) for album in own]
    for album in rules.albums:
        word = word_of_rule_album(album, own)
        photo_count = 0 if word is None else count(album_line(word))
        cover = first(album_line(word)) if word is not None and photo_count else None
        entries.append(
            AlbumEntry(
                *(AlbumKind.RULES, album.id, album.name, word, photo_count, cover),
                rule_words(album, rules),
            )
        )
    return entries


def albums_with(
    library: Library,
    photo: PhotoRecord,
    own: Sequence[OwnAlbum],
    rules: AlbumRules,
    is_in: Callable[[str], bool],
) -> Iterator[PhotoAlbum]:
    """Yield the albums that a photo is in, in the order of `list_albums`, and why.

    is_in: whether the photo matches a query line; raises QueryError.
    """
    placed = select(album_photos.c.album_id).join(photos, photos.c.number == album_photos.c.photo)
    with library.database.reader.begin() as connection:
        album_ids = set(connection.execute(placed.where(photos.c.id == photo.id)).scalars())
    for own_album in own:
        name = own_album.name
        if own_album.query is None:
            if own_album.id in album_ids:
                yield PhotoAlbum(name, name, "put there by you")
        elif _matches(is_in, album_line(name)):
            yield PhotoAlbum(name, name, f"found by “{own_album.query}”")
    by_id = {album.id: album for album in rules.albums}
    for placement in albums_of(photo_facts(photo), rules):
        album = by_id[placement.album]
        yield PhotoAlbum(album.name, word_of_rule_album(album, own), placement.reason)


def word_of_rule_album(album: Album, own: Sequence[OwnAlbum]) -> str | None:
    """Return a name of a rule album that no person's album has; None without one."""
    words = (album.id, album.name, *album.aliases, *album.translations.values())
    free = (word for word in words if find_own_album(word, own) is None)
    return next((word for word in free if '"' not in word), None)


def _own_entry(
    album: OwnAlbum,
    placed: dict[int, int],
    count: Callable[[str], int],
    first: Callable[[str], str | None],
) -> AlbumEntry:
    line, error = album_line(album.name), None
    if album.query is None:
        kind, why, photo_count = AlbumKind.OWN, "Photos that you chose", placed.get(album.id, 0)
    else:
        kind, why = AlbumKind.SEARCH, f"Follows the search “{album.query}”"
        try:
            photo_count = count(line)
        except QueryError as problem:
            photo_count, error = 0, problem.message
    cover = album.cover or (first(line) if photo_count else None)
    return AlbumEntry(
        *(kind, str(album.id), album.name, album.name, photo_count, cover, why, error)
    )


def _matches(is_in: Callable[[str], bool], line: str) -> bool:
    try:
        return is_in(line)
    except QueryError:
        return False  # the list of albums says why
