"""A field with a list of options: Enter takes the option that begins as typed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from pages.widgets.scripts import component_script, join_files

_HERE = Path(__file__).parent
_combobox = st.components.v2.component(
    "scene_gallery_combobox",
    css=join_files(_HERE / "combobox.css"),
    js=component_script(_HERE / "combobox.js"),
)


@dataclass(frozen=True)
class Option:
    """One option. words: folded words that find it, its name first. count: of its photos."""

    value: str
    text: str
    words: Sequence[str] = ()
    count: int | None = None


@dataclass(frozen=True)
class FieldTexts:
    """The texts of a field. add: what the last row of the list says before the typed text."""

    label: str
    placeholder: str
    add: str
    help: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked before something new is made.

    typed: what would be made. make: text of the button for it. others: existing options that may
    be meant, offered first.
    """

    text: str
    typed: str
    make: str
    others: Sequence[Option] = ()


@dataclass(frozen=True)
class Act:
    """What a person did. text: the value of an option, or what was typed.

    choose: took an option. typed: pressed Enter on text that no option begins with. make: answered
    the question with yes. remove: removed a chosen value. cancel: closed the question.
    """

    kind: Literal["choose", "typed", "make", "remove", "cancel"]
    text: str


def combobox(
    texts: FieldTexts,
    options: Sequence[Option],
    key: str,
    on_act: Callable[[Act], None],
    value_text: str = "",
    chosen: Sequence[Option] | None = None,
    question: Question | None = None,
) -> None:
    """Show the field. on_act: called once for each act, before the page is drawn again.

    value_text: text of the value that holds. chosen: of a field for several values, those that
    hold; each has a button that removes it. question: shown until it is answered.
    """
    heard_key = f"{key}_heard"

    def receive() -> None:
        for act in st.session_state[key].get("acts") or []:
            if act["number"] > st.session_state.get(heard_key, 0):
                st.session_state[heard_key] = act["number"]
                on_act(Act(act["kind"], act["text"]))

    heard = int(st.session_state.get(heard_key, 0))
    _combobox(
        key=key,
        data={
            "label": texts.label,
            "placeholder": texts.placeholder,
            "add": texts.add,
            "help": texts.help,
            "options": [_data(option) for option in options],
            "value_text": value_text,
            "chosen": None if chosen is None else [_data(option) for option in chosen],
            "question": None if question is None else _question_data(question, heard),
            "heard": heard,
        },
        on_acts_change=receive,
    )


def _data(option: Option) -> dict[str, Any]:
    words = list(option.words)
    return {"value": option.value, "text": option.text, "words": words, "count": option.count}


def _question_data(question: Question, number: int) -> dict[str, Any]:
    """Return the question as sent to the browser, which puts the focus on its first answer."""
    others = [{"kind": "choose", "value": o.value, "text": o.text} for o in question.others]
    make = {"kind": "make", "value": question.typed, "text": question.make}
    return {"number": number, "text": question.text, "answers": [*others, make]}
