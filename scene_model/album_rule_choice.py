"""Which album rules a library uses: a named file, the library's own, or the built-in ones.

Rules that are edited on the page Albums go where they come from: into the file that SCENE_ALBUMS
names, else into the library's database, so that backups and copies contain them. A shared server
has one set of rules for all visitors, which none of them can change.
"""

import contextlib
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.albums.album_rules import (
    SHIPPED_FILE,
    AlbumRules,
    parse_album_rules,
    read_rule_text,
)
from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.text.search_model import SearchModel
from scene_model.config import Settings
from scene_model.errors import InvalidAlbumRules, InvalidSetting
from scene_model.library.store import Library

MAX_RULE_CHARACTERS = 200_000
_CHOICE = "album_rules"
_SOURCE = "The album rules"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlbumRuleChoice:
    """Reads and changes the album rules of one library."""

    settings: Settings
    model: CurrentModel
    library: Library

    @property
    def file(self) -> Path | None:
        """The file that SCENE_ALBUMS names; None when the library has the rules."""
        return self.settings.albums if self.settings.names_album_rules else None

    @property
    def can_be_changed(self) -> bool:
        """Whether the rules may be edited: not by visitors, nor in a file that is read-only."""
        if self.settings.is_shared:
            return False
        file = self.file
        return file is None or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))

    @property
    def are_built_in(self) -> bool:
        """Whether the rules are those that the program brings."""
        return self.text() == built_in_text()

    def text(self) -> str:
        """Return the rules as text; raises PathNotFound or InvalidSetting."""
        if self.file is not None:
            return read_rule_text(self.file)
        return _text_of(self.library) or built_in_text()

    def check(self, text: str) -> AlbumRules:
        """Read rules that a person typed; raises InvalidAlbumRules with the line."""
        if len(text) > MAX_RULE_CHARACTERS:
            raise InvalidAlbumRules(
                f"{_SOURCE} have {len(text):,} characters; the limit is {MAX_RULE_CHARACTERS:,}."
            )
        return parse_album_rules(text, self.model.classifier.ranked_heads, _SOURCE)

    def use(self, text: str) -> None:
        """Use rules from now on, also after a restart; nothing changes when they are wrong.

        Raises InvalidAlbumRules, InvalidSetting when the file cannot be written, or NotForVisitors.
        """
        self.settings.require_personal("change the album rules")
        rules = self.check(text)
        if self.file is not None:
            _write(self.file.resolve(), text)
        else:
            self.library.choose(_CHOICE, "" if text == built_in_text() else text)
        self.model.swap(Model.of(self.model.classifier, rules, self.model.search))


def model_of(
    settings: Settings,
    classifier: Classifier,
    library: Library | None,
    search: SearchModel | None = None,
) -> Model:
    """Return a model with the album rules of a library, or of no library.

    search: the model that finds photos by sentences. A library's rules that do not fit the
    classifier's labels are not used, which is logged. Raises PathNotFound or InvalidSetting for a
    file that SCENE_ALBUMS names.
    """
    text = None if settings.names_album_rules or library is None else _text_of(library)
    if text:
        try:
            rules = parse_album_rules(text, classifier.ranked_heads, _SOURCE)
            return Model.of(classifier, rules, search)
        except InvalidAlbumRules as error:
            logger.warning("the built-in album rules are used: %s", error.message)
    return Model.of(classifier, settings.albums, search)


def built_in_text() -> str:
    """Return the rules that the program brings, as text."""
    return read_rule_text(SHIPPED_FILE)


def _text_of(library: Library) -> str | None:
    return library.choice(_CHOICE)


def _write(file: Path, text: str) -> None:
    """Replace a file by a text, whole or not at all; it keeps its permissions."""
    # A random name: nobody can have put a link or a file of their own there.
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        part.chmod(file.stat().st_mode & 0o777)
        part.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise InvalidSetting(
            f"{file} cannot be written: {error.strerror or error}. Change its permissions, or let "
            "SCENE_ALBUMS name another file."
        ) from error
