"""Choose a folder of this computer from a list; typing its path stays possible."""

import getpass
import platform
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st
from platformdirs import user_pictures_path

from pages.sections.messages import counted, error_markdown, escape_markdown
from pages.state.session import get_services
from scene_model.errors import SceneError
from scene_model.ingest.folder_listing import (
    MAX_ENTRIES,
    FolderListing,
    PhotoCount,
    Subfolder,
    list_folder,
    make_folder,
)
from scene_model.ingest.start_folders import breadcrumbs, last_folders, mounted_drives, usual_places

_OPEN, _AT, _ERROR = "folder_picker_open", "folder_picker_at", "folder_picker_error"
_HIDDEN, _FIND, _NEW, _MORE = "folder_hidden", "folder_find", "folder_new", "folder_more"
_FEW, _MAX_SHOWN = 12, 100
_STYLE = Path(__file__).with_suffix(".css")


def folder_field(label: str, key: str, can_make: bool = False) -> Path | None:
    """Show the chosen folder and how to choose another; returns it, or None without one.

    key: of the session, where the path is. can_make: whether a new folder can be made. Raises
    NotForVisitors on a shared server.
    """
    get_services().settings.require_personal("choose folders of the server's disk")
    typing_key, typed_key = f"{key}_typing", f"{key}_typed"
    chosen: str = st.session_state.get(key) or ""
    with st.container(key=f"folder_field_{key}"):
        st.markdown(f"**{label}**: {escape_markdown(chosen) if chosen else 'none chosen yet'}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Choose {label[0].lower()}{label[1:]} …",
                key=f"{key}_choose",
                icon=":material/folder_open:",
                on_click=_open,
                args=(key, chosen),
            )
            st.toggle("Type a path", key=typing_key, persist_state="session")
        if st.session_state.get(typing_key):
            # Only a change: what is set replaces what somebody types meanwhile.
            if st.session_state.get(typed_key) != chosen:
                st.session_state[typed_key] = chosen
            st.text_input(
                label,
                key=typed_key,
                placeholder=str(Path.home() / "Pictures"),
                on_change=lambda: st.session_state.update({key: st.session_state[typed_key]}),
            )
    if st.session_state.get(_OPEN) == key:
        _dialog(label, key, can_make)
    chosen = (st.session_state.get(key) or "").strip()
    return Path(chosen).expanduser().absolute() if chosen else None


def _open(key: str, chosen: str) -> None:
    """Open the dialog at the folder that is chosen, or at the nearest one that exists."""
    folder = Path(chosen).expanduser().absolute() if chosen else Path.home()
    st.session_state[_OPEN] = key
    _go(next((f for f in (folder, *folder.parents) if f.is_dir()), Path.home()))


def _close() -> None:
    for key in (_OPEN, _AT, _ERROR):
        st.session_state.pop(key, None)


def _go(folder: Path) -> None:
    st.session_state[_AT] = folder
    for key in (_ERROR, _FIND, _NEW, _MORE):
        st.session_state.pop(key, None)


def _dialog(label: str, key: str, can_make: bool) -> None:
    st.dialog(label, width="medium", on_dismiss=_close)(_contents)(key, can_make)


def _contents(key: str, can_make: bool) -> None:
    st.html(_STYLE)
    folder: Path = st.session_state.get(_AT) or Path.home()
    _places(folder)
    _breadcrumbs(folder)
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")
    try:
        listing = list_folder(folder, with_hidden=bool(st.session_state.get(_HIDDEN)))
    except SceneError as error:
        st.error(error_markdown(error), icon=":material/error:")
    else:
        _folders(listing)
        if can_make:
            _new_folder(folder)
        if st.button(
            "Choose this folder", type="primary", icon=":material/check:", key="folder_take"
        ):
            st.session_state[key] = str(folder)
            _close()
            st.rerun()


def _places(folder: Path) -> None:
    places = usual_places(
        Path.home(),
        user_pictures_path(),
        mounted_drives(platform.system(), getpass.getuser()),
        last_folders(get_services().library),
    )
    with st.container(horizontal=True, gap="small", key="folder_places"):
        for place in places:
            st.button(
                escape_markdown(place.name),
                key=f"place_{place.path}",
                icon=f":material/{place.icon}:",
                disabled=place.path == folder,
                help=escape_markdown(str(place.path)),
                on_click=_go,
                args=(place.path,),
            )


def _breadcrumbs(folder: Path) -> None:
    with st.container(horizontal=True, gap=None, vertical_alignment="center", key="folder_crumbs"):
        st.button(
            "Up",
            key="folder_up",
            icon=":material/arrow_upward:",
            disabled=folder.parent == folder,
            on_click=_go,
            args=(folder.parent,),
        )
        for crumb in breadcrumbs(folder):
            st.button(
                escape_markdown(crumb.name or str(crumb)),
                key=f"crumb_{crumb}",
                type="tertiary",
                disabled=crumb == folder,
                on_click=_go,
                args=(crumb,),
            )


def _folders(listing: FolderListing) -> None:
    archives = f", {counted(listing.archives, 'archive')}" if listing.archives else ""
    st.caption(f"{_count_text(listing.count)}{archives} in this folder")
    folders = _matching_folders(listing.folders)
    limit = int(st.session_state.get(_MORE, _MAX_SHOWN))
    with st.container(height=300, key="folder_list"):
        for folder in folders[:limit]:
            _folder_button(folder)
        if not folders:
            st.caption("No folders here.")
        if len(folders) > limit:
            st.button(
                f"Show more of {len(folders):,} folders",
                type="tertiary",
                on_click=lambda: st.session_state.update({_MORE: limit + _MAX_SHOWN}),
            )
    if not listing.is_complete:
        st.caption(f"Only the first {MAX_ENTRIES:,} files and folders were read. Type the path.")
    if listing.hidden or st.session_state.get(_HIDDEN):
        st.checkbox(
            f"Show hidden folders{f' ({listing.hidden:,})' if listing.hidden else ''}", key=_HIDDEN
        )


def _matching_folders(folders: Sequence[Subfolder]) -> Sequence[Subfolder]:
    """Offer a field to find a folder by its name where there are many; return those to show."""
    if len(folders) <= _FEW:
        return folders
    text = st.text_input(
        "Find a folder", key=_FIND, type="search", live=True, placeholder="Part of its name"
    )
    part = (text or "").strip().casefold()
    return [folder for folder in folders if part in folder.path.name.casefold()]


def _folder_button(folder: Subfolder) -> None:
    name = escape_markdown(folder.path.name)
    if not folder.is_readable:
        text = f"{name} · cannot be read"
    elif folder.count is None or not folder.count.photos:
        text = name
    else:
        text = f"{name} · {_count_text(folder.count)}"
    st.button(
        text,
        key=f"folder_{folder.path}",
        icon=":material/folder:" if folder.is_readable else ":material/folder_off:",
        disabled=not folder.is_readable,
        type="tertiary",
        width="stretch",
        on_click=_go,
        args=(folder.path,),
    )


def _count_text(count: PhotoCount) -> str:
    if not count.photos:
        return "No photos" if count.is_complete else "No photos found yet"
    return counted(count.photos, "photo") if count.is_complete else f"{count.photos:,}+ photos"


def _new_folder(folder: Path) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("New folder in this one", key=_NEW, placeholder="Sorted photos")
        st.button(
            "Create folder",
            key="folder_create",
            icon=":material/create_new_folder:",
            on_click=partial(_create, folder),
        )


def _create(folder: Path) -> None:
    try:
        made = make_folder(folder, st.session_state.get(_NEW) or "")
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
        return
    _go(made)
