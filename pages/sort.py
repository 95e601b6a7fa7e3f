"""Put a folder in order: plan, look at the plan, act, and take it back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.sections.problem import show_problem
from pages.sections.query_line import show_query_error
from pages.state.session import get_services
from scene_model.errors import QueryError, SceneError
from scene_model.export.sorting.classification import BY_ALBUM, BY_CLASS
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import Journal, last_journal
from scene_model.export.sorting.layout import Layout
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.preparation import Preparation, checked_folders, prepare
from scene_model.export.sorting.transaction import (
    Outcome,
    resume_sort,
    sort_files,
    undo_sort,
)

_PREVIEW_ROWS = 200
_PLAN, _SAID = "sort_plan", "sort_said"
_KINDS = {"Copy": Kind.COPY, "Move": Kind.MOVE, "Hard link": Kind.HARDLINK}
_FOLDERS = {
    "Class": "{class}/{name}",
    "Year / month / class": "{taken:%Y}/{taken:%m}/{class}/{name}",
    "Year / month": "{taken:%Y}/{taken:%m}/{name}",
    "Camera / class": "{camera}/{class}/{name}",
    "Album": "{album}/{name}",
}


def _page() -> None:
    st.title("Sort a folder")
    get_services().require_personal("sort folders of the server's own disk")
    st.caption(
        "Photos of a folder on this computer go into folders by class. Every step is written down "
        "first, nothing is overwritten, and Undo brings back what was."
    )
    asked = _asked()
    if asked is None:
        return
    source, dest, kind, folders, query = asked
    if source in dest.parents:
        st.caption(
            f"{dest.name} lies in the folder with the photos: what is in it already is not sorted "
            "again."
        )
    if st.button("Make a plan", type="primary", icon=":material/list_alt:"):
        st.session_state.pop(_SAID, None)
        st.session_state[_PLAN] = (asked, _prepared(source, dest, folders, query))
    planned = st.session_state.get(_PLAN)
    if planned is not None and planned[0] == asked:
        _preview(planned[1], kind)
    _said()
    _last_sort(dest)


def _asked() -> tuple[Path, Path, Kind, str, str] | None:
    """What is to be sorted, and how; None until both folders are named."""
    left, right = st.columns(2)
    source = left.text_input("Folder with photos", key="sort_source", placeholder="/home/me/Photos")
    dest = right.text_input("Put them into", key="sort_dest", placeholder="/home/me/Sorted")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Files", list(_KINDS), default="Copy", key="sort_kind", required=True
        )
        folders = st.selectbox("Folders", list(_FOLDERS), key="sort_folders", width=240)
        query = st.text_input(
            "Which photos", key="sort_q", placeholder="all of them; or a query", width=320
        )
    if not source or not dest:
        st.info("Name both folders; the second may be new.", icon=":material/folder_open:")
        return None
    return (
        Path(source).expanduser().absolute(),
        Path(dest).expanduser().absolute(),
        _KINDS[kind or "Copy"],
        folders,
        (query or "").strip(),
    )


def _prepared(source: Path, dest: Path, folders: str, query: str) -> Preparation | None:
    checked_folders(source, dest)
    services = get_services()
    bar = st.progress(0.0, "Looking at the photos …")

    def show(done: int, total: int | None) -> None:
        bar.progress(done / total if total else 0.0, f"{done:,} of {total or 0:,} photos looked at")

    layout = Layout(_FOLDERS[folders])
    try:
        classification = services.classification(
            BY_ALBUM if folders == "Album" else BY_CLASS, query, layout.uses_album
        )
    except QueryError as error:
        show_query_error(query, error)
        return None
    prepared = prepare(source, dest, classification, layout, [services.settings.library], show)
    bar.empty()
    return prepared


def _preview(prepared: Preparation | None, kind: Kind) -> None:
    if prepared is None:
        return
    plan = prepared.plan
    st.subheader("The plan")
    skipped = [left for left in plan.untouched if left.error is None]
    stay = [left for left in plan.untouched if left.error is not None]
    said = [f"{len(plan.steps):,} files to {_verb(kind)}"]
    said += [f"{len(skipped):,} are there already"] if skipped else []
    said += [f"{len(stay):,} stay{'s' if len(stay) == 1 else ''}"] if stay else []
    if prepared.ignored:
        others = "other file is" if prepared.ignored == 1 else "other files are"
        said.append(f"{prepared.ignored:,} {others} left alone")
    st.caption(" · ".join(said))
    if plan.steps:
        folders = Counter(str(Path(s.target).parent.relative_to(plan.dest)) for s in plan.steps)
        left, right = st.columns([2, 1])
        rows = [
            (Path(s.source).name, str(Path(s.target).relative_to(plan.dest)), plan.reason(s))
            for s in plan.steps[:_PREVIEW_ROWS]
        ]
        left.dataframe(_table(rows, ("File", "Goes to", "Why")), hide_index=True)
        right.dataframe(_table(folders.most_common(), ("Folder", "Files")), hide_index=True)
        if len(plan.steps) > _PREVIEW_ROWS:
            st.caption(f"The first {_PREVIEW_ROWS} of {len(plan.steps):,} files.")
    if stay:
        st.subheader("Files that stay")
        problems = [(Path(left.path).name, left.reason) for left in stay]
        st.dataframe(_table(problems, ("File", "Why")), hide_index=True)
    label = f"{_verb(kind).capitalize()} {len(plan.steps):,} files"
    if plan.steps and st.button(label, type="primary", icon=":material/drive_file_move:"):
        steps = sort_files(plan, kind, prepared.folders, follow=get_services().follow)
        _carry_out(steps, len(plan.steps), "in their places")


def _last_sort(dest: Path) -> None:
    """What can be taken back, or has to be gone on with."""
    journal = last_journal(dest, SortFileSystem())
    if journal is None:
        return
    st.subheader("The last sort into this folder")
    what = f"{len(journal.steps):,} files, by {_noun(journal)}"
    follow = get_services().follow
    if journal.progress.is_cut_off:
        st.warning(f"{what}: it was cut off.", icon=":material/warning:")
    else:
        st.caption(what)
    with st.container(horizontal=True):
        goes_on = journal.progress.is_cut_off and st.button("Go on", icon=":material/play_arrow:")
        takes_back = st.button("Undo this sort", icon=":material/undo:")
    if goes_on:
        _carry_out(resume_sort(dest, follow=follow), len(journal.steps), "done")
    if takes_back:
        _carry_out(undo_sort(dest, follow=follow), len(journal.steps), "back where they were")


def _carry_out(steps: Iterator[Outcome], total: int, what: str) -> None:
    """Take the steps with a bar; leaving the page cuts off, and "Go on" goes on."""
    bar = st.progress(0.0, "…")
    failed, done = [], 0
    for number, (step, error) in enumerate(steps, 1):
        if error is None:
            done += 1
        else:
            failed.append((Path(step.source).name, error.message))
        if number % 20 == 0 or number == total:
            bar.progress(min(1.0, number / total), f"{number:,} of {total:,} files")
    st.session_state[_SAID] = (done, what, failed)
    st.session_state.pop(_PLAN, None)
    st.rerun()


def _said() -> None:
    """Say what the last step on this page came to."""
    if _SAID not in st.session_state:
        return
    done, what, failed = st.session_state[_SAID]
    if failed:
        st.warning(f"{done:,} files {what}; {len(failed):,} stay.", icon=":material/warning:")
        st.dataframe(_table(failed, ("File", "Why")), hide_index=True)
    else:
        st.success(f"{done:,} files {what}.", icon=":material/check_circle:")


def _verb(kind: Kind) -> str:
    return "link" if kind is Kind.HARDLINK else str(kind)


def _noun(journal: Journal) -> str:
    names = {Kind.COPY: "copying", Kind.MOVE: "moving", Kind.HARDLINK: "hard links"}
    return names[journal.kind]


def _table(rows: Sequence[tuple[object, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    # A name that is no UTF-8 is shown with a mark where it cannot be.
    escape_markdown = [
        tuple(c.encode("utf-8", "replace").decode() if isinstance(c, str) else c for c in row)
        for row in rows
    ]
    return pd.DataFrame(escape_markdown, columns=list(columns))


try:
    _page()
except SceneError as error:
    show_problem(error)
