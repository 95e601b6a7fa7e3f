"""Add archives of a folder, or a folder that Google Takeout or iCloud exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.sections.messages import counted, escape_markdown, show_error, size_text
from pages.state.session import get_services
from scene_model.errors import LibraryFull, SceneError
from scene_model.ingest.archives.plan import ExportPlan, plan_export
from scene_model.ingest.archives.recognise import archives_in, is_exported_folder, is_part
from scene_model.ingest.folder_scan import space_for
from scene_model.jobs.job import Job

_OFFER, _PLAN, _CHOSEN, _STORAGE = "export_offer", "export_plan", "export_archives", "export_way"
_COPY, _REFERENCE = "Copy to the library", "Leave in place"
_MAX_ALBUMS, _MAX_WARNINGS = 12, 5


@dataclass(frozen=True)
class ExportOffer:
    """What a folder has: archives, or what another program exported into it."""

    folder: Path
    is_exported_folder: bool
    archives: tuple[Path, ...]


def find_exports(folder: Path) -> ExportOffer | None:
    """Return what a folder has; None for a folder of photos alone."""
    archives = tuple(archives_in(folder))
    is_exported = not any(map(is_part, archives)) and is_exported_folder(folder)
    return ExportOffer(folder, is_exported, archives) if archives or is_exported else None


def offer_exports(offer: ExportOffer | None) -> None:
    """Offer what a scan of a folder found, in place of what an earlier one did."""
    for key in (_OFFER, _PLAN, _CHOSEN):
        st.session_state.pop(key, None)
    if offer is not None:
        st.session_state[_OFFER] = offer


def export_adder() -> Job | None:
    """Show what is offered; returns the job once the visitor has added it, else None."""
    offer: ExportOffer | None = st.session_state.get(_OFFER)
    if offer is None:
        return None
    sources = [offer.folder] if offer.is_exported_folder else _chosen_archives(offer)
    label = "Read folder" if offer.is_exported_folder else "Read archives"
    if st.button(label, icon=":material/folder_zip:", disabled=not sources):
        _read(sources)
    plan: ExportPlan | None = st.session_state.get(_PLAN)
    if plan is None or set(plan.sources) != set(sources):
        return None
    return _plan_result(plan, offer.is_exported_folder)


def _chosen_archives(offer: ExportOffer) -> list[Path]:
    by_name = {path.name: path for path in offer.archives}
    names = st.multiselect(
        "Archives in this folder",
        list(by_name),
        default=[path.name for path in offer.archives if is_part(path)] or list(by_name)[:1],
        key=_CHOSEN,
        help="Choose all parts of an export together. They are read where they are, and not "
        "unpacked.",
    )
    return [by_name[name] for name in names]


def _read(sources: Sequence[Path]) -> None:
    st.session_state.pop(_PLAN, None)
    status = st.empty()

    def show(listed: int) -> None:
        status.caption(f"Reading the list of files … {listed:,}")

    show(0)
    st.session_state[_PLAN] = plan_export(get_services().library, sources, on_listed=show)
    status.empty()


def _plan_result(plan: ExportPlan, is_folder: bool) -> Job | None:
    kind = "Google Takeout" if plan.is_takeout else counted(len(plan.sources), "archive")
    photos = counted(plan.photos, "photo")
    parts = [f"{kind}: {photos}, {size_text(plan.file_bytes)}"]
    parts += [counted(plan.videos, "video")] if plan.videos else []
    parts += [counted(len(plan.albums), "album")] if plan.albums else []
    st.text(", ".join(parts))
    _notes(plan)
    if plan.is_empty:
        st.info("No photos found. Choose other archives.", icon=":material/search_off:")
        return None
    by_reference = is_folder and _storage() == _REFERENCE
    count = plan.photos + plan.videos
    space = space_for(count, plan.file_bytes, get_services().library)
    needed = space.by_reference if by_reference else space.by_copy
    st.caption(
        f"Needs about {size_text(needed)}; {size_text(space.free)} free on the disk of the library."
    )
    text = f"Add {photos}" if count else f"Complete {counted(plan.completed, 'photo')}"
    if not st.button(text, type="primary", icon=":material/library_add:", key="export_add"):
        return None
    try:
        if needed > space.free:
            raise LibraryFull(
                f"Adding these photos needs about {size_text(needed)}, but only "
                f"{size_text(space.free)} is free. Delete other files from the disk."
            )
        job = get_services().jobs.submit_export(plan.referencing() if by_reference else plan)
    except SceneError as error:
        show_error(error)
        return None
    offer_exports(None)
    return job


def _storage() -> str:
    return str(
        st.radio(
            "Original files",
            [_COPY, _REFERENCE],
            key=_STORAGE,
            captions=[
                "Your own files are not changed.",
                "If you move or delete a file later, the library can no longer open the original.",
            ],
        )
    )


def _notes(plan: ExportPlan) -> None:
    """Say what comes with the photos, what is left out, and which parts are missing."""
    if plan.albums:
        titles = ", ".join(plan.albums[:_MAX_ALBUMS])
        more = len(plan.albums) - _MAX_ALBUMS
        st.caption(escape_markdown(f"Albums: {titles}{f' and {more:,} more' if more > 0 else ''}"))
    notes = []
    if plan.completed:
        notes.append(f"{counted(plan.completed, 'photo')} of the library will get dates and more")
    if plan.left_out:
        notes.append(f"{counted(plan.left_out, 'file')} in the trash or locked left out")
    if plan.edit_files:
        notes.append(f"{counted(plan.edit_files, 'AAE file')} of Apple's edits ignored")
    if plan.ignored:
        notes.append(f"{counted(plan.ignored, 'other file')} ignored")
    if notes:
        st.caption(escape_markdown(" · ".join(notes)))
    refusals = [file.refusal for file in plan.files if file.refusal is not None]
    for refusal in refusals[:_MAX_WARNINGS]:
        is_named = refusal.message.startswith(refusal.name)
        text = refusal.message if is_named else f"{refusal.name}: {refusal.message}"
        st.warning(escape_markdown(text), icon=":material/warning:")
    if len(refusals) > _MAX_WARNINGS:
        st.caption(f"{len(refusals) - _MAX_WARNINGS:,} more are listed when the others are added.")
