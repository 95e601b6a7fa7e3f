"""Every head's scores as bars that can be read out: tables, drawn by the browser alone."""

import html

import streamlit as st

from pages.state.session import get_services
from scene_model.classifier.classify import OBJECTS, HeadPredictions

_SHOWN = 6
# A thousand objects: what is below these is noise.
_MOST_OBJECTS = 25
_BAR = (
    '<td style="width:99%;border:0;padding:.12rem .6rem"><div style="width:{percent:.1f}%;'
    "min-width:2px;height:.7rem;border-radius:.35rem;background:rgba(31,143,124,.85)"
    '"></div></td>'
)


def score_tabs(answers: HeadPredictions) -> None:
    """Every head's scores, a tab each, the class head's first."""
    heads = [h for h in get_services().classifier.ranked_heads if h.id in answers.by_head]
    for tab, head in zip(st.tabs([head.name for head in heads]), heads, strict=True):
        with tab:
            answer = answers.by_head[head.id]
            if answer.unsure and answer is answers.class_prediction:
                st.caption("Unsure: this may be none of them. The scores are still shown.")
            score_bars(answers, head.id)


def score_bars(answers: HeadPredictions, head_id: str) -> None:
    """One head's probabilities, most probable first."""
    head = get_services().classifier.head(head_id)
    probabilities = answers.by_head[head_id].probabilities
    names = [label.name for label in head.labels.labels]
    order = (-probabilities).argsort(kind="stable")
    if head_id == OBJECTS:
        order = order[:_MOST_OBJECTS]
    rows = [_row(names[i], 100 * float(probabilities[i])) for i in order]
    shown = _table(rows[:_SHOWN], f"{head.name}, the {min(_SHOWN, len(rows))} most probable")
    if len(rows) > _SHOWN:
        rest = _table(rows[_SHOWN:], f"{head.name}, the others")
        shown += (
            '<details><summary style="cursor:pointer;padding:.3rem 0">'
            f"{len(rows) - _SHOWN} more</summary>{rest}</details>"
        )
    st.html(shown)


def _table(rows: list[str], caption: str) -> str:
    return (
        f'<table aria-label="{html.escape(caption, quote=True)}" '
        'style="width:100%;border-collapse:collapse;font-size:.9rem">'
        f"{''.join(rows)}</table>"
    )


def _row(name: str, percent: float) -> str:
    return (
        '<tr><th scope="row" style="text-align:left;font-weight:400;white-space:nowrap;border:0;'
        f'padding:.12rem 0">{html.escape(name)}</th>{_BAR.format(percent=percent)}'
        '<td style="text-align:right;white-space:nowrap;border:0;padding:.12rem 0;'
        f'font-variant-numeric:tabular-nums">{percent:.1f} %</td></tr>'
    )
