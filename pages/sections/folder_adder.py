"""Add a folder of this computer: look through it, say what it takes, then copy or refer to it."""

from pathlib import Path

import streamlit as st

from pages.sections.problem import show_problem
from pages.state.session import get_services
from scene_model.errors import LibraryFull, SceneError
from scene_model.ingest.folder_scan import FolderScan, SpaceNeeded, scan_folder, space_needed
from scene_model.jobs.job import Job

_FOUND_KEY = "folder_found"
_COPY = "Copy them into the library"
_REFER = "Leave them where they are"


def folder_adder() -> Job | None:
    """Show the form; returns the job once the visitor has pressed Add."""
    with st.form("folder", border=False):
        typed = st.text_input("Folder", placeholder="/home/me/Pictures", key="folder_path")
        recursive = st.checkbox("Also the folders inside it", value=True, key="folder_deep")
        is_asked = st.form_submit_button("Look through it", icon=":material/folder_open:")
    if is_asked:
        st.session_state.pop(_FOUND_KEY, None)
        if not typed.strip():
            st.error("Write the path of a folder.", icon=":material/error:")
            return None
        with st.spinner("Looking through the folder …"):
            st.session_state[_FOUND_KEY] = scan_folder(Path(typed.strip()), recursive)
    found: FolderScan | None = st.session_state.get(_FOUND_KEY)
    return None if found is None else _offer(found)


def _offer(found: FolderScan) -> Job | None:
    services = get_services()
    space = space_needed(found, services.library)
    st.text(f"{found.folder}: {len(found.photos):,} photos, {_gb(found.file_bytes)}")
    notes = [f"{found.ignored:,} other files are left out"] if found.ignored else []
    if found.unreadable:
        notes.append(f"{found.unreadable:,} places could not be read")
    if notes:
        st.caption(" · ".join(notes))
    if not found.photos:
        return None
    way = st.radio(
        "The originals",
        [_COPY, _REFER],
        key="folder_way",
        captions=[
            f"Takes about {_gb(space.by_copy)}; your own files are not touched.",
            f"Takes about {_gb(space.by_reference)} for thumbnails; a photo that is moved or "
            "deleted later is missing here too.",
        ],
    )
    by_reference = way == _REFER
    needed = space.by_reference if by_reference else space.by_copy
    st.caption(f"{_gb(space.free)} are free where the library lies.")
    if not st.button("Add the photos", type="primary", icon=":material/library_add:"):
        return None
    try:
        return _add(found, space, needed, by_reference)
    except SceneError as error:
        show_problem(error)
        return None


def _add(found: FolderScan, space: SpaceNeeded, needed: int, by_reference: bool) -> Job:
    if needed > space.free:
        raise LibraryFull(
            f"Adding them takes about {_gb(needed)}, but {_gb(space.free)} are free. "
            "Free some space, or leave the photos where they are."
        )
    job = get_services().submit_folder(found.photos, by_reference)
    del st.session_state[_FOUND_KEY]
    return job


def _gb(file_bytes: int) -> str:
    return f"{file_bytes / 1e9:,.1f} GB" if file_bytes >= 1e9 else f"{file_bytes / 1e6:,.1f} MB"
