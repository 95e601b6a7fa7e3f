"""Rows of thumbnails loaded by URL, each with a caption; not interactive."""

import html
from collections.abc import Mapping, Sequence

import streamlit as st

from pages.state.session import get_gallery
from pages.widgets.photo_grid import describe
from scene_model.library.records import PhotoRecord


def thumbnails(
    photos: Sequence[PhotoRecord], captions: Mapping[str, str] | None = None, height_rem: float = 9
) -> None:
    """Show photos in rows that wrap.

    captions: the text below a photo, by photo id; the photo's name where there is none.
    """
    captions = captions or {}
    cells = []
    for photo in photos:
        alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
        caption = html.escape(captions.get(photo.id, photo.name))
        cells.append(
            f'<figure style="margin:0;width:min({height_rem * 1.35}rem,calc(50% - .3rem))">'
            f'<img src="/api/photos/{photo.id}/thumbnail" alt="{alt}" loading="lazy" '
            f'style="height:{height_rem}rem;width:100%;object-fit:contain;border-radius:.4rem;'
            'background:rgba(128,128,128,.12)">'
            '<figcaption style="font-size:.8rem;line-height:1.35;overflow-wrap:anywhere">'
            f"{caption}</figcaption></figure>"
        )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.6rem">{"".join(cells)}</div>')
