"""The words of bundle.json: labels, the kinds they are of, and the groups they belong to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from scene_model.classifier.labels import Group, Kind, Label


class Section(BaseModel):
    """A part of bundle.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelEntry(Section):
    """One label as written in bundle.json.

    kinds: ids of its most specific kinds. group: id of its group; None where it has none.
    """

    id: str
    name: str
    source_name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = {}
    kinds: tuple[str, ...] = ()
    group: str | None = None

    def as_label(self) -> Label:
        """Return the label that this entry describes."""
        return Label(
            self.id,
            self.name,
            self.source_name,
            self.aliases,
            dict(self.translations),
            self.kinds,
            self.group,
        )


class GroupEntry(Section):
    """One group of labels as written in bundle.json."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = {}

    def as_group(self) -> Group:
        """Return the group that this entry describes."""
        return Group(self.id, self.name, self.aliases, dict(self.translations))


class KindEntry(Section):
    """One kind of labels as written in bundle.json. parents: ids of the next wider kinds."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = {}
    parents: tuple[str, ...] = ()

    def as_kind(self) -> Kind:
        """Return the kind that this entry describes."""
        return Kind(self.id, self.name, self.aliases, dict(self.translations), self.parents)


def problem_with_words(
    labels_by_head: Mapping[str, Sequence[LabelEntry]],
    kinds: Sequence[KindEntry],
    groups: Sequence[GroupEntry],
) -> str | None:
    """Say which kind or group is missing, repeated, or its own parent; None when all is right."""
    return (
        _problem_with_ids(kinds, groups)
        or _problem_with_parents(kinds)
        or _problem_with_labels(
            labels_by_head, {kind.id for kind in kinds}, {group.id for group in groups}
        )
    )


def _problem_with_ids(kinds: Sequence[KindEntry], groups: Sequence[GroupEntry]) -> str | None:
    for what, entries in (("kind", kinds), ("group", groups)):
        repeated = [entry_id for entry_id, n in Counter(e.id for e in entries).items() if n > 1]
        if repeated:
            return f"two {what}s have the id {repeated[0]!r}."
    return None


def _problem_with_parents(kinds: Sequence[KindEntry]) -> str | None:
    parents = {kind.id: kind.parents for kind in kinds}
    for kind in kinds:
        for parent in kind.parents:
            if parent not in parents:
                return f"the kind {kind.id!r} has the parent {parent!r}, which is not a kind."
    # Remove kinds whose parents are all removed, again and again; a cycle remains.
    left = dict(parents)
    while left:
        removable = [kind for kind, above in left.items() if not left.keys() & set(above)]
        if not removable:
            return f"the kind {next(iter(left))!r} is among its own parents, or below such a kind."
        for kind_id in removable:
            del left[kind_id]
    return None


def _problem_with_labels(
    labels_by_head: Mapping[str, Iterable[LabelEntry]], kind_ids: set[str], group_ids: set[str]
) -> str | None:
    for head, labels in labels_by_head.items():
        for label in labels:
            for kind in label.kinds:
                if kind not in kind_ids:
                    return (
                        f"the label {label.id!r} of the head {head!r} has the kind {kind!r}, "
                        "which the bundle does not describe."
                    )
            if label.group is not None and label.group not in group_ids:
                return (
                    f"the label {label.id!r} of the head {head!r} has the group {label.group!r}, "
                    "which the bundle does not describe."
                )
    return None
