"""One photo shown: the picture, its class and tags to correct, every score, its EXIF."""

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.photo_grid import describe
from pages.components.plain import plain
from pages.components.session import get_gallery, get_services
from scene_model.classifier.classify import Answers
from scene_model.classifier.labels import HUMAN, NONE, UNSURE_CLASS
from scene_model.errors import PhotoNotFound, SceneError
from scene_model.gallery import edits
from scene_model.gallery.records import PhotoRecord

OPEN_KEY = "open_photo"


def open_photo(photo_id: str) -> None:
    """Open a photo's dialog on this run and on those after, until it is closed."""
    st.session_state[OPEN_KEY] = photo_id


def show_open_photo() -> None:
    """Show the dialog when a photo is open, by click or by ``?photo=ID`` in the address."""
    linked = st.query_params.get("photo")
    if linked:
        del st.query_params["photo"]
        open_photo(linked)
    photo_id = st.session_state.get(OPEN_KEY)
    if photo_id is not None:
        _dialog(photo_id)


def picture(photo: PhotoRecord, size: str = "preview") -> None:
    """Show the photo's picture by its URL; Streamlit keeps no copy of it."""
    alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
    st.html(
        f'<img src="/api/photos/{photo.id}/{size}" alt="{alt}" style="width:100%;'
        'max-height:60vh;object-fit:contain;border-radius:.6rem;background:rgba(128,128,128,.12)">'
    )


def head_name(head_id: str) -> str:
    """What people read for a head; one that only an earlier model has keeps its id."""
    head = get_services().classifier.heads.get(head_id)
    return head_id if head is None else head.name


def answers_or_reason(photo: PhotoRecord) -> Answers | None:
    """What the model in use says of a photo; None, with the reason shown, when it cannot look."""
    services = get_services()
    try:
        answers = services.answers(photo.id)
    except PhotoNotFound:
        raise
    except SceneError as error:
        st.info(f"The scores cannot be shown. {error.message}", icon=":material/info:")
        return None
    if photo.bundle != services.classifier.bundle_id:
        st.caption(
            f"Tagged by `{photo.bundle}`; the scores are those of the model in use. "
            "The model page can tag it again."
        )
    return answers


def score_table(answers: Answers, head_id: str) -> None:
    """All probabilities of one head, most probable first, as bars that can be read out."""
    head = get_services().classifier.head(head_id)
    probabilities = answers.by_head[head_id].probabilities
    frame = pd.DataFrame(
        {
            "Label": [label.name for label in head.labels.labels],
            "Probability": [100 * float(p) for p in probabilities],
        }
    ).sort_values("Probability", ascending=False, kind="stable")
    st.dataframe(
        frame,
        hide_index=True,
        height=38 + 35 * min(len(frame), 8),
        column_config={
            "Probability": st.column_config.ProgressColumn(
                format="%.1f %%", min_value=0.0, max_value=100.0
            )
        },
    )


def score_tabs(answers: Answers) -> None:
    """Every head's scores, a tab each, the class head's first."""
    heads = [h for h in get_services().classifier.ranked_heads if h.id in answers.by_head]
    for tab, head in zip(st.tabs([head.name for head in heads]), heads, strict=True):
        with tab:
            answer = answers.by_head[head.id]
            if answer.unsure and answer is answers.class_answer:
                st.caption("Unsure: this may be none of them. The scores are still shown.")
            score_table(answers, head.id)


def _close() -> None:
    st.session_state.pop(OPEN_KEY, None)


@st.dialog("Photo", width="large", on_dismiss=_close)
def _dialog(photo_id: str) -> None:
    try:
        photo = get_gallery().library.photo(photo_id)
    except SceneError as error:
        st.error(error.message)
        return
    st.text(photo.name)
    left, right = st.columns([3, 2])
    with left:
        picture(photo)
    with right:
        _class_editor(photo)
        _tag_editor(photo)
        _albums(photo)
    answers = answers_or_reason(photo)
    if answers is not None:
        score_tabs(answers)
    with st.expander("About this photo"):
        _facts(photo)
    with st.container(horizontal=True):
        st.link_button(
            "Download original",
            f"/api/photos/{photo.id}/original",
            icon=":material/download:",
        )
        if st.button("Move to trash", icon=":material/delete:", key="dialog_trash"):
            edits.move_to_trash(get_gallery().library, [photo.id])
            _close()
            st.rerun()


def _class_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()
    options = class_choices()
    if photo.photo_class not in options:
        options.insert(0, photo.photo_class)
    key = f"class_{photo.id}_{photo.photo_class}"

    def change() -> None:
        chosen = st.session_state[key]
        if chosen and chosen != photo.photo_class:
            _try(lambda: gallery.set_class([photo.id], chosen))

    st.selectbox(
        "Class",
        options,
        index=options.index(photo.photo_class),
        format_func=gallery.vocabulary.display_name,
        accept_new_options=True,
        key=key,
        on_change=change,
        help="What the photo is filed under; the folder it goes to in the ZIP.",
    )
    certainty = f", {photo.class_score:.0%} sure" if photo.has_class_score else ""
    st.caption(f"Decided by: {_source(photo.class_source)}{certainty}.")
    if photo.class_source == HUMAN and st.button("Back to automatic", key="class_auto"):
        gallery.set_class([photo.id], None)
        st.rerun(scope="fragment")


def _source(class_source: str) -> str:
    if class_source == HUMAN:
        return "you chose it"
    return "no head was sure" if class_source == NONE else f"“{head_name(class_source)}”"


def _tag_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()
    labels = list(dict.fromkeys(tag.label for tag in photo.tags))
    scores = {tag.label: tag for tag in reversed(photo.tags)}

    def said(label: str) -> str:
        tag = scores[label]
        name = gallery.vocabulary.display_name(label)
        return f"{name} (yours)" if tag.head == HUMAN else f"{name} {tag.score:.0%}"

    key = f"tags_{photo.id}_{hash(tuple(labels))}"

    def change() -> None:
        kept = st.session_state[key]
        for label in labels:
            if label not in kept:
                _try(partial(edits.remove_tag, gallery.library, [photo.id], label))
        for label in kept:
            if label not in labels:
                _try(partial(gallery.add_tag, [photo.id], label))

    names = gallery.vocabulary
    choices = list(dict.fromkeys([*labels, *tag_choices()]))
    st.multiselect(
        "Tags",
        choices,
        default=labels,
        format_func=lambda label: said(label) if label in scores else names.display_name(label),
        accept_new_options=True,
        key=key,
        on_change=change,
        placeholder="Add a tag",
        help="Take one off with its ×, choose one, or type a tag of your own.",
    )
    if problem := st.session_state.pop("edit_problem", None):
        st.error(problem)


def _albums(photo: PhotoRecord) -> None:
    rules = get_services().model.albums
    names = {album.id: album.name for album in rules.albums}
    placed = get_services().albums(photo)
    if not placed:
        return
    said = " · ".join(f"{names[place.album]} ({place.reason})" for place in placed)
    unknowable = [album.name for album in rules.albums if album.unknowable]
    hint = f" To fill {' or '.join(unknowable)}, add it as a tag." if unknowable else ""
    st.caption(
        f":material/photo_album: Albums: {plain(said)}",
        help="By rules over tags and EXIF; SCENE_ALBUMS names a file of your own." + hint,
    )


def class_choices() -> list[str]:
    """Labels a photo can be filed under: the class head's, the tag head's, and people's own."""
    classifier = get_services().classifier
    tag_head = classifier.bundle.tag_head
    tags = [] if tag_head is None else sorted(classifier.head(tag_head).labels.ids)
    known = [*classifier.head(classifier.bundle.class_head).labels.ids, *tags, UNSURE_CLASS]
    return list(dict.fromkeys([*known, *get_gallery().library.human_labels()]))


def tag_choices() -> list[str]:
    """Labels that are offered as tags; any other can be typed."""
    return [label for label in class_choices() if label != UNSURE_CLASS]


def _try(edit: Callable[[], Any]) -> None:
    try:
        edit()
    except SceneError as error:
        st.session_state["edit_problem"] = error.message


def _facts(photo: PhotoRecord) -> None:
    place = None
    if photo.latitude is not None and photo.longitude is not None:
        place = f"{photo.latitude:.5f}, {photo.longitude:.5f}"
    facts = {
        "Taken": photo.taken_at and f"{photo.taken_at} ({photo.taken_source})",
        "Camera": photo.camera,
        "Lens": photo.lens,
        "Place": place,
        "Size": f"{photo.width:,} × {photo.height:,} pixels, {photo.file_bytes / 1e6:.2f} MB",
        "Format": photo.format,
        "Added": photo.added_at,
        "Model": photo.bundle,
        "ID": photo.id,
    }
    known = {name: value for name, value in facts.items() if value}
    st.dataframe(pd.DataFrame({"": list(known), "Value": list(known.values())}), hide_index=True)
