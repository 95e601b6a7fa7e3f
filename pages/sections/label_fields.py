"""Fields for classes and tags: what begins as typed is taken; anything new is asked about first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from pages.state.session import get_gallery, get_services
from pages.widgets.combobox import Act, FieldTexts, Option, Question, combobox
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.search.label_prefixes import known_label, labels_beginning, words_of_labels

_MAX_MEANT = 3


@dataclass(frozen=True)
class LabelKind:
    """What a field is for. noun: "class" or "tag". choices: the labels it offers.

    counts: the number of photos by label.
    """

    noun: str
    choices: Callable[[], list[str]]
    counts: Callable[[], Mapping[str, int]]


def class_choices() -> list[str]:
    """Return the possible classes: labels of the class head, the tag head, and your own."""
    classifier = get_services().classifier
    tag_head = classifier.bundle.tag_head
    tags = [] if tag_head is None else sorted(classifier.head(tag_head).labels.ids)
    labels = [*classifier.class_head.labels.ids, *tags, UNSURE_CLASS]
    return list(dict.fromkeys([*labels, *get_gallery().library.human_labels()]))


def tag_choices() -> list[str]:
    """Return the labels offered as tags; other tags can be typed."""
    return [label for label in class_choices() if label != UNSURE_CLASS]


_CLASS = LabelKind("class", class_choices, lambda: get_gallery().count_by_class(""))
_TAG = LabelKind("tag", tag_choices, lambda: get_gallery().count_by_tag(""))


def class_field(
    label: str, key: str, on_choose: Callable[[str], None], value: str | None = None, hint: str = ""
) -> None:
    """Show a field for a class. on_choose: called with the label. value: the class that holds."""
    shown = get_gallery().vocabulary.display_name(value) if value else ""
    texts = FieldTexts(label, "Choose or type a class", "Add class", hint)
    combobox(
        texts,
        _options(_CLASS),
        key,
        partial(_on_act, _CLASS, key, on_choose, lambda _: None),
        value_text=shown,
        question=_question(_CLASS, key),
    )


def tags_field(
    label: str,
    key: str,
    chosen: Mapping[str, str],
    on_add: Callable[[str], None],
    on_remove: Callable[[str], None],
    hint: str = "",
) -> None:
    """Show a field for the tags of a photo. chosen: text by label of the tags that it has."""
    combobox(
        FieldTexts(label, "Add a tag", "Add tag", hint),
        [option for option in _options(_TAG) if option.value not in chosen],
        key,
        partial(_on_act, _TAG, key, on_add, on_remove),
        chosen=[Option(tag, text) for tag, text in chosen.items()],
        question=_question(_TAG, key),
    )


def chosen_class(label: str, key: str) -> str | None:
    """Show a field for a class that a button uses; returns the chosen one.

    key: of the session, where the chosen label is.
    """
    class_field(label, f"{key}_field", partial(_keep, key), value=st.session_state.get(key))
    return st.session_state.get(key)


def tag_field(key: str) -> str | None:
    """Show the field for a tag of the selected photos; returns the chosen one.

    key: of the session, where the chosen label is.
    """
    value: str | None = st.session_state.get(key)
    combobox(
        FieldTexts("Tag for the selected photos", "Choose or type a tag", "Add tag"),
        _options(_TAG),
        f"{key}_field",
        partial(_on_act, _TAG, f"{key}_field", partial(_keep, key), lambda _: None),
        value_text=get_gallery().vocabulary.display_name(value) if value else "",
        question=_question(_TAG, f"{key}_field"),
    )
    return value


def _keep(key: str, label: str) -> None:
    st.session_state[key] = label


def _options(kind: LabelKind) -> list[Option]:
    """Return the labels on offer and those that photos have, those of most photos first."""
    vocabulary, counts = get_gallery().vocabulary, kind.counts()
    labels = list(dict.fromkeys([*kind.choices(), *counts]))
    words = words_of_labels(vocabulary, labels)
    ranked = sorted(labels, key=lambda label: (-counts.get(label, 0), words[label][0]))
    return [
        Option(label, vocabulary.display_name(label), words[label], counts.get(label))
        for label in ranked
    ]


def _on_act(
    kind: LabelKind,
    key: str,
    on_choose: Callable[[str], None],
    on_remove: Callable[[str], None],
    act: Act,
) -> None:
    typed_key = _typed_key(key)
    st.session_state.pop(typed_key, None)
    if act.kind == "remove":
        on_remove(act.text)
    elif act.kind in ("choose", "make"):
        on_choose(act.text)
    elif act.kind == "typed":
        label = known_label(get_gallery().vocabulary, act.text)
        if label is not None and (label != UNSURE_CLASS or kind is _CLASS):
            on_choose(label)
        else:
            st.session_state[typed_key] = act.text


def _question(kind: LabelKind, key: str) -> Question | None:
    """Return the question about a typed text that is no label; None without one."""
    typed: str | None = st.session_state.get(_typed_key(key))
    if typed is None:
        return None
    vocabulary = get_gallery().vocabulary
    meant = _without(UNSURE_CLASS, labels_beginning(vocabulary, typed, _MAX_MEANT))
    return Question(
        f"There is no {kind.noun} “{typed}” yet. Make a new one?",
        typed,
        f"Make {kind.noun} “{typed}”",
        [Option(label, f"Use {vocabulary.display_name(label)}") for label in meant],
    )


def _without(label: str, labels: Sequence[str]) -> list[str]:
    return [other for other in labels if other != label]


def _typed_key(key: str) -> str:
    return f"{key}_typed"
