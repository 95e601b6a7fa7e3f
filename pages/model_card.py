"""What the model is, what it can say, and how often it is right."""

import re

import pandas as pd
import streamlit as st

from pages.components.session import get_services
from scene_model.classifier.bundle import MODEL_CARD_FILE
from scene_model.errors import SceneError

_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>plots/[\w.-]+)\)")


def _page() -> None:
    classifier = get_services().classifier
    card = classifier.bundle_dir / MODEL_CARD_FILE
    if not card.is_file():
        st.title(classifier.bundle.name)
        st.info("This bundle has no model card.", icon=":material/description:")
    else:
        text = card.read_text(encoding="utf-8")
        st.markdown(_IMAGE.sub("", text))
        plots = [match for match in _IMAGE.finditer(text)]
        for column, match in zip(st.columns(len(plots) or 1), plots, strict=False):
            file = classifier.bundle_dir / match["file"]
            if file.is_file():
                column.image(file, alt=match["alt"], caption=match["alt"])
    st.subheader("What it can say")
    heads = list(classifier.heads.values())
    for tab, head in zip(st.tabs([head.name for head in heads]), heads, strict=True):
        tab.dataframe(
            pd.DataFrame(
                {
                    "Label": [label.name for label in head.labels.labels],
                    "Also found by": [", ".join(label.aliases) for label in head.labels.labels],
                }
            ),
            hide_index=True,
        )


try:
    _page()
except SceneError as error:
    st.error(error.message, icon=":material/error:")
