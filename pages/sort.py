"""Sort a folder on disk: preview the plan, execute it, resume it, undo it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from pages.sections.folders.picker import folder_field
from pages.sections.messages import counted, escape_markdown, show_error
from pages.sections.photo.facts import head_name
from pages.sections.query_line import show_query_error
from pages.state.session import get_services
from scene_model.classifier.labels import OBJECTS
from scene_model.errors import QueryError, SceneError
from scene_model.export.sorting.classification import (
    BY_ALBUM,
    BY_CLASS,
    BY_GROUP,
    BY_TRIP,
)
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import Journal, last_journal
from scene_model.export.sorting.layout import ORGANISED_LAYOUT, TRIP_DAYS_LAYOUT, Layout
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.preparation import Preparation, checked_folders, prepare
from scene_model.export.sorting.transaction import (
    Follow,
    Outcome,
    resume_sort,
    sort_files,
    undo_sort,
)
from scene_model.ingest.start_folders import remember_folder
from scene_model.library.inventory import update_references

_PREVIEW_ROWS = 200
_PLAN, _RESULT = "sort_plan", "sort_result"
_KINDS = {"Copy": Kind.COPY, "Move": Kind.MOVE, "Hard link": Kind.HARDLINK}
_DONE = {Kind.COPY: "copied", Kind.MOVE: "moved", Kind.HARDLINK: "hard-linked"}
_BY = {BY_GROUP: "Group", BY_CLASS: "Class", BY_ALBUM: "Album", BY_TRIP: "Trip"}
# By template: the folders in words. `{class}` is what the photos are sorted by.
_LAYOUTS = {
    "{class}/{name}": "{by}",
    "{taken:%Y}/{taken:%m}/{class}/{name}": "Year / month / {by}",
    "{taken:%Y}/{taken:%m}/{name}": "Year / month",
    "{camera}/{class}/{name}": "Camera / {by}",
    "{trip}/{day}/{name}": "Trip / day",
    TRIP_DAYS_LAYOUT: "Month and trip / day",
    ORGANISED_LAYOUT: "Trips and days, other photos by month, clutter apart",
}


class _Inputs(NamedTuple):
    """What the visitor entered. by: as in `Classification`. layout: a template.

    A tuple: Streamlit makes this class again in each run, and equal tuples stay equal.
    """

    source: Path
    dest: Path
    kind: Kind
    by: str
    layout: str
    query: str


def _page() -> None:
    st.title("Sort a folder")
    get_services().settings.require_personal("sort folders on the server's disk")
    st.caption(
        "Sorts the photos of a folder on this computer into folders by what they show. Each step "
        "is logged before it is done, no file is overwritten, and you can undo the sort."
    )
    inputs = _inputs()
    if inputs is None:
        return
    if inputs.source in inputs.dest.parents:
        st.caption(
            f"{escape_markdown(inputs.dest.name)} is inside the source folder. Files already in "
            "it are not sorted again."
        )
    if st.button("Create plan", type="primary", icon=":material/list_alt:"):
        st.session_state.pop(_RESULT, None)
        st.session_state[_PLAN] = (inputs, _prepare(inputs))
        for folder in (inputs.dest, inputs.source):
            remember_folder(get_services().library, folder)
    planned = st.session_state.get(_PLAN)
    if planned is not None and planned[0] == inputs:
        _preview(planned[1], inputs.kind)
    _result()
    _last_sort(inputs.dest)


def _inputs() -> _Inputs | None:
    """Show the inputs and return them; None until both folders are entered."""
    left, right = st.columns(2)
    with left:
        source = folder_field("Source folder", "sort_source")
    with right:
        dest = folder_field("Destination folder", "sort_dest", can_make=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Action", list(_KINDS), default="Copy", key="sort_kind", required=True
        )
        by = st.selectbox(
            *("Sort by", _choices()),
            format_func=_by_name,
            key="sort_by",
            width=180,
            help="Groups are few and wide, such as Water or Animals; classes say more exactly what "
            "a photo shows.",
        )
        layout = st.selectbox(
            *("Folder layout", list(_LAYOUTS)),
            format_func=lambda template: _layout_name(template, by),
            key="sort_folders",
            width=240,
        )
        query = st.text_input(
            "Photos to sort", key="sort_q", placeholder="All photos, or a query", width=320
        )
    if source is None or dest is None:
        st.info(
            "Choose both folders. The destination can be a new one.",
            icon=":material/folder_open:",
        )
        return None
    return _Inputs(
        source,
        dest,
        _KINDS[kind or "Copy"],
        by,
        layout,
        (query or "").strip(),
    )


def _choices() -> list[str]:
    """Return what photos can be sorted by, groups first if the model has any."""
    services = get_services()
    heads = [head.id for head in services.classifier.ranked_heads if head.id != OBJECTS]
    return [by for by in (*_BY, *heads) if by != BY_GROUP or services.vocabulary.groups]


def _by_name(by: str) -> str:
    return _BY.get(by) or f"Label of “{head_name(by)}”"


def _layout_name(template: str, by: str) -> str:
    """Return the folders of a layout in words, such as "Year / month / group"."""
    words, name = _LAYOUTS[template], _by_name(by)
    return words.format(by=name if words.startswith("{by}") else name[0].lower() + name[1:])


def _prepare(inputs: _Inputs) -> Preparation | None:
    """Classify the photos and plan the sort; None when the query cannot be read."""
    checked_folders(inputs.source, inputs.dest)
    services = get_services()
    bar = st.progress(0.0, "Classifying photos …")

    def show(done: int, total: int | None) -> None:
        bar.progress(
            done / total if total else 0.0, f"{done:,} of {counted(total or 0, 'photo')} classified"
        )

    layout = Layout(inputs.layout)
    try:
        classification = services.classification(inputs.by, inputs.query, layout)
    except QueryError as error:
        show_query_error(inputs.query, error)
        return None
    preparation = prepare(
        *(inputs.source, inputs.dest, classification, layout, [services.settings.library]), show
    )
    bar.empty()
    return preparation


def _preview(preparation: Preparation | None, kind: Kind) -> None:
    if preparation is None:
        return
    plan = preparation.plan
    st.header("Plan")
    in_place = [file for file in plan.untouched if file.error is None]
    skipped = [file for file in plan.untouched if file.error is not None]
    files = counted(len(plan.steps), "file")
    summary = [f"{files} to {_verb(kind)}"]
    summary += [f"{len(in_place):,} already in place"] if in_place else []
    summary += [f"{len(skipped):,} skipped"] if skipped else []
    if preparation.ignored:
        summary.append(f"{counted(preparation.ignored, 'other file')} ignored")
    st.caption(" · ".join(summary))
    if plan.steps:
        folders = Counter(str(Path(s.target).parent.relative_to(plan.dest)) for s in plan.steps)
        left, right = st.columns([2, 1])
        rows = [
            (Path(s.source).name, str(Path(s.target).relative_to(plan.dest)), plan.reason(s))
            for s in plan.steps[:_PREVIEW_ROWS]
        ]
        left.dataframe(_table(rows, ("File", "New location", "Reason")), hide_index=True)
        right.dataframe(_table(folders.most_common(), ("Folder", "Files")), hide_index=True)
        if len(plan.steps) > _PREVIEW_ROWS:
            st.caption(f"Showing {_PREVIEW_ROWS} of {len(plan.steps):,} files.")
    if skipped:
        st.header("Skipped files")
        reasons = [(Path(file.path).name, file.reason) for file in skipped]
        st.dataframe(_table(reasons, ("File", "Reason")), hide_index=True)
    label = f"{_verb(kind).capitalize()} {files}"
    if plan.steps and st.button(label, type="primary", icon=":material/drive_file_move:"):
        steps = sort_files(plan, kind, preparation.folders, follow=_follow())
        _execute(steps, len(plan.steps), kind)


def _follow() -> Follow:
    """Return a callback that updates the library's references to moved files."""
    return partial(update_references, get_services().library)


def _last_sort(dest: Path) -> None:
    """Show the last sort into a folder, with buttons to continue or undo it."""
    journal = last_journal(dest, SortFileSystem())
    if journal is None:
        return
    st.header("Last sort into this folder")
    follow, kind, total = _follow(), journal.kind, len(journal.steps)
    if journal.progress.is_cut_off:
        st.warning(_interrupted(journal), icon=":material/warning:")
    else:
        st.caption(f"{counted(total, 'file')} {_DONE[kind]}")
    with st.container(horizontal=True):
        resume = journal.progress.is_cut_off and st.button("Continue", icon=":material/play_arrow:")
        undo = st.button("Undo sort", icon=":material/undo:")
    if resume:
        is_undo = journal.progress.is_undoing
        _execute(resume_sort(dest, follow=follow), total, kind, is_undo=is_undo)
    if undo:
        _execute(undo_sort(dest, follow=follow), total, kind, is_undo=True)


def _interrupted(journal: Journal) -> str:
    files = counted(len(journal.steps), "file")
    if journal.progress.is_undoing:
        return f"Undoing the sort of {files} was interrupted. Continue to undo the rest."
    return f"The sort of {files} was interrupted. Continue it or undo it."


def _execute(steps: Iterator[Outcome], total: int, kind: Kind, is_undo: bool = False) -> None:
    """Execute steps with a progress bar; leaving the page interrupts, "Continue" resumes."""
    bar = st.progress(0.0, "…")
    failed, done = [], 0
    for number, (step, error) in enumerate(steps, 1):
        if error is None:
            done += 1
        else:
            failed.append((Path(step.source).name, error.message))
        if number % 20 == 0 or number == total:
            bar.progress(min(1.0, number / total), f"{number:,} of {counted(total, 'file')}")
    text = _undone(done, kind) if is_undo else f"{counted(done, 'file')} {_DONE[kind]}"
    st.session_state[_RESULT] = (text, failed)
    st.session_state.pop(_PLAN, None)
    st.rerun()


def _undone(count: int, kind: Kind) -> str:
    if kind is Kind.COPY:
        return f"{count:,} {'copy' if count == 1 else 'copies'} removed"
    if kind is Kind.HARDLINK:
        return f"{counted(count, 'hard link')} removed"
    return f"{counted(count, 'file')} moved back"


def _result() -> None:
    """Show the result of the last sort or undo on this page."""
    if _RESULT not in st.session_state:
        return
    text, failed = st.session_state[_RESULT]
    if failed:
        st.warning(f"{text}, {len(failed):,} failed.", icon=":material/warning:")
        st.dataframe(_table(failed, ("File", "Reason")), hide_index=True)
    else:
        st.success(f"{text}.", icon=":material/check_circle:")


def _verb(kind: Kind) -> str:
    return "link" if kind is Kind.HARDLINK else str(kind)


def _table(rows: Sequence[tuple[object, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    # File names that are not valid UTF-8 are shown with replacement characters.
    valid = [
        tuple(c.encode("utf-8", "replace").decode() if isinstance(c, str) else c for c in row)
        for row in rows
    ]
    return pd.DataFrame(valid, columns=list(columns))


try:
    _page()
except SceneError as error:
    show_error(error)
