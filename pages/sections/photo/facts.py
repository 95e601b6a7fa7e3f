"""Tables about one photo: the source of each tag, EXIF data, location, file, and all scores."""

import datetime
import html
from collections.abc import Iterable

import streamlit as st

from pages.sections.dates.date_text import date_source_text, date_text
from pages.sections.messages import escape_markdown
from pages.state.session import get_gallery, get_services
from pages.widgets.durations import video_text
from pages.widgets.guesses import guess_text
from scene_model.classifier.classify import HeadPredictions
from scene_model.classifier.labels import HUMAN, NONE, OBJECTS, UNSURE_CLASS
from scene_model.library.decisions import decisions_on
from scene_model.library.files.remote_originals import shown_url
from scene_model.library.groups import group_of
from scene_model.library.records import PhotoRecord, TagOnPhoto
from scene_model.photos.places.place import SETTLEMENT
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.search.place_names import place_line

_NEARBY_KM = 5
_TOP_SCORES = 6
# Of a thousand object scores, those below the first 25 are noise.
_MAX_OBJECTS = 25
_BAR = (
    '<td style="width:99%;border:0;padding:.12rem .6rem"><div style="width:{percent:.1f}%;'
    "min-width:2px;height:.7rem;border-radius:.35rem;background:rgba(31,143,124,.85)"
    '"></div></td>'
)


def head_name(head_id: str) -> str:
    """Return the display name of a head; the id of one that the model in use does not have."""
    head = get_services().classifier.heads.get(head_id)
    return head_id if head is None else head.name


def class_source_text(photo: PhotoRecord) -> str:
    """Say who or what decided a photo's class, as plain text without a full stop."""
    if photo.class_source == HUMAN:
        return "Set by you"
    if photo.class_source == NONE:
        guess = guess_text(photo, get_gallery().vocabulary)
        return f"No model was confident{f'; {guess}' if guess else ''}"
    if photo.class_source == OBJECTS:
        shown = _object_of_class(photo)
        return f"Set by an object in the photo{f' ({shown})' if shown else ''}"
    return f"Set by “{head_name(photo.class_source)}”"


def group_text(photo: PhotoRecord) -> str:
    """Return "Group: NAME" with its probability, as plain text; empty for a model without groups.

    A group that follows from the class has no probability of its own.
    """
    vocabulary = get_gallery().vocabulary
    if not vocabulary.groups:
        return ""
    group = group_of(photo, vocabulary)
    score = f", {photo.auto_group_score:.0%}" if _has_group_score(photo, group) else ""
    return f"Group: {vocabulary.display_name(group)}{score}"


def show_tag_sources(photo: PhotoRecord) -> None:
    """Show who set the class and each tag: a head with its score, or a person with the date."""
    gallery = get_gallery()
    names, decided = gallery.vocabulary, decisions_on(gallery.library, photo.id)
    decided_at = {decision.label: decision.at for decision in decided.tags}
    rows = [
        (f"Class: {names.display_name(photo.photo_class)}", _class_source(photo, decided.class_at))
    ]
    if group := group_text(photo):
        rows.append((group, _group_source(photo)))
    rows += [
        (names.display_name(tag.label), _tag_source(tag, decided_at.get(tag.label)))
        for tag in photo.tags
    ]
    rows += [
        (f"Rejected: {names.display_name(decision.label)}", f"By you, {_minute(decision.at)}")
        for decision in decided.tags
        if decision.is_rejected
    ]
    _fact_table(rows, "Tag sources")


def show_exif(photo: PhotoRecord) -> None:
    """Show what a photo shows by its description, and when, where and with what it was taken."""
    values = {
        "Description": photo.description,
        "Taken": photo.taken_at and date_text(photo.taken_at),
        "Camera": photo.camera,
        "Lens": photo.lens,
        "Place": photo.place and _sentence_start(photo.place.title),
        "Location": _coordinates(photo),
        "Duration": video_text(photo),
        "Size": f"{photo.width:,} × {photo.height:,} pixels, {photo.file_bytes / 1e6:.2f} MB",
    }
    _fact_table(((name, value) for name, value in values.items() if value), "Photo data")
    if photo.place is not None and photo.place.kind == SETTLEMENT:
        place = photo.place
        st.page_link(
            "gallery.py",
            label=f"Show photos in {escape_markdown(place.name)}",
            icon=":material/location_city:",
            query_params={"q": f"{place_line(place.name)} country:{place.country}"},
        )
    if photo.latitude is not None and photo.longitude is not None:
        near = f"near:{photo.latitude:.5f},{photo.longitude:.5f},{_NEARBY_KM}km"
        st.page_link(
            "gallery.py",
            label=f"Show photos within {_NEARBY_KM} km",
            icon=":material/near_me:",
            query_params={"q": near},
        )


def show_details(photo: PhotoRecord) -> None:
    """Show format and id of a photo, and the models that tagged it."""
    bundles = dict.fromkeys([photo.bundle, *(tag.bundle for tag in photo.tags if tag.bundle)])
    values = {
        "Format": f"{photo.format} (RAW)" if photo.format in RAW_FORMATS else photo.format,
        "Added": _minute(photo.added_at),
        "Date": date_source_text(photo),
        **({"Date in the file": date_text(photo.auto_taken_at)} if photo.is_date_decided else {}),
        **({"Original": shown_url(photo.remote_url)} if photo.remote_url else {}),
        "Model": ", ".join(bundles),
        "ID": photo.id,
    }
    _fact_table(values.items(), "Photo details")


def deciding_head(photo: PhotoRecord, predictions: HeadPredictions) -> str:
    """Return the head that decided a photo's class; of an unsure photo, that of the best guess.

    The class head, where a person decided.
    """
    if photo.class_source in predictions.by_head:
        return photo.class_source
    if photo.class_source == NONE:
        # As in `best_guesses`.
        heads = predictions.by_head.values()
        return max(heads, key=lambda head: head.confidence * (1 - (head.outside or 0.0))).head
    return predictions.class_prediction.head


def score_tabs(predictions: HeadPredictions, first: str | None = None) -> None:
    """Show the scores of every head, one tab each.

    first: id of the head whose tab comes first; None for the class head.
    """
    heads = [h for h in get_services().classifier.ranked_heads if h.id in predictions.by_head]
    heads.sort(key=lambda head: head.id != first)
    tabs = st.tabs([escape_markdown(head.name) for head in heads])
    for tab, head in zip(tabs, heads, strict=True):
        with tab:
            prediction = predictions.by_head[head.id]
            if prediction.unsure and head.id == predictions.class_prediction.head:
                st.caption("Unsure: the photo may show none of these labels.")
            _score_bars(predictions, head.id)


def _score_bars(predictions: HeadPredictions, head_id: str) -> None:
    """Show the probabilities of one head as bars, most probable first."""
    head = get_services().classifier.head(head_id)
    probabilities = predictions.by_head[head_id].probabilities
    names = [label.name for label in head.labels.labels]
    order = (-probabilities).argsort(kind="stable")
    if head_id == OBJECTS:
        order = order[:_MAX_OBJECTS]
    rows = [_score_row(names[i], 100 * float(probabilities[i])) for i in order]
    top = rows[:_TOP_SCORES]
    shown = _score_table(top, f"{head.name}, {len(top)} most probable labels")
    if len(rows) > _TOP_SCORES:
        others = _score_table(rows[_TOP_SCORES:], f"{head.name}, other labels")
        shown += (
            '<details><summary style="cursor:pointer;padding:.3rem 0">'
            f"{len(rows) - _TOP_SCORES} more</summary>{others}</details>"
        )
    st.html(shown)


def _score_table(rows: list[str], caption: str) -> str:
    return (
        f'<table aria-label="{html.escape(caption, quote=True)}" '
        'style="width:100%;border-collapse:collapse;font-size:.9rem">'
        f"{''.join(rows)}</table>"
    )


def _score_row(name: str, percent: float) -> str:
    return (
        '<tr><th scope="row" style="text-align:left;font-weight:400;white-space:nowrap;border:0;'
        f'padding:.12rem 0">{html.escape(name)}</th>{_BAR.format(percent=percent)}'
        '<td style="text-align:right;white-space:nowrap;border:0;padding:.12rem 0;'
        f'font-variant-numeric:tabular-nums">{percent:.1f}%</td></tr>'
    )


def _fact_table(rows: Iterable[tuple[str, str]], label: str) -> None:
    """Show names and values in two columns, all of them escaped."""
    cells = "".join(
        '<tr><th scope="row" style="text-align:left;vertical-align:top;font-weight:600;border:0;'
        f'padding:.15rem 1rem .15rem 0;white-space:nowrap">{html.escape(name)}</th>'
        '<td style="border:0;padding:.15rem 0;overflow-wrap:anywhere;width:99%">'
        f"{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    st.html(
        f'<table aria-label="{html.escape(label, quote=True)}" '
        f'style="width:100%;border-collapse:collapse;font-size:.9rem">{cells}</table>'
    )


def _class_source(photo: PhotoRecord, class_at: str | None) -> str:
    text = class_source_text(photo)
    if photo.class_source == HUMAN:
        return f"{text}{f', {_minute(class_at)}' if class_at else ''}"
    if photo.class_source == NONE:
        return text
    if photo.class_source == OBJECTS:
        return f"{text}, {photo.class_score:.0%}"
    return f"{head_name(photo.class_source)}, {photo.class_score:.0%}"


def _object_of_class(photo: PhotoRecord) -> str | None:
    """Return the name of the object that gave the photo its class; None if it was rejected."""
    vocabulary = get_gallery().vocabulary
    objects = [
        tag
        for tag in photo.tags
        if tag.head == OBJECTS and vocabulary.group_of(tag.label) == photo.photo_class
    ]
    best = max(objects, key=lambda tag: tag.score or 0.0, default=None)
    return None if best is None else vocabulary.display_name(best.label)


def _group_source(photo: PhotoRecord) -> str:
    group = group_of(photo, get_gallery().vocabulary)
    if _has_group_score(photo, group):
        return "All label sets together"
    if group == UNSURE_CLASS:
        return "No group was probable enough"
    return "The group of the class"


def _has_group_score(photo: PhotoRecord, group: str) -> bool:
    """Whether the predicted group decided, so that its probability is informative."""
    by_class = get_gallery().vocabulary.group_of(photo.photo_class)
    is_by_class = photo.class_source == HUMAN and by_class is not None
    return not is_by_class and photo.auto_group == group != UNSURE_CLASS


def _tag_source(tag: TagOnPhoto, decided_at: str | None) -> str:
    if tag.head == HUMAN or tag.score is None:
        return f"Added or accepted by you{f', {_minute(decided_at)}' if decided_at else ''}"
    return f"{head_name(tag.head)}, {tag.score:.0%}"


def _minute(timestamp: str) -> str:
    """Format an ISO 8601 timestamp in local time, to the minute."""
    return f"{datetime.datetime.fromisoformat(timestamp).astimezone():%Y-%m-%d %H:%M}"


def _sentence_start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _coordinates(photo: PhotoRecord) -> str | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    latitude = f"{abs(photo.latitude):.5f}° {'N' if photo.latitude >= 0 else 'S'}"
    return f"{latitude}, {abs(photo.longitude):.5f}° {'E' if photo.longitude >= 0 else 'W'}"
