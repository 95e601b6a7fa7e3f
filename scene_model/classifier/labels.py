"""Label sets: the labels that a head can predict, with their names and synonyms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

# The class of a photo where neither a person nor a head decided; never a label.
UNSURE_CLASS = "unsure"
# Sources of a photo's class other than a head; no head may have one of these ids.
HUMAN, NONE = "human", "none"
# The head id of tags that people taught by examples; no head of a bundle may have it.
TAUGHT = "taught"

# Heads that have a part in every photo's answer; a bundle may lack them.
OBJECTS, PLACES = "objects", "places"


@dataclass(frozen=True)
class Label:
    """One label of a head.

    id: canonical, unique in its head; the same idea has the same id in every head.
    name: display name. source_name: the name in the data set (a folder, a line of a file).
    aliases: further search words. translations: language code → name.
    kinds: ids of its most specific kinds. group: id of its group; None where it has none.
    """

    id: str
    name: str
    source_name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = field(default_factory=dict, hash=False)
    kinds: tuple[str, ...] = ()
    group: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """All words that match this label in a search, case-folded."""
        words = (self.id.replace("_", " "), self.name, *self.aliases, *self.translations.values())
        return tuple(dict.fromkeys(word.casefold() for word in words))


@dataclass(frozen=True)
class Kind:
    """A kind of labels: "animal" for dogs, birds and snakes. It is never a tag or a class.

    aliases: further search words. translations: language code → name. parents: ids of the next
    wider kinds; they form no cycle.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = field(default_factory=dict, hash=False)
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A group of labels: what a person would call the folder of a photo.

    aliases: further search words. translations: language code → name.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class LabelSet:
    """The labels of one head, in the order of its outputs.

    kinds: those that its labels refer to, with all wider ones. groups: those its labels belong to.
    There may be more of both.
    """

    labels: tuple[Label, ...]
    kinds: tuple[Kind, ...] = ()
    groups: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError when two labels have the same id."""
        if len(set(self.ids)) != len(self.labels):
            raise ValueError("a label id occurs twice in one label set")

    def __len__(self) -> int:
        """Count the labels."""
        return len(self.labels)

    def __getitem__(self, index: int) -> Label:
        """Return the label of one output."""
        return self.labels[index]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Label ids in the order of the outputs."""
        return tuple(label.id for label in self.labels)

    @cached_property
    def source_names(self) -> tuple[str, ...]:
        """Data set names in the order of the outputs."""
        return tuple(label.source_name for label in self.labels)

    def index(self, label_id: str) -> int:
        """Return the output of a label; raises ValueError when the set lacks it."""
        try:
            return self._indices[label_id]
        except KeyError:
            raise ValueError(f"{label_id!r} is no label of this set") from None

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {label_id: index for index, label_id in enumerate(self.ids)}


def with_wider_kinds(
    kind_ids: Iterable[str], parents: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    """Return kinds with all those above them. parents: ids of the next wider kinds, by kind."""
    collected: set[str] = set()
    remaining = list(kind_ids)
    while remaining:
        kind_id = remaining.pop()
        if kind_id not in collected:
            collected.add(kind_id)
            remaining += parents[kind_id]
    return frozenset(collected)
