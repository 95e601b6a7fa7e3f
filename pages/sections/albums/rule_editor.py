"""The rules of the albums as text: shown, edited, checked with the line of a mistake, saved."""

import streamlit as st

from pages.sections.messages import error_markdown, escape_markdown
from pages.state.address import note_action
from pages.state.session import get_services
from scene_model.album_rule_choice import AlbumRuleChoice, built_in_text
from scene_model.errors import InvalidAlbumRules, SceneError

_TEXT_KEY, _BASE_KEY = "rule_text", "rule_text_base"
_ERROR_KEY, _LINE_KEY, _NOTICE_KEY = "rule_error", "rule_error_line", "rule_notice"


def rule_editor(page: str) -> None:
    """Show the rules in force in an expander, and the editor where they may be changed.

    page: the page whose URL stays as it is.
    """
    rules = get_services().album_rules
    if notice := st.session_state.pop(_NOTICE_KEY, None):
        st.toast(notice)
    part = st.expander(
        "Rules of the albums", icon=":material/rule_settings:", on_change="rerun", key="rule_editor"
    )
    if not part.open:
        return
    with part:
        st.caption(_where(rules))
        if rules.can_be_changed:
            _editor(rules, page)
        else:
            st.code(rules.text(), language="toml", height=400)


def _where(rules: AlbumRuleChoice) -> str:
    if rules.settings.is_shared:
        return "These rules are the same for all visitors; only the operator can change them."
    if rules.file is not None:
        file = escape_markdown(str(rules.file))
        if not rules.can_be_changed:
            return f"These rules are in the file {file} (SCENE_ALBUMS), which is read-only."
        return f"These rules are in the file {file} (SCENE_ALBUMS). Saving changes that file."
    if rules.are_built_in:
        return "These are the built-in rules. Changed rules are stored in your library."
    return "These are your rules, stored in your library. Backups contain them."


def _editor(rules: AlbumRuleChoice, page: str) -> None:
    if _TEXT_KEY not in st.session_state:
        _load(rules.text())
    _show_mismatch(rules)
    st.text_area(
        "Rules (TOML)",
        key=_TEXT_KEY,
        height=420,
        help="The comments at the top describe the format.",
    )
    _show_error()
    # Never disabled: the browser sends the text when the button is clicked, not before.
    with st.container(horizontal=True):
        st.button(
            "Save rules",
            icon=":material/save:",
            type="primary",
            on_click=_save,
            args=(rules, page),
        )
        st.button(
            "Discard changes",
            icon=":material/undo:",
            on_click=_load,
            args=(rules.text(),),
        )
        st.button(
            "Load built-in rules",
            icon=":material/settings_backup_restore:",
            on_click=_replace,
            args=(built_in_text(),),
            help="Puts the built-in rules into the editor. Save rules to use them.",
        )


def _show_mismatch(rules: AlbumRuleChoice) -> None:
    """Say why stored rules are not used: another model has other labels."""
    try:
        rules.check(rules.text())
    except InvalidAlbumRules as error:
        st.warning(
            f"These rules cannot be used with this model, so the built-in ones are in use. "
            f"{error_markdown(error)}",
            icon=":material/warning:",
        )


def _show_error() -> None:
    if message := st.session_state.get(_ERROR_KEY):
        st.error(message, icon=":material/error:")
        if line := st.session_state.get(_LINE_KEY):
            st.code(line, language=None)


def _load(text: str) -> None:
    """Begin with a text; later changes are compared with it."""
    st.session_state[_BASE_KEY] = text
    _replace(text)


def _replace(text: str) -> None:
    st.session_state[_TEXT_KEY] = text
    st.session_state.pop(_ERROR_KEY, None)


def _save(rules: AlbumRuleChoice, page: str) -> None:
    note_action(page)
    text: str = st.session_state[_TEXT_KEY]
    st.session_state.pop(_LINE_KEY, None)
    try:
        if rules.text() != st.session_state[_BASE_KEY]:
            st.session_state[_ERROR_KEY] = (
                "The rules were changed elsewhere since you began. Copy your text, discard the "
                "changes here, and edit the new rules."
            )
            return
        rules.use(text)
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
        line = error.line if isinstance(error, InvalidAlbumRules) else None
        if line is not None and line <= len(text.splitlines()):
            st.session_state[_LINE_KEY] = f"{line}: {text.splitlines()[line - 1]}"
        return
    _load(text)
    st.session_state[_NOTICE_KEY] = "Album rules saved. They are in use now."
