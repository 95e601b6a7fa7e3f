"""The form of a rule: its name, which photos it is for, and what happens with them."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.sections.label_fields import class_choices, tag_choices
from pages.sections.rules.rule_page import (
    EDITED_KEY,
    NEW_RULE,
    TRIED_KEY,
    change_rules,
    open_rule,
)
from pages.state.session import get_gallery, get_services
from scene_model.export.sorting.layout import ORGANISED_LAYOUT, TRIP_DAYS_LAYOUT
from scene_model.library.albums.album_edits import clean_album_name, create_album
from scene_model.library.rules.rule_actions import (
    Action,
    ActionKind,
    copy_action,
    sidecar_action,
)
from scene_model.library.rules.rule_rows import MAX_NAME_LENGTH, Rule
from scene_model.photos.xmp import MAX_RATING
from scene_model.search.own_albums import find_own_album

_FIELDS = (
    *("name", "query", "tags", "album", "class", "rating", "favourite", "sidecar"),
    *("folder", "layout"),
)
# By template: the folders in words.
_LAYOUTS = {
    "{taken:%Y}/{taken:%m}/{name} | undated/{name}": "Year / month",
    "{taken:%Y}/{taken:%m}/{class}/{name} | undated/{class}/{name}": "Year / month / class",
    "{class}/{name}": "Class",
    "{album}/{name}": "Album",
    "{camera}/{name}": "Camera",
    TRIP_DAYS_LAYOUT: "Month and trip / day",
    ORGANISED_LAYOUT: "Trips and days, other photos by month, clutter apart",
    "{name}": "No folders",
}


def rule_form(rule: Rule | None) -> None:
    """Show the form of a rule, or of a new one."""
    rule_id = NEW_RULE if rule is None else rule.id
    keys = {field: f"rule_{field}_{rule_id}" for field in _FIELDS}
    _fill(keys, rule)
    tags = _values(rule, ActionKind.TAG)
    albums = [album.name for album in get_gallery().own_albums() if album.query is None]
    with st.form(f"rule_form_{rule_id}"):
        left, right = st.columns(2)
        left.text_input("Name of the rule", key=keys["name"], max_chars=MAX_NAME_LENGTH)
        right.text_input(
            "Photos that match",
            key=keys["query"],
            placeholder="dog place:lisbon",
            help="A query, as on the Search page. It is read when the rule runs, with that day as "
            "today.",
        )
        st.markdown("**What happens with them**")
        left, right = st.columns(2)
        left.multiselect(
            "Add tags",
            list(dict.fromkeys([*tags, *tag_choices()])),
            format_func=get_gallery().vocabulary.display_name,
            accept_new_options=True,
            placeholder="Choose or type tags",
            key=keys["tags"],
        )
        right.selectbox(
            "Put into the album",
            albums,
            index=None,
            accept_new_options=True,
            placeholder="Choose or type an album",
            key=keys["album"],
        )
        left.selectbox(
            "Set the class",
            list(dict.fromkeys([*_values(rule, ActionKind.CLASS), *class_choices()])),
            index=None,
            format_func=get_gallery().vocabulary.display_name,
            accept_new_options=True,
            placeholder="Choose or type a class",
            key=keys["class"],
        )
        right.selectbox(
            "Rate",
            range(1, MAX_RATING + 1),
            index=None,
            format_func=lambda stars: "★" * stars,
            placeholder="Choose stars",
            key=keys["rating"],
        )
        st.checkbox("Mark as favourite", key=keys["favourite"])
        if not get_services().settings.is_shared:
            _file_fields(rule, keys)
        with st.container(horizontal=True):
            st.form_submit_button(
                "Save and try",
                icon=":material/visibility:",
                type="primary",
                on_click=_save,
                args=(rule_id, keys),
            )
            st.form_submit_button("Cancel", on_click=open_rule, args=(EDITED_KEY, None))


def _file_fields(rule: Rule | None, keys: dict[str, str]) -> None:
    """Show which files a rule writes; on a server it writes none."""
    st.checkbox(
        "Write XMP sidecars",
        key=keys["sidecar"],
        help="Beside the originals of photos that the library only refers to, with tags, class and "
        "rating. A sidecar that exists stays as it is. Undo of a run removes its sidecars.",
    )
    left, right = st.columns(2)
    left.text_input(
        "Copy into the folder",
        key=keys["folder"],
        placeholder=str(Path.home() / "Pictures"),
        help="The full path of a folder on this computer. The photos stay where they are, and no "
        "file in the folder is overwritten. Undo of a run removes its copies.",
    )
    layouts = [action.layout for action in rule.actions if action.layout] if rule else []
    right.selectbox(
        "Folders for the copies",
        list(dict.fromkeys([*_LAYOUTS, *layouts])),
        format_func=lambda template: _LAYOUTS.get(template, template),
        accept_new_options=True,
        key=keys["layout"],
        help="Choose one, or type a layout such as {taken:%Y}/{city}/{name}.",
    )


def _fill(keys: dict[str, str], rule: Rule | None) -> None:
    """Set the fields to what the rule is, when the form opens."""
    if rule is None or keys["name"] in st.session_state:
        return
    names = {str(album.id): album.name for album in get_gallery().own_albums()}
    albums = [names[value] for value in _values(rule, ActionKind.ALBUM) if value in names]
    ratings = _values(rule, ActionKind.RATING)
    classes = _values(rule, ActionKind.CLASS)
    values = {
        "name": rule.name,
        "query": rule.query,
        "tags": _values(rule, ActionKind.TAG),
        "album": albums[0] if albums else None,
        "class": classes[0] if classes else None,
        "rating": int(ratings[0]) if ratings else None,
        "favourite": any(a.kind is ActionKind.FAVOURITE for a in rule.actions),
        "sidecar": sidecar_action(rule.actions) is not None,
    }
    if (copying := copy_action(rule.actions)) is not None:
        values |= {"folder": copying.value, "layout": copying.layout}
    for field, value in values.items():
        st.session_state[keys[field]] = value


def _values(rule: Rule | None, kind: ActionKind) -> list[str]:
    actions: Sequence[Action] = () if rule is None else rule.actions
    return [action.value for action in actions if action.kind is kind]


def _save(rule_id: int, keys: dict[str, str]) -> None:
    typed = {field: st.session_state.get(key) for field, key in keys.items()}
    runner = get_services(is_storing=True).rules
    saved: list[int] = []

    def save() -> None:
        runner.check_query(typed["query"] or "")  # before an album is made
        values = (typed["name"] or "", typed["query"] or "", _actions(typed))
        if rule_id == NEW_RULE:
            saved.append(runner.create(*values))
        else:
            runner.change(rule_id, *values)
            saved.append(rule_id)

    if change_rules(save):
        for key in keys.values():
            st.session_state.pop(key, None)
        open_rule(TRIED_KEY, saved[0])


def _actions(typed: dict[str, object]) -> list[Action]:
    """Return the actions of the fields. An album of a new name is made."""
    tags = typed["tags"] if isinstance(typed["tags"], list) else []
    actions = [Action(ActionKind.TAG, str(tag)) for tag in tags]
    if typed["album"]:
        actions.append(Action(ActionKind.ALBUM, str(_album_id(str(typed["album"])))))
    if typed["class"]:
        actions.append(Action(ActionKind.CLASS, str(typed["class"])))
    if typed["rating"]:
        actions.append(Action(ActionKind.RATING, str(typed["rating"])))
    if typed["favourite"]:
        actions.append(Action(ActionKind.FAVOURITE))
    if typed["sidecar"]:
        actions.append(Action(ActionKind.SIDECAR))
    if str(typed["folder"] or "").strip():
        layout = str(typed["layout"] or next(iter(_LAYOUTS)))
        actions.append(Action(ActionKind.COPY, str(typed["folder"]), layout))
    return actions


def _album_id(name: str) -> int:
    gallery = get_gallery(is_storing=True)
    album = find_own_album(clean_album_name(name), gallery.own_albums())
    return create_album(gallery.library, name) if album is None else album.id
