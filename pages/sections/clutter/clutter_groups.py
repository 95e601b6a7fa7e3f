"""The kinds of the page Clutter: photos with the reasons, and buttons that decide about them."""

import html
from collections.abc import Sequence

import streamlit as st

from pages.sections.messages import counted, escape_markdown, size_text
from pages.sections.undo_button import note_edit
from pages.state.session import get_gallery
from pages.widgets.photo_grid import describe
from scene_model.library.clutter.clutter_edits import keep_in_timeline, set_apart
from scene_model.library.clutter.clutter_rows import ClutterGroup, guesses_of
from scene_model.library.clutter.clutter_rule import ClutterGuess
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.records import PhotoRecord

_PER_PAGE = 12
_MB = 1_000_000
_TITLES = {
    ClutterKind.SCREENSHOT: "Screenshots",
    ClutterKind.DOCUMENT: "Documents",
    ClutterKind.RECEIPT: "Receipts",
    ClutterKind.MEME: "Memes",
    ClutterKind.BLURRED: "Blurred shots",
    ClutterKind.BLACK: "Black frames",
    ClutterKind.OTHER: "Others",
}
_TEXTS = {
    ClutterKind.SCREENSHOT: "Pictures of a screen that a phone or a computer saved.",
    ClutterKind.DOCUMENT: "Pages of text, photographed or scanned.",
    ClutterKind.RECEIPT: "Documents from a folder of receipts, named so, or as narrow as one.",
    ClutterKind.MEME: "Pictures with a caption that were sent to you or saved from the web.",
    ClutterKind.BLURRED: "Dim, sharp nowhere, and nothing to be recognised: shots in a pocket.",
    ClutterKind.BLACK: "Nothing to be seen: the lens was covered.",
    ClutterKind.OTHER: "Photos that you set apart, and that the program takes for photos.",
}


def show_group(group: ClutterGroup) -> None:
    """Show one kind, a page of its photos, and the buttons."""
    key = f"{group.kind}_{'apart' if group.is_apart else 'proposed'}"
    with st.container(border=True, key=f"clutter_{key}"):
        st.subheader(f"{_TITLES[group.kind]}: {counted(len(group.photo_ids), 'photo')}")
        st.caption(_TEXTS[group.kind])
        _group_buttons(group, key)
        pages = -(-len(group.photo_ids) // _PER_PAGE)
        number = min(int(st.session_state.get(f"clutter_page_{key}", 1)), pages)
        _cards(group, group.photo_ids[(number - 1) * _PER_PAGE : number * _PER_PAGE])
        if pages > 1:
            st.pagination(pages, key=f"clutter_page_{key}")


def set_all_apart(groups: Sequence[ClutterGroup]) -> None:
    """Set the photos of all groups apart, as one edit."""
    _apart([photo_id for group in groups for photo_id in group.photo_ids])


def _group_buttons(group: ClutterGroup, key: str) -> None:
    count, ids = len(group.photo_ids), list(group.photo_ids)
    all_of = f"all {count:,}" if count > 1 else "it"
    with st.container(horizontal=True):
        if not group.is_apart:
            st.button(
                f"Set {all_of} apart",
                key=f"apart_{key}",
                icon=":material/done_all:",
                on_click=_apart,
                args=(ids,),
                help="You can undo this; nothing is deleted.",
            )
        st.button(
            f"Put {all_of} back" if group.is_apart else f"Keep {all_of} in timeline",
            key=f"keep_{key}",
            icon=":material/undo:" if group.is_apart else ":material/photo_library:",
            on_click=_keep,
            args=(ids,),
            help="They are in the timeline, and are not proposed again.",
        )


def _cards(group: ClutterGroup, photo_ids: Sequence[str]) -> None:
    library = get_gallery().library
    guesses = guesses_of(library.database, photo_ids)
    with st.container(horizontal=True, gap="small"):
        for photo in library.records(photo_ids):
            _card(group, photo, guesses.get(photo.id))


def _card(group: ClutterGroup, photo: PhotoRecord, guess: ClutterGuess | None) -> None:
    name = escape_markdown(photo.name)
    with st.container(width=190, gap="small"):
        alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
        st.html(
            f'<img src="/api/photos/{photo.id}/thumbnail" alt="{alt}" loading="lazy" '
            'style="height:9rem;width:100%;object-fit:contain;border-radius:.4rem;'
            'background:rgba(128,128,128,.12)">'
        )
        reasons = f"It {guess.in_words}." if guess is not None else "You set it apart."
        size = size_text(photo.file_bytes) if photo.file_bytes >= _MB // 10 else "below 0.1 MB"
        facts = f"{photo.width:,} × {photo.height:,} · {size}"
        lines = map(html.escape, (photo.name, facts, reasons))
        st.html(f'<div class="clutter-card">{"<br>".join(lines)}</div>')
        with st.container(horizontal=True, gap="small"):
            if not group.is_apart:
                st.button(
                    "Set apart",
                    key=f"apart_{photo.id[:16]}",
                    on_click=_apart,
                    args=([photo.id],),
                    help=f"{name} leaves the timeline",
                )
            st.button(
                "Put back" if group.is_apart else "Keep",
                key=f"keep_{photo.id[:16]}",
                on_click=_keep,
                args=([photo.id],),
                help=f"{name} is in the timeline, and is not proposed again",
            )


def _apart(photo_ids: list[str]) -> None:
    note_edit(set_apart(get_gallery().library, photo_ids))


def _keep(photo_ids: list[str]) -> None:
    note_edit(keep_in_timeline(get_gallery().library, photo_ids))
