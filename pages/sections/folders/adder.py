"""Add a folder on this computer: scan it, show the space needed, then copy or reference it."""

import streamlit as st

from pages.sections.folders.exports import export_adder, find_exports, offer_exports
from pages.sections.folders.picker import folder_field
from pages.sections.messages import counted, show_error, size_text
from pages.state.session import get_services
from scene_model.errors import LibraryFull, SceneError
from scene_model.ingest.folder_scan import FolderScan, SpaceNeeded, scan_folder, space_needed
from scene_model.ingest.start_folders import remember_folder
from scene_model.jobs.job import Job

_SCAN_KEY = "folder_scan"
_COPY = "Copy to the library"
_REFERENCE = "Leave in place"


def folder_adder() -> Job | None:
    """Show the form; returns the job once the visitor has added the photos, else None."""
    folder = folder_field("Folder", "folder_path")
    is_recursive = st.checkbox("Include subfolders", value=True, key="folder_deep")
    if st.button("Scan folder", icon=":material/search:", disabled=folder is None) and folder:
        st.session_state.pop(_SCAN_KEY, None)
        with st.spinner("Scanning folder …"):
            offer = find_exports(folder)
            if offer is None or not offer.is_exported_folder:
                scan = scan_folder(folder, is_recursive)
                if scan.photos or offer is None:
                    st.session_state[_SCAN_KEY] = scan
        offer_exports(offer)
        remember_folder(get_services().library, folder)
    job = export_adder()
    stored: FolderScan | None = st.session_state.get(_SCAN_KEY)
    return job or (None if stored is None else _scan_result(stored))


def _scan_result(scan: FolderScan) -> Job | None:
    services = get_services()
    space = space_needed(scan, services.library)
    photos = counted(len(scan.photos), "photo")
    st.text(f"{scan.folder}: {photos}, {size_text(scan.file_bytes)}")
    notes = [f"{counted(scan.ignored, 'other file')} ignored"] if scan.ignored else []
    if scan.unreadable:
        notes.append(f"{counted(scan.unreadable, 'item')} could not be read")
    if notes:
        st.caption(" · ".join(notes))
    if not scan.photos:
        st.info("No photos found. Choose another folder.", icon=":material/search_off:")
        return None
    storage = st.radio(
        "Original files",
        [_COPY, _REFERENCE],
        key="folder_way",
        captions=[
            f"Needs about {size_text(space.by_copy)}. Your own files are not changed.",
            f"Needs about {size_text(space.by_reference)} for thumbnails. If you move or delete a "
            "file later, the library can no longer open the original.",
        ],
    )
    by_reference = storage == _REFERENCE
    needed = space.by_reference if by_reference else space.by_copy
    st.caption(f"{size_text(space.free)} free on the disk of the library.")
    if not st.button(f"Add {photos}", type="primary", icon=":material/library_add:"):
        return None
    try:
        return _add(scan, space, needed, by_reference)
    except SceneError as error:
        show_error(error)
        return None


def _add(scan: FolderScan, space: SpaceNeeded, needed: int, by_reference: bool) -> Job:
    if needed > space.free:
        raise LibraryFull(
            f"Adding these photos needs about {size_text(needed)}, but only "
            f"{size_text(space.free)} is free. Delete other files from the disk, or leave the "
            "photos in place."
        )
    job = get_services().jobs.submit_paths(scan.photos, by_reference)
    del st.session_state[_SCAN_KEY]
    return job
