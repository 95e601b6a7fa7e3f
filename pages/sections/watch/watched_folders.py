"""Watch folders of this computer: add one, see what it does, pause it, stop watching it."""

import datetime
from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pages.sections.folders.picker import folder_field
from pages.sections.messages import counted, error_markdown, escape_markdown
from pages.state.session import get_services
from scene_model.errors import SceneError
from scene_model.ingest.start_folders import remember_folder
from scene_model.ingest.watch.folder_state import FolderState, FolderStatus
from scene_model.ingest.watch.watched_folders import WatchedFolder

_FOLDER_KEY, _WAY_KEY, _ERROR_KEY = "watch_folder", "watch_way", "watch_error"
_COPY, _REFERENCE = "Copy to the library", "Leave in place"
_MAX_SHOWN = 200
_STATUS = {
    FolderStatus.STARTING: "starting",
    FolderStatus.WATCHING: "watching",
    FolderStatus.ADDING: "adding photos",
    FolderStatus.WAITING: "waiting",
    FolderStatus.ABSENT: "not there at the moment",
    FolderStatus.UNREADABLE: "cannot be read",
    FolderStatus.ELSEWHERE: "watched by another process",
    FolderStatus.PAUSED: "paused",
    FolderStatus.STOPPED: "not watched now",
}


def watched_folders() -> None:
    """Show the watched folders, and a form to add one."""
    get_services().settings.require_personal("watch folders of the server's disk")
    st.caption(
        "New photos in these folders, and in the folders inside them, are added by themselves "
        "while Scene Gallery runs. Files that are deleted there stay in the library if they were "
        "copied."
    )
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message, icon=":material/error:")
    if get_services().watches.folders.all():
        _folder_list()
    _new_folder()


@st.fragment(run_every="3s")
def _folder_list() -> None:
    """Show the folders; refreshed while the page is open."""
    if st.session_state.get(_ERROR_KEY):
        st.rerun()
    for folder, state in get_services().watches.states():
        with st.container(border=True, key=f"watched_{folder.id}"):
            _show_folder(folder, state)


def _show_folder(folder: WatchedFolder, state: FolderState) -> None:
    st.markdown(f"**{escape_markdown(str(folder.path))}**")
    way = "photos stay in place" if folder.by_reference else "photos are copied"
    facts = [_STATUS[state.status], way, f"{counted(state.photos, 'photo')} in the library"]
    if state.pending:
        facts.append(f"{counted(state.pending, 'file')} waiting")
    if state.scanned_at is not None:
        facts.append(f"last scan {_time_text(state.scanned_at)}")
    st.caption(" · ".join(facts))
    if state.message:
        st.warning(escape_markdown(state.message), icon=":material/info:")
    if state.note:
        st.caption(escape_markdown(state.note))
    _show_files(folder, state)
    _buttons(folder, state)


def _show_files(folder: WatchedFolder, state: FolderState) -> None:
    """Show the files that failed, and referenced originals that are missing."""
    if state.failed:
        with st.expander(f"{counted(len(state.failed), 'file')} failed"):
            rows = state.failed[:_MAX_SHOWN]
            names = [_inside(folder, file.path) for file in rows]
            st.dataframe(
                pd.DataFrame({"File": names, "Reason": [file.message for file in rows]}),
                hide_index=True,
                key=f"watch_failed_{folder.id}",
            )
    if state.missing:
        with st.expander(f"{counted(len(state.missing), 'original')} missing"):
            st.caption(
                "These photos are in the library, but their originals are no longer at their "
                "places, or were changed. Put a file back, or into any watched folder."
            )
            names = [_inside(folder, path) for path in state.missing[:_MAX_SHOWN]]
            st.dataframe(
                pd.DataFrame({"File": names}), hide_index=True, key=f"watch_missing_{folder.id}"
            )


def _buttons(folder: WatchedFolder, state: FolderState) -> None:
    watches, label = get_services().watches, escape_markdown(folder.path.name)
    is_elsewhere = state.status is FolderStatus.ELSEWHERE
    is_resting = state.status in (FolderStatus.PAUSED, FolderStatus.STOPPED)

    def button(text: str, icon: str, action: Callable[[str], None]) -> None:
        st.button(
            text,
            key=f"watch_{text.split()[0].lower()}_{folder.id}",
            icon=icon,
            help=f"{text}: {label}",
            on_click=_run,
            args=(partial(action, folder.id),),
        )

    with st.container(horizontal=True):
        if not is_elsewhere:
            if is_resting:
                button("Resume", ":material/play_arrow:", watches.resume)
            else:
                button("Pause", ":material/pause:", watches.pause)
                button("Scan now", ":material/search:", watches.scan_soon)
                if state.failed:
                    button("Try again", ":material/refresh:", watches.try_again)
            button("Stop watching", ":material/visibility_off:", watches.remove)


def _new_folder() -> None:
    folder = folder_field("Folder to watch", _FOLDER_KEY)
    way = st.radio(
        "Originals of new photos",
        [_COPY, _REFERENCE],
        key=_WAY_KEY,
        captions=[
            "The library keeps its own copy. Your files are not changed.",
            "Takes little space. A file that is moved inside watched folders is found again.",
        ],
    )

    def begin() -> None:
        if folder is not None:
            services = get_services()
            services.watches.watch(folder, way == _REFERENCE)
            remember_folder(services.library, folder)
            st.session_state[_FOLDER_KEY] = ""

    st.button(
        "Watch folder",
        key="watch_begin",
        type="primary",
        icon=":material/visibility:",
        disabled=folder is None,
        on_click=_run,
        args=(begin,),
    )


def _run(action: Callable[[], None]) -> None:
    """Do what was clicked; an error is shown with the list."""
    try:
        action()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)


def _inside(folder: WatchedFolder, path: str) -> str:
    text = path.removeprefix(str(folder.path)).lstrip("/\\")
    return text.encode("utf-8", "replace").decode("utf-8")


def _time_text(scanned_at: str) -> str:
    try:
        scanned = datetime.datetime.fromisoformat(scanned_at)
    except ValueError:
        return "unknown"
    now = datetime.datetime.now().astimezone()
    return f"{scanned:%H:%M:%S}" if scanned.date() == now.date() else f"{scanned:%Y-%m-%d %H:%M}"
