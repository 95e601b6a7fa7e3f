"""Which models there are, what the one in use can say, and how often it is right."""

import re

import pandas as pd
import streamlit as st

from pages.sections.models import notices, picker, retag_panel
from pages.sections.problem import show_problem
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
    classifier = get_services().classifier
    _card(classifier)
    _labels(classifier)
    st.caption(f"Scene Gallery {__version__}")


def _card(classifier: Classifier) -> None:
    card = classifier.bundle_dir / MODEL_CARD_FILE
    if not card.is_file():
        st.header(classifier.bundle.name)
        st.info("This bundle has no model card.", icon=":material/description:")
        return
    text = card.read_text(encoding="utf-8", errors="replace")
    st.markdown(_one_level_down(_IMAGE.sub("", text)))
    plots = [match for match in _IMAGE.finditer(text)]
    there = [match for match in plots if (classifier.bundle_dir / match["file"]).is_file()]
    if there:
        with st.grid(2, min_column_width=320):
            for match in there:
                file = classifier.bundle_dir / match["file"]
                st.image(file, alt=match["alt"], caption=match["alt"], width="stretch")


def _one_level_down(text: str) -> str:
    """Put a card's headings below the page's own; what is in code fences stays."""
    lines, is_code = [], False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not is_code else line)
    return "\n".join(lines)


def _labels(classifier: Classifier) -> None:
    st.subheader("What it can say")
    heads = classifier.ranked_heads
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
    show_problem(error)
