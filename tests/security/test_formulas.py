"""No cell of a CSV is a formula, also where semicolons, tabs or line breaks separate cells."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.export.table import COLUMNS, formula_safe, join_tags, plain_text, write_csv

_FORMULA = re.compile(r"[ \u00a0\u200b\ufeff]*[=+\-@＝＋－＠]")
_TEXT = st.text(alphabet=st.sampled_from(list("a1 ;,=+-@＝'\"\t\r\n\u00a0")))


@pytest.mark.parametrize(
    "name",
    [
        "photo;=cmd|'/c calc'!A0.jpg",
        "photo; =1+1.jpg",
        "photo\t=1+1.jpg",
        "photo\r\n@SUM(1).jpg",
        "a;b;-2;c",
        ";=x",
        "a;\u00a0+x",
        "a;＝x",
        'a;"=x',
    ],
)
def test_hostile_names(name: str) -> None:
    check(name)


@given(_TEXT)
def test_any_text(text: str) -> None:
    check(text)


def check(text: str) -> None:
    row = [""] * len(COLUMNS)
    row[1] = text
    (_, line) = write_csv([row])
    # A spreadsheet that separates cells by semicolons or tabs, and takes quotes as we write them.
    ((_, cell, *_),) = csv.reader(io.StringIO(line, newline=""))
    for part in re.split(r"[;\t\r\n]", cell):
        assert not _FORMULA.match(part), line
    assert plain_text(formula_safe(text)) == text


@given(st.lists(_TEXT, max_size=4))
def test_tags(tags: list[str]) -> None:
    cell = join_tags(tags)
    safe = formula_safe(cell)
    assert not any(_FORMULA.match(part) for part in re.split(r"[;\t\r\n]", safe))
    assert plain_text(safe) == cell


@pytest.mark.parametrize("text", ["beach; rock", "a;b", "one, two", "it's; ok"])
def test_harmless_text_is_not_changed(text: str) -> None:
    assert formula_safe(text) == text
