"""The gallery's filter: a query, and chips of classes and tags with counts."""

from dataclasses import dataclass

import streamlit as st

from pages.state.address import AddressPart, note_action
from pages.state.session import get_gallery
from pages.widgets.chips import ChipChoice, ChipRow, chip_rows, last_choice_number
from scene_model.search.query_tree import EVERYTHING, AllOf, FieldTerm, print_query, read_query

QUERY_KEY, CLASS_KEY, TAGS_KEY = "gallery_q", "class_filter", "tag_filter"
_CHIPS_KEY, _MORE_KEY = "filter_chips", "gallery_more_chips"
_ALL = "All"
_SOME_CLASSES, _SOME_TAGS, _MAX_CHIPS = 10, 12, 80
_LIKELY = 6


@dataclass(frozen=True)
class Filter:
    """A typed query, a class (or None), and tags that must all be present."""

    query: str = ""
    label: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def full_query(self) -> str:
        """The whole filter as one query; raises QueryError."""
        return self.query_with_class(self.label)

    @property
    def query_without_class(self) -> str:
        """The filter without the class, for the counts of class chips; raises QueryError."""
        return self.query_with_class(None)

    def query_with_class(self, label: str | None) -> str:
        """Return `full_query` with another class or none; raises QueryError."""
        terms = [FieldTerm("class", label)] if label else []
        terms += [FieldTerm("tag", tag) for tag in self.tags]
        if not terms:
            return self.query
        typed = read_query(self.query)
        return print_query(AllOf((*([typed] if typed != EVERYTHING else []), *terms)))


def current_filter() -> Filter:
    """Return the filter of the session."""
    label = st.session_state.get(CLASS_KEY)
    return Filter(
        (st.session_state.get(QUERY_KEY) or "").strip(),
        None if label in (None, _ALL) else label,
        tuple(st.session_state.get(TAGS_KEY) or ()),
    )


def query_filter(page: str) -> None:
    """Show the text field for the query of a page."""
    st.text_input(
        "Filter by a query",
        key=QUERY_KEY,
        on_change=note_action,
        args=(page,),
        type="search",
        placeholder="Filter: sunset -street, taken:2024-07, is:unsure …",
        label_visibility="collapsed",
        persist_state="session",
    )


def last_chip_choice() -> int:
    """Return the number of the latest chip choice that this run includes."""
    return last_choice_number(_CHIPS_KEY)


def clear_filter(page: str) -> None:
    """Remove the filter."""
    note_action(page)
    st.session_state[QUERY_KEY] = ""
    st.session_state[CLASS_KEY] = _ALL
    st.session_state[TAGS_KEY] = []


def chips(page: str, current: Filter) -> None:
    """Show chips of classes and tags, with counts of the matching photos.

    page: the page whose URL a choice changes. Raises QueryError.
    """
    gallery, more = get_gallery(), bool(st.session_state.get(_MORE_KEY))
    classes = gallery.count_by_class(current.query_without_class)
    tags = gallery.count_by_tag(current.full_query, _MAX_CHIPS)
    shown_classes = _first_and_chosen(classes, _MAX_CHIPS if more else _SOME_CLASSES, current.label)
    shown_tags = _first_and_chosen(tags, _MAX_CHIPS if more else _SOME_TAGS, *current.tags)
    chip_rows(
        _class_chips(classes, shown_classes),
        _tag_chips(tags, shown_tags),
        ChipChoice(current.label or _ALL, current.tags),
        _CHIPS_KEY,
        lambda chosen: _choose(page, chosen),
    )
    if more or len(shown_classes) < len(classes) or len(shown_tags) < len(tags):
        st.button(
            "Show fewer" if more else "Show more classes and tags",
            type="tertiary",
            icon=":material/expand_less:" if more else ":material/expand_more:",
            on_click=lambda: st.session_state.update({_MORE_KEY: not more}),
        )


def likely_queries(current: Filter) -> dict[str, str]:
    """Return the queries of the first class chips, by chip, for prefetching; raises QueryError."""
    classes = list(get_gallery().count_by_class(current.query_without_class))[:_LIKELY]
    queries = {label: current.query_with_class(label) for label in classes}
    return {_ALL: current.query_without_class} | queries


def filter_address_parts() -> dict[str, AddressPart]:
    """Return the URL parameters of the filter."""
    return {
        "q": AddressPart(
            lambda values: st.session_state.update({QUERY_KEY: values[0] if values else ""}),
            lambda: [query] if (query := current_filter().query) else [],
        ),
        "class": AddressPart(
            lambda values: st.session_state.update({CLASS_KEY: next(iter(_labels(values)), _ALL)}),
            lambda: [label] if (label := current_filter().label) else [],
        ),
        "tag": AddressPart(
            lambda values: st.session_state.update({TAGS_KEY: _labels(values)}),
            lambda: list(current_filter().tags),
        ),
    }


def _labels(values: list[str]) -> list[str]:
    """Return the valid labels of a URL parameter; no label contains a quotation mark."""
    return list(dict.fromkeys(label for label in values if label.strip() and '"' not in label))


def _first_and_chosen(counts: dict[str, int], limit: int, *chosen: str | None) -> list[str]:
    first = list(counts)[:limit]
    return list(dict.fromkeys([*first, *(label for label in chosen if label)]))


def _class_chips(counts: dict[str, int], shown: list[str]) -> ChipRow:
    names = get_gallery().vocabulary
    chips = {label: f"{names.display_name(label)} · {counts.get(label, 0):,}" for label in shown}
    return ChipRow("Class", {_ALL: f"All · {sum(counts.values()):,}"} | chips)


def _tag_chips(counts: dict[str, int], shown: list[str]) -> ChipRow:
    names = get_gallery().vocabulary
    return ChipRow(
        "Tags",
        {label: f"{names.display_name(label)} · {counts.get(label, 0):,}" for label in shown},
    )


def _choose(page: str, chosen: ChipChoice) -> None:
    note_action(page)
    st.session_state[CLASS_KEY] = chosen.single
    st.session_state[TAGS_KEY] = list(chosen.multiple)
