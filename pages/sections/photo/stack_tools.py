"""The stack of the open photo: what it is, which photo shows for it, and how it is taken apart."""

import streamlit as st

from pages.sections.undo_button import note_edit
from pages.state.session import get_gallery
from pages.widgets.stack_marks import stack_text
from scene_model.library.records import PhotoRecord
from scene_model.library.stacks.stack_edits import choose_pick, show_apart
from scene_model.library.stacks.stack_rows import Stack


def show_stack(photo: PhotoRecord, stack: Stack) -> None:
    """Show what stack a photo is in, and the decisions about it."""
    library = get_gallery().library
    st.caption(
        f":material/stacks: {stack_text(stack)}. Changes here apply to this photo alone. In an "
        "export, all photos of the stack go into the folder of the one on top."
    )
    with st.container(horizontal=True, key="dialog_stack"):
        st.button(
            "Put on top",
            icon=":material/filter_none:",
            disabled=photo.id == stack.pick,
            key="dialog_pick",
            on_click=lambda: note_edit(choose_pick(library, photo.id)),
            help="Let this photo show for the stack in the gallery, and decide its folder",
        )
        st.button(
            "Show apart",
            icon=":material/view_module:",
            key="dialog_apart",
            on_click=lambda: note_edit(show_apart(library, [photo.id])),
            help="Show each photo of the stack for itself. No rule stacks them again.",
        )
