"""The name by which photos are joined in stacks: without suffix, and without marks of an edit.

``IMG_1234.CR2``, ``IMG_1234.JPG``, ``IMG_E1234.JPG`` and ``IMG_1234-edited.jpg`` have one name.
"""

import re
from dataclasses import dataclass

from scene_model.classifier.vocabulary import fold_case

# What Google Photos appends to the name of an edited version, in the language of the account.
EDITED_WORDS = (
    *("edited", "bearbeitet", "modifié", "modifie", "ha editado", "editado", "editada", "editat"),
    *("modificato", "modificata", "bewerkt", "redigerad", "redigeret", "redigert", "muokattu"),
    *("edytowane", "upraveno", "upravené", "szerkesztve", "düzenlendi"),
    *("изменено", "отредактировано", "змінено", "編集済み", "已修改", "已編輯", "수정됨"),
)
# Other programs append the first.
_WORDS = "|".join(("edit", *EDITED_WORDS))
# Behind them a number, or that of a copy in brackets. Android's editors append "~2".
_NUMBER = r"(?:[-_ ]?\d{1,3})?"
_MARKS = re.compile(
    rf"(?P<name>.+?)(?:[-_ .](?:{_WORDS}){_NUMBER}|[ _-]?\((?:{_WORDS}){_NUMBER}\)|~\d{{1,2}})"
    r"(?P<copy>[ ]?\(\d{1,3}\))?"
)
# Apple: the edited version of IMG_1234 is IMG_E1234.
_APPLE = re.compile(r"(?P<prefix>img_)e(?P<number>\d{4,5})(?P<copy>[ ]?\(\d{1,3}\))?")


@dataclass(frozen=True)
class StackName:
    """A folded name. stem: the name without suffix. base: the stem without the mark of an edit."""

    stem: str
    base: str

    @property
    def is_edit(self) -> bool:
        """Whether the name says that the photo is an edited version."""
        return self.base != self.stem


def stack_name(name: str) -> StackName:
    """Return the parts of a file name by which photos are joined."""
    folded = fold_case(name)
    stem, dot, suffix = folded.rpartition(".")
    if not dot or not stem or len(suffix) > 5:
        stem = folded
    apple = _APPLE.fullmatch(stem)
    if apple is not None:
        return StackName(stem, f"{apple['prefix']}{apple['number']}{apple['copy'] or ''}")
    marked = _MARKS.fullmatch(stem)
    if marked is None:
        return StackName(stem, stem)
    return StackName(stem, marked["name"].rstrip() + (marked["copy"] or ""))
