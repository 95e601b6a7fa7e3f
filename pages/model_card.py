"""The available models, and the model card and labels of the model in use."""

import re

import pandas as pd
import streamlit as st

from pages.sections.messages import escape_markdown, show_error
from pages.sections.model_comparison import model_comparison
from pages.sections.models import notices, picker, retag_panel
from pages.sections.search_model import search_model
from pages.state.session import get_services
from scene_model import __version__
from scene_model.classifier.bundle import MODEL_CARD_FILE
from scene_model.classifier.classify import Classifier
from scene_model.errors import SceneError

_IMAGE = re.compile(r"^!\[(?P<alt>[^\]]*)\]\((?P<file>plots/[\w.-]+)\)[ \t]*\n?", re.MULTILINE)


def _page() -> None:
    st.title("Model")
    notices()
    retag_panel()
    picker()
    model_comparison()
    search_model()
    classifier = get_services().classifier
    _card(classifier)
    _labels(classifier)
    st.caption(f"Scene Gallery {__version__}")


def _card(classifier: Classifier) -> None:
    card = classifier.bundle_dir / MODEL_CARD_FILE
    if not card.is_file():
        st.header(escape_markdown(classifier.bundle.name))
        st.info("This model has no model card.", icon=":material/description:")
        return
    text = card.read_text(encoding="utf-8", errors="replace")
    # An image left in the card would be fetched from where its author wants.
    st.markdown(_one_level_down(_IMAGE.sub("", text).replace("![", "!\\[")))
    plots = [match for match in _IMAGE.finditer(text)]
    plots = [match for match in plots if (classifier.bundle_dir / match["file"]).is_file()]
    if plots:
        with st.grid(2, min_column_width=320):
            for match in plots:
                file = classifier.bundle_dir / match["file"]
                caption = escape_markdown(match["alt"])
                st.image(file, alt=match["alt"], caption=caption, width="stretch")


def _one_level_down(text: str) -> str:
    """Lower each heading of a model card by one level, except in code fences."""
    lines, is_code = [], False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not is_code else line)
    return "\n".join(lines)


def _labels(classifier: Classifier) -> None:
    st.subheader("Labels")
    heads = classifier.ranked_heads
    tabs = st.tabs([escape_markdown(head.name) for head in heads])
    for tab, head in zip(tabs, heads, strict=True):
        tab.dataframe(
            pd.DataFrame(
                {
                    "Label": [label.name for label in head.labels.labels],
                    "Other names": [", ".join(label.aliases) for label in head.labels.labels],
                }
            ),
            hide_index=True,
        )


try:
    _page()
except SceneError as error:
    show_error(error)
