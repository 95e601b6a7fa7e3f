"""Read class folders: each subfolder is a class, and its name is the label."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.labels import UNSURE_CLASS, Label, LabelSet
from scene_model.errors import UnusableFolders
from scene_model.photos.sniff import has_picture_name

MIN_PHOTOS = 5
_MIN_CLASSES = 2
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class ClassFolder:
    """One class: its label and its picture files, sorted by name."""

    label: Label
    files: tuple[Path, ...]


def read_class_folders(root: Path) -> tuple[list[ClassFolder], list[str]]:
    """Read the classes of a folder; returns them by name, and one line per skipped folder.

    A folder with fewer than five pictures is skipped; hidden folders are ignored. Pictures may be
    in subfolders of a class folder. Raises UnusableFolders.
    """
    if not root.is_dir():
        raise UnusableFolders(f"There is no folder {root}. Name one whose folders are classes.")
    classes: list[ClassFolder] = []
    passed_over: list[str] = []
    by_id: dict[str, str] = {}
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        label = label_of_folder(folder.name)
        if label.id in by_id:
            raise UnusableFolders(
                f"The folders {by_id[label.id]!r} and {folder.name!r} in {root} would be one class "
                f"({label.id!r}). Rename one or put their photos together."
            )
        by_id[label.id] = folder.name
        files = sorted(p for p in folder.rglob("*") if p.is_file() and has_picture_name(p))
        if len(files) < MIN_PHOTOS:
            held = f"holds {len(files)} pictures" if files else "holds no pictures"
            passed_over.append(
                f"{folder.name}: {held}; a class needs at least {MIN_PHOTOS}, so it is left out"
            )
            continue
        classes.append(ClassFolder(label, tuple(files)))
    if len(classes) < _MIN_CLASSES:
        class_names = ", ".join(c.label.name for c in classes) or "none"
        raise UnusableFolders(
            f"{root} has {len(classes)} class folders with at least {MIN_PHOTOS} pictures "
            f"({class_names}); two are needed. "
            + " ".join(f"{line}." for line in passed_over)
            + " Put the photos of each class into a folder of its own."
        )
    return classes, passed_over


def label_of_folder(name: str) -> Label:
    """Make a label from a folder's name; raises UnusableFolders for a name that is taken.

    ``Old Town`` becomes the id ``old_town``.
    """
    shown = unicodedata.normalize("NFC", name).strip()
    label_id = _NO_WORD.sub("_", shown.casefold()).strip("_")
    if not label_id or label_id == UNSURE_CLASS:
        raise UnusableFolders(
            f"A class cannot be called {name!r}: "
            + (
                "photos that fit no class are filed under that name."
                if label_id
                else "it has no letters or digits."
            )
            + " Rename the folder."
        )
    return Label(id=label_id, name=shown, source_name=name)


def label_set_of_folders(root: Path) -> LabelSet:
    """Return the labels of a folder of class folders, in the order of their names."""
    classes, _ = read_class_folders(root)
    return LabelSet(tuple(c.label for c in classes))
