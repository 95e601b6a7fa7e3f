"""What the gallery is narrowed to: a query line, and chips of classes and tags with counts."""

from dataclasses import dataclass

import streamlit as st

from pages.state.address import AddressPart, note_act
from pages.state.session import get_gallery
from pages.widgets.chips import ChipRow, Chosen, chip_rows, choices_heard
from scene_model.search.query_tree import EVERYTHING, AllOf, FieldTerm, print_query, read_query

QUERY_KEY, CLASS_KEY, TAGS_KEY = "gallery_q", "class_filter", "tag_filter"
_CHIPS_KEY, _MORE_KEY = "filter_chips", "gallery_more_chips"
_ALL = "All"
_FEW_CLASSES, _FEW_TAGS, _MANY = 10, 12, 80
_LIKELY = 6


@dataclass(frozen=True)
class Filter:
    """What is asked for. query: the line a visitor wrote; label: a class; tags: all of them."""

    query: str = ""
    label: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """All of it as one query line; raises QueryError."""
        return self.line_of(self.label)

    @property
    def line_without_class(self) -> str:
        """All but the class, which is what its chips count; raises QueryError."""
        return self.line_of(None)

    def line_of(self, label: str | None) -> str:
        """As `line`, with another class or none; raises QueryError."""
        chosen = [FieldTerm("class", label)] if label else []
        chosen += [FieldTerm("tag", tag) for tag in self.tags]
        if not chosen:
            return self.query
        own = read_query(self.query)
        return print_query(AllOf((*([own] if own != EVERYTHING else []), *chosen)))


def current_filter() -> Filter:
    """What the session is narrowed to."""
    label = st.session_state.get(CLASS_KEY)
    return Filter(
        (st.session_state.get(QUERY_KEY) or "").strip(),
        None if label in (None, _ALL) else label,
        tuple(st.session_state.get(TAGS_KEY) or ()),
    )


def filter_line(page: str) -> None:
    """The line a visitor may write a query in, on a page."""
    st.text_input(
        "Filter by a query",
        key=QUERY_KEY,
        on_change=note_act,
        args=(page,),
        type="search",
        placeholder="Filter: sunset -street, taken:2024-07, is:unsure …",
        label_visibility="collapsed",
        persist_state="session",
    )


def choices_known() -> int:
    """The number of the latest choice of a chip that this run goes by."""
    return choices_heard(_CHIPS_KEY)


def clear_filter(page: str) -> None:
    """Show every photo of a page again."""
    note_act(page)
    st.session_state[QUERY_KEY] = ""
    st.session_state[CLASS_KEY] = _ALL
    st.session_state[TAGS_KEY] = []


def chips(page: str, asked: Filter) -> None:
    """Chips of the classes and tags there are, with counts of what is shown; raises QueryError.

    page: whose address a choice changes.
    """
    gallery, more = get_gallery(), bool(st.session_state.get(_MORE_KEY))
    classes = gallery.count_by_class(asked.line_without_class)
    tags = gallery.count_by_tag(asked.line, _MANY)
    shown_classes = _few(classes, _MANY if more else _FEW_CLASSES, asked.label)
    shown_tags = _few(tags, _MANY if more else _FEW_TAGS, *asked.tags)
    chip_rows(
        _class_chips(classes, shown_classes),
        _tag_chips(tags, shown_tags),
        Chosen(asked.label or _ALL, asked.tags),
        _CHIPS_KEY,
        lambda chosen: _choose(page, chosen),
    )
    if more or len(shown_classes) < len(classes) or len(shown_tags) < len(tags):
        st.button(
            "Fewer" if more else "More classes and tags",
            type="tertiary",
            icon=":material/expand_less:" if more else ":material/expand_more:",
            on_click=lambda: st.session_state.update({_MORE_KEY: not more}),
        )


def likely_queries(asked: Filter) -> dict[str, str]:
    """Queries of the chips a visitor is likely to choose next, by chip; raises QueryError."""
    classes = list(get_gallery().count_by_class(asked.line_without_class))[:_LIKELY]
    return {_ALL: asked.line_without_class} | {label: asked.line_of(label) for label in classes}


def filter_parts() -> dict[str, AddressPart]:
    """What the address says of the filter."""
    return {
        "q": AddressPart(
            lambda said: st.session_state.update({QUERY_KEY: said[0] if said else ""}),
            lambda: [query] if (query := current_filter().query) else [],
        ),
        "class": AddressPart(
            lambda said: st.session_state.update({CLASS_KEY: next(iter(_labels(said)), _ALL)}),
            lambda: [label] if (label := current_filter().label) else [],
        ),
        "tag": AddressPart(
            lambda said: st.session_state.update({TAGS_KEY: _labels(said)}),
            lambda: list(current_filter().tags),
        ),
    }


def _labels(said: list[str]) -> list[str]:
    """What an address names as labels; no label holds a quotation mark."""
    return list(dict.fromkeys(label for label in said if label.strip() and '"' not in label))


def _few(counts: dict[str, int], limit: int, *chosen: str | None) -> list[str]:
    first = list(counts)[:limit]
    return list(dict.fromkeys([*first, *(label for label in chosen if label)]))


def _class_chips(counts: dict[str, int], shown: list[str]) -> ChipRow:
    names = get_gallery().vocabulary
    said = {label: f"{names.display_name(label)} · {counts.get(label, 0):,}" for label in shown}
    return ChipRow("Class", {_ALL: f"All · {sum(counts.values()):,}"} | said)


def _tag_chips(counts: dict[str, int], shown: list[str]) -> ChipRow:
    names = get_gallery().vocabulary
    return ChipRow(
        "Tags",
        {label: f"{names.display_name(label)} · {counts.get(label, 0):,}" for label in shown},
    )


def _choose(page: str, chosen: Chosen) -> None:
    note_act(page)
    st.session_state[CLASS_KEY] = chosen.one
    st.session_state[TAGS_KEY] = list(chosen.many)
