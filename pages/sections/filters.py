"""The gallery's filter: a query, and chips of groups, classes and tags with counts."""

from dataclasses import dataclass

import streamlit as st

from pages.state.address import AddressPart, note_action
from pages.state.session import get_gallery
from pages.widgets.chips import ChipChoice, ChipRow, Fold, chip_rows, last_choice_number
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.library.clutter.clutter_rows import count_apart
from scene_model.search.clutter_terms import names_clutter
from scene_model.search.query_tree import (
    EVERYTHING,
    AllOf,
    FieldTerm,
    Not,
    Query,
    print_query,
    read_query,
)

QUERY_KEY, GROUP_KEY, CLASS_KEY, TAGS_KEY = (
    "gallery_q",
    "group_filter",
    "class_filter",
    "tag_filter",
)
_CHIPS_KEY, _MORE_KEY = "filter_chips", "gallery_more_chips"
_ALL = "All"
_SOME_CLASSES, _SOME_TAGS, _MAX_CHIPS = 10, 12, 80
_LIKELY = 6


@dataclass(frozen=True)
class Filter:
    """A typed query, a class and a group (or None), and tags that must all be present.

    hides_apart: whether photos that are apart, see `library.clutter`, are left out. As a term of
    the query, it counts for photos, chips, months and whatever else is made of it.
    """

    query: str = ""
    label: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    hides_apart: bool = False

    @property
    def leaves_out_apart(self) -> bool:
        """Whether photos that are apart are left out: not where the query says which it is about.

        Raises QueryError.
        """
        return self.hides_apart and not names_clutter(self.query)

    @property
    def full_query(self) -> str:
        """The whole filter as one query; raises QueryError."""
        return self.query_with(self.group, self.label)

    @property
    def query_without_class(self) -> str:
        """The filter without the class, for the counts of class chips; raises QueryError."""
        return self.query_with(self.group, None)

    @property
    def query_without_group(self) -> str:
        """The filter as a group chip changes it, for their counts; raises QueryError."""
        return self.query_with(None, None)

    def query_with(self, group: str | None, label: str | None) -> str:
        """Return `full_query` with another group and class, or none; raises QueryError."""
        terms: list[Query] = [FieldTerm("group", group)] if group else []
        terms += [FieldTerm("class", label)] if label else []
        terms += [FieldTerm("tag", tag) for tag in self.tags]
        if self.leaves_out_apart:
            terms.append(Not(FieldTerm("is", "apart")))
        if not terms:
            return self.query
        typed = read_query(self.query)
        return print_query(AllOf((*([typed] if typed != EVERYTHING else []), *terms)))


def current_filter() -> Filter:
    """Return the filter of the session; a group that the model does not have is left out."""
    label, group = st.session_state.get(CLASS_KEY), st.session_state.get(GROUP_KEY)
    return Filter(
        (st.session_state.get(QUERY_KEY) or "").strip(),
        None if label in (None, _ALL) else label,
        tuple(st.session_state.get(TAGS_KEY) or ()),
        group if group in _group_ids() else None,
        hides_apart=bool(count_apart(get_gallery().library.database)),
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
    st.session_state[GROUP_KEY] = st.session_state[CLASS_KEY] = _ALL
    st.session_state[TAGS_KEY] = []


def chips(page: str, current: Filter) -> None:
    """Show chips of groups, classes and tags, with counts of the matching photos.

    page: the page whose URL a choice changes. Raises QueryError.
    """
    gallery, more = get_gallery(), bool(st.session_state.get(_MORE_KEY))
    classes = gallery.count_by_class(current.query_without_class)
    tags = gallery.count_by_tag(current.full_query, _MAX_CHIPS)
    shown_classes = _first_and_chosen(classes, _MAX_CHIPS if more else _SOME_CLASSES, current.label)
    shown_tags = _first_and_chosen(tags, _MAX_CHIPS if more else _SOME_TAGS, *current.tags)
    chip_rows(
        _group_chips(gallery.count_by_group(current.query_without_group), current.group),
        _single_chips("Class", classes, shown_classes),
        ChipRow("Tags", _chip_texts(tags, shown_tags)),
        ChipChoice(current.group or _ALL, current.label or _ALL, current.tags),
        _CHIPS_KEY,
        lambda chosen: _choose(page, chosen),
        Fold(
            more,
            len(shown_classes) < len(classes) or len(shown_tags) < len(tags),
            lambda is_unfolded: st.session_state.update({_MORE_KEY: is_unfolded}),
        ),
    )


def likely_queries(current: Filter) -> dict[tuple[str, str], str]:
    """Return the queries of the first group and class chips, for prefetching; raises QueryError.

    By the group chip and the class chip that are chosen then.
    """
    gallery = get_gallery()
    groups = _shown_groups(gallery.count_by_group(current.query_without_group), None)[:_LIKELY]
    classes = list(gallery.count_by_class(current.query_without_class))[:_LIKELY]
    choices = [(current.group, label) for label in (None, *classes)]
    choices += [(group, None) for group in (None, *groups)]
    return {
        (group or _ALL, label or _ALL): current.query_with(group, label) for group, label in choices
    }


def filter_address_parts() -> dict[str, AddressPart]:
    """Return the URL parameters of the filter."""
    return {
        "q": AddressPart(
            lambda values: st.session_state.update({QUERY_KEY: values[0] if values else ""}),
            lambda: [query] if (query := current_filter().query) else [],
        ),
        "group": AddressPart(
            lambda values: st.session_state.update({GROUP_KEY: next(iter(_labels(values)), _ALL)}),
            lambda: [group] if (group := current_filter().group) else [],
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


def _group_ids() -> set[str]:
    """Return the groups that can be chosen; none if the model has no groups."""
    groups = get_gallery().vocabulary.groups
    return {group.id for group in groups} | ({UNSURE_CLASS} if groups else set())


def _shown_groups(counts: dict[str, int], chosen: str | None) -> list[str]:
    """Return the groups with photos and the chosen one, most photos first, unsure photos last."""
    ids = _group_ids()
    shown = [group for group in _first_and_chosen(counts, len(counts), chosen) if group in ids]
    return sorted(shown, key=lambda group: group == UNSURE_CLASS)


def _group_chips(counts: dict[str, int], chosen: str | None) -> ChipRow:
    shown = _shown_groups(counts, chosen)
    return _single_chips("Group", counts, shown) if shown else ChipRow("Group", {})


def _single_chips(row: str, counts: dict[str, int], shown: list[str]) -> ChipRow:
    """Return a row of which one chip is chosen; the first one stands for all photos."""
    return ChipRow(row, {_ALL: f"All · {sum(counts.values()):,}"} | _chip_texts(counts, shown))


def _chip_texts(counts: dict[str, int], shown: list[str]) -> dict[str, str]:
    names = get_gallery().vocabulary
    return {label: f"{names.display_name(label)} · {counts.get(label, 0):,}" for label in shown}


def _choose(page: str, chosen: ChipChoice) -> None:
    note_action(page)
    st.session_state[GROUP_KEY] = chosen.group
    st.session_state[CLASS_KEY] = chosen.single
    st.session_state[TAGS_KEY] = list(chosen.multiple)
