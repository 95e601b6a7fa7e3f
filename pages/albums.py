"""The page Albums: all albums as cards, or one album with its photos."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.sections.albums.album_list import show_albums
from pages.sections.albums.open_album import show_album
from pages.sections.albums.own_album_tools import PAGE
from pages.sections.browse import browse_address_parts, reset_to_first_page
from pages.sections.messages import escape_markdown, show_error
from pages.sections.photo_view import show_open_photo
from pages.state.address import AddressPart, note_action, read_address, write_address
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.sort_order import BEST_MATCH
from scene_model.search.albums import AlbumEntry, AlbumKind
from scene_model.search.own_albums import find_own_album

_OPEN_KEY, _LIST_KEY = "open_album", "album_list"
_STYLE = Path(__file__).parent / "sections" / "albums" / "albums.css"


def _page() -> None:
    st.html(_STYLE)
    parts = {"album": AddressPart(_apply_album, _album_values)} | browse_address_parts(PAGE)
    read_address(PAGE, parts, is_new=_OPEN_KEY not in st.session_state)
    entry = _open_entry()
    if entry is None:
        show_albums(_entries(), _open)
    else:
        show_album(entry, _open)
    write_address(PAGE, parts)
    show_open_photo()


def _apply_album(values: list[str]) -> None:
    st.session_state[_OPEN_KEY] = values[0] if values else ""


def _album_values() -> list[str]:
    word = st.session_state.get(_OPEN_KEY)
    return [word] if word else []


def _open(word: str) -> None:
    """Open the album of a name in its own order; without a name, the list."""
    note_action(PAGE)
    st.session_state[_OPEN_KEY] = word
    if word:
        get_gallery().sort = BEST_MATCH
    reset_to_first_page(PAGE)


def _entries() -> list[AlbumEntry]:
    """Return all albums; they are listed again when the library or the rules changed."""
    gallery = get_gallery()
    rules, key = gallery.model.albums, cache_key()
    cached: tuple[Any, Any, list[AlbumEntry]] | None = st.session_state.get(_LIST_KEY)
    if cached is None or cached[0] != key or cached[1] is not rules:
        cached = st.session_state[_LIST_KEY] = (key, rules, gallery.albums())
    return cached[2]


def _open_entry() -> AlbumEntry | None:
    word = st.session_state.get(_OPEN_KEY)
    if not word:
        return None
    gallery = get_gallery()
    own, rule = find_own_album(word, gallery.own_albums()), gallery.model.albums.find(word)
    for entry in _entries():
        if own is None:
            is_open = rule is not None and (entry.kind, entry.id) == (AlbumKind.RULES, rule.id)
        else:
            is_open = entry.kind is not AlbumKind.RULES and entry.id == str(own.id)
        if is_open:
            return entry
    st.info(f"There is no album “{escape_markdown(word)}”.", icon=":material/info:")
    st.session_state[_OPEN_KEY] = ""
    return None


try:
    _page()
except SceneError as error:
    show_error(error)
