"""The labels of an added network, with our ids where they mean the same."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.bundle_words import GroupEntry, KindEntry, LabelEntry
from scene_model.classifier.labels import OBJECTS, UNSURE_CLASS, with_wider_kinds
from scene_model.errors import ModelRefused

OWN_HEAD = "labels"
# With so many of our objects among its labels, a network's head is one of objects.
_OBJECTS_SHARE = 0.95
_MAX_LABELS = 65_536
_MAX_LABEL_CHARACTERS = 300
_MAX_FILE_BYTES = 20_000_000
_NO_WORD = re.compile(r"[\W_]+")
# What transformers writes where nobody named the labels.
_UNNAMED = re.compile(r"LABEL_\d+")


@dataclass(frozen=True)
class AddedLabels:
    """Labels in the order of the outputs, with the kinds and groups that they refer to.

    ours: how many have an id of our label sets.
    """

    head_id: str
    head_name: str
    labels: tuple[LabelEntry, ...]
    kinds: tuple[KindEntry, ...]
    groups: tuple[GroupEntry, ...]
    ours: int


def read_label_names(file: Path) -> list[str]:
    """Read labels from a text file, a line each, or a JSON list or object; raises ModelRefused."""
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise ModelRefused(
                f"{file.name} has {file.stat().st_size:,} bytes; labels have at most "
                f"{_MAX_FILE_BYTES:,}.",
                code="model_too_large",
            )
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix.lower() != ".json":
            return _checked([line.strip() for line in text.strip().splitlines()], file.name)
        content = json.loads(text)
    except OSError as error:
        raise ModelRefused(
            f"The labels in {file} cannot be read: {error.strerror}.", code="model_files_missing"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelRefused(
            f"The labels in {file.name} cannot be read: {error}.", code="model_damaged"
        ) from error
    return _of_json(content, file.name)


def labels_of_config(config: Mapping[str, Any] | None) -> list[str] | None:
    """Return the labels that config.json names; None where it names none. Raises ModelRefused."""
    if config is None:
        return None
    pretrained = config.get("pretrained_cfg")
    named = config.get("id2label") or config.get("label_names")
    if named is None and isinstance(pretrained, dict):
        named = pretrained.get("label_names")
    if named is None:
        return None
    names = _of_json(named, "config.json")
    return None if all(_UNNAMED.fullmatch(name) for name in names) else names


def added_labels(names: Sequence[str], ours: BundleDescription) -> AddedLabels:
    """Make the labels of a head; ``ours``: the bundle whose ids the same labels get."""
    by_word = _labels_by_word(ours)
    entries: list[LabelEntry] = []
    taken: set[str] = set()
    count, objects = 0, 0
    object_ids = {label.id for head in ours.heads if head.id == OBJECTS for label in head.labels}
    for name in names:
        same = [*by_word[name.casefold()], *by_word[_first_name(name).casefold()]]
        # Two labels of ImageNet may have one name: cranes are birds and machines.
        own = next((label for label in same if label.id not in taken), None)
        if own is not None:
            entry = own.model_copy(update={"source_name": name})
            count, objects = count + 1, objects + (own.id in object_ids)
        else:
            entry = _new_entry(name, taken)
        taken.add(entry.id)
        entries.append(entry)
    kind_ids = with_wider_kinds(
        [kind for entry in entries for kind in entry.kinds],
        {kind.id: kind.parents for kind in ours.kinds},
    )
    group_ids = {entry.group for entry in entries}
    is_of_objects = objects >= _OBJECTS_SHARE * len(object_ids) and bool(object_ids)
    return AddedLabels(
        OBJECTS if is_of_objects else OWN_HEAD,
        "Objects" if is_of_objects else "Labels",
        tuple(entries),
        tuple(kind for kind in ours.kinds if kind.id in kind_ids),
        tuple(group for group in ours.groups if group.id in group_ids),
        count,
    )


def _labels_by_word(ours: BundleDescription) -> defaultdict[str, list[LabelEntry]]:
    """Our labels by their names in the data set, then their display names; objects first."""
    heads = sorted(ours.heads, key=lambda head: head.id != OBJECTS)
    labels = [label for head in heads for label in head.labels]
    by_word: defaultdict[str, list[LabelEntry]] = defaultdict(list)
    for label in labels:
        by_word[label.source_name.casefold()].append(label)
    for label in labels:
        by_word[label.name.casefold()].append(label)
    return by_word


def _new_entry(name: str, taken: set[str]) -> LabelEntry:
    first = _first_name(name)
    plain_id = _NO_WORD.sub("_", first.casefold()).strip("_") or "label"
    label_id, number = plain_id, 1
    while label_id in taken or label_id == UNSURE_CLASS:
        number += 1
        label_id = f"{plain_id}_{number}"
    others = tuple(part.strip() for part in name.split(",")[1:])
    return LabelEntry(
        id=label_id,
        name=first[:1].upper() + first[1:],
        source_name=name,
        aliases=tuple(filter(None, others)),
    )


def _first_name(name: str) -> str:
    """``tench, Tinca tinca`` → ``tench``: further names of a label follow commas."""
    return name.split(",")[0].strip() or name


def _of_json(content: Any, file: str) -> list[str]:
    if isinstance(content, dict):
        try:
            numbered = {int(index): name for index, name in content.items()}
        except ValueError as error:
            raise ModelRefused(
                f"The labels in {file} have keys that are no numbers: {error}.",
                code="model_labels",
            ) from error
        if sorted(numbered) != list(range(len(numbered))):
            raise ModelRefused(
                f"The labels in {file} are not numbered from 0 to {len(numbered) - 1}.",
                code="model_labels",
            )
        content = [numbered[index] for index in range(len(numbered))]
    if not isinstance(content, list):
        raise ModelRefused(f"{file} has no list of labels.", code="model_labels")
    return _checked([str(name).strip() for name in content], file)


def _checked(names: list[str], file: str) -> list[str]:
    if not 1 < len(names) <= _MAX_LABELS:
        raise ModelRefused(
            f"{file} has {len(names):,} labels; a classifier has from 2 to {_MAX_LABELS:,}.",
            code="model_labels",
        )
    for number, name in enumerate(names):
        if not name or len(name) > _MAX_LABEL_CHARACTERS or not name.isprintable():
            raise ModelRefused(
                f"Label {number} in {file} is {name[:40]!r}. A label has from 1 to "
                f"{_MAX_LABEL_CHARACTERS} characters that can be printed.",
                code="model_labels",
            )
    return names
