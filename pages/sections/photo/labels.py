"""The classes and tags that a person can choose from."""

import streamlit as st

from pages.state.session import get_gallery, get_services
from scene_model.classifier.labels import UNSURE_CLASS


def class_choices() -> list[str]:
    """Return the possible classes: labels of the class head, the tag head, and your own."""
    classifier = get_services().classifier
    tag_head = classifier.bundle.tag_head
    tags = [] if tag_head is None else sorted(classifier.head(tag_head).labels.ids)
    labels = [*classifier.head(classifier.bundle.class_head).labels.ids, *tags, UNSURE_CLASS]
    return list(dict.fromkeys([*labels, *get_gallery().library.human_labels()]))


def tag_choices() -> list[str]:
    """Return the labels offered as tags; other tags can be typed."""
    return [label for label in class_choices() if label != UNSURE_CLASS]


def tag_field(key: str) -> str | None:
    """Show the field for a tag of the selected photos; returns the chosen or typed one."""
    return st.selectbox(
        "Tag for the selected photos",
        tag_choices(),
        index=None,
        format_func=get_gallery().vocabulary.display_name,
        accept_new_options=True,
        placeholder="Choose or type a tag",
        key=key,
    )
