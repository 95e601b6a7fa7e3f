"""What is known of one photo beside its picture: who said which tag, EXIF, place, file."""

import datetime
import html
from collections.abc import Iterable

import streamlit as st

from pages.state.session import get_gallery, get_services
from scene_model.classifier.labels import HUMAN, NONE
from scene_model.library.decisions import decisions_on
from scene_model.library.records import PhotoRecord, TagOnPhoto

_NEARBY_KM = 5


def head_name(head_id: str) -> str:
    """What people read for a head; one that only an earlier model has keeps its id."""
    head = get_services().classifier.heads.get(head_id)
    return head_id if head is None else head.name


def provenance(photo: PhotoRecord) -> None:
    """Say of the class and of each tag who said so: a model and how sure, or a person and when."""
    gallery = get_gallery()
    names, decided = gallery.vocabulary, decisions_on(gallery.library, photo.id)
    when = {decision.label: decision.at for decision in decided.tags}
    rows = [
        (f"Class: {names.display_name(photo.photo_class)}", _who_filed(photo, decided.class_at))
    ]
    rows += [
        (names.display_name(tag.label), _who_tagged(tag, when.get(tag.label))) for tag in photo.tags
    ]
    rows += [
        (f"Not: {names.display_name(decision.label)}", f"You rejected it, {_day(decision.at)}")
        for decision in decided.tags
        if decision.is_rejected
    ]
    fact_table(rows, "Who said so")


def facts(photo: PhotoRecord) -> None:
    """EXIF, place, and the file."""
    taken = photo.taken_at and f"{photo.taken_at.replace('T', ' ')} ({photo.taken_source})"
    known = {
        "Taken": taken,
        "Camera": photo.camera,
        "Lens": photo.lens,
        "Place": _place(photo),
        "Size": f"{photo.width:,} × {photo.height:,} pixels, {photo.file_bytes / 1e6:.2f} MB",
        "Format": photo.format,
        "Added": _day(photo.added_at),
        "Model": photo.bundle,
        "ID": photo.id,
    }
    fact_table(((name, value) for name, value in known.items() if value), "About this photo")
    if photo.latitude is not None and photo.longitude is not None:
        near = f"near:{photo.latitude:.5f},{photo.longitude:.5f},{_NEARBY_KM}km"
        st.page_link(
            "gallery.py",
            label=f"Photos within {_NEARBY_KM} km",
            icon=":material/near_me:",
            query_params={"q": near},
        )


def fact_table(rows: Iterable[tuple[str, str]], label: str) -> None:
    """Two columns of words; every one of them shown as it is."""
    made = "".join(
        '<tr><th scope="row" style="text-align:left;vertical-align:top;font-weight:600;border:0;'
        f'padding:.15rem 1rem .15rem 0;white-space:nowrap">{html.escape(name)}</th>'
        '<td style="border:0;padding:.15rem 0;overflow-wrap:anywhere;width:99%">'
        f"{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    st.html(
        f'<table aria-label="{html.escape(label, quote=True)}" '
        f'style="width:100%;border-collapse:collapse;font-size:.9rem">{made}</table>'
    )


def _who_filed(photo: PhotoRecord, class_at: str | None) -> str:
    if photo.class_source == HUMAN:
        return f"You chose it{f', {_day(class_at)}' if class_at else ''}"
    if photo.class_source == NONE:
        return "No head was sure"
    return f"{head_name(photo.class_source)}, {photo.class_score:.0%} ({photo.bundle})"


def _who_tagged(tag: TagOnPhoto, at: str | None) -> str:
    if tag.head == HUMAN or tag.score is None:
        return f"You added or accepted it{f', {_day(at)}' if at else ''}"
    return f"{head_name(tag.head)}, {tag.score:.0%} ({tag.bundle})"


def _day(at: str) -> str:
    return f"{datetime.datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}"


def _place(photo: PhotoRecord) -> str | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    north = f"{abs(photo.latitude):.5f}° {'N' if photo.latitude >= 0 else 'S'}"
    return f"{north}, {abs(photo.longitude):.5f}° {'E' if photo.longitude >= 0 else 'W'}"
