"""Labels of photos and people are shown as they are: Markdown in them has no effect."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.sections.messages import escape_markdown

_WORD_JOINER = "\u2060"
# What Streamlit replaces in text after the escapes of Markdown are undone.
_REPLACED = re.compile(
    r"https?://|www\.|\w@[\w-]+\.\w|:material_\w+:|:streamlit:|(?<!\S)(<?->|<-|--|[<>~]=)(?!\S)",
    re.IGNORECASE,
)
_HOSTILE = [
    "![k](http://evil.example/k.png)",
    "![k][r]",
    "[k](https://evil.example)",
    "<img src=http://evil.example/k.png>",
    "&lt;img src=x&gt;",
    "http&#58;//evil.example",
    "<http://evil.example>",
    "http://evil.example/a?b=c",
    "HTTPS://evil.example",
    "www.evil.example",
    "someone@evil.example",
    "mailto:someone@evil.example",
    ":material/home:",
    ":material_home:",
    ":streamlit:",
    ":smile:",
    ":red[alarm]",
    ":blue-background[alarm]",
    "$e^{i\\pi}$",
    "$$x$$",
    "`code`",
    "```\ncode\n```",
    "*a* _b_ **c** ~~d~~",
    "# heading",
    "1. list",
    "- list",
    "> quote",
    "| a | b |\n|---|---|",
    "first\n\n    ![k](http://evil.example/k.png)",
    "[r]: http://evil.example\n![r]",
    "one\u2028two\x85three",
    "a -> b <- c -- d >= e",
    "a\\![k](http://evil.example/k.png)",
    "\\",
]


def unescape(markdown: str) -> str:
    """Undo backslash escapes as Markdown does."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


@pytest.mark.parametrize("text", _HOSTILE)
def test_hostile_text_has_no_effect(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.sampled_from(list("![](){}<>:/\\`*_#+-.|~$&;=@w h t p s a 1 \n\t"))))
def test_any_text_has_no_effect(text: str) -> None:
    check(text)


def check(text: str) -> None:
    escaped = escape_markdown(text)
    assert len(escaped.splitlines()) <= 1, "a line break begins a block"
    assert ":material/" not in escaped
    # Every character that begins something is behind a backslash that is none itself.
    bare = re.sub(r"\\.", "", escaped)
    assert not set(bare) & set("\\`*_{}[]()<>#+-.!|~$:&"), escaped
    shown = unescape(escaped)
    assert not _REPLACED.search(shown), shown
    assert shown.replace(_WORD_JOINER, "") == " ".join(text.split()), "a reader sees the text"


def test_plain_words_stay_as_they_are() -> None:
    assert escape_markdown("Strand am Meer, 海滩 “é”") == "Strand am Meer, 海滩 “é”"
