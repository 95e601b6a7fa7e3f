"""Albums as cards: a large cover, the name and the number of photos; the whole card opens it."""

import html
from collections.abc import Callable, Sequence

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from scene_model.search.albums import AlbumEntry, AlbumKind


def album_cards(entries: Sequence[AlbumEntry], key: str, open_album: Callable[[str], None]) -> None:
    """Show albums as cards. open_album: called with the `AlbumEntry.word` of the one clicked."""
    with st.container(key=f"album_cards_{key}"):
        for entry in entries:
            with st.container(key=f"album_card_{entry.kind}_{entry.id}"):
                _card(entry, open_album)


def _card(entry: AlbumEntry, open_album: Callable[[str], None]) -> None:
    st.html(_cover(entry))
    st.button(
        f"**{escape_markdown(entry.name)}**  \n{counted(entry.count, 'photo')}",
        type="tertiary",
        key=f"open_album_{entry.kind}_{entry.id}",
        disabled=entry.word is None,
        on_click=open_album,
        args=(entry.word,),
        width="stretch",
    )
    if entry.error is not None:
        st.caption(f":material/error: {escape_markdown(entry.error)}")
    elif entry.word is None:
        st.caption("Your albums have all its names. Rename one of them to open this album.")
    elif entry.kind is not AlbumKind.OWN:
        st.caption(escape_markdown(entry.why))


def _cover(entry: AlbumEntry) -> str:
    if entry.cover is None:
        return '<div class="album-cover album-without-cover">No photos</div>'
    source = html.escape(f"/api/photos/{entry.cover}/thumbnail", quote=True)
    alt = html.escape(f"Cover of {entry.name}", quote=True)
    return f'<img class="album-cover" src="{source}" alt="{alt}" loading="lazy">'
