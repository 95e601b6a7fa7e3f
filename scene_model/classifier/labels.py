"""Label sets: what a head can say, in the words people know it by."""

from dataclasses import dataclass, field
from functools import cached_property

# What a photo is filed under when nobody and no head is sure; never a label.
UNSURE_CLASS = "unsure"
# Where a photo's class comes from when it comes from no head; no head may be called so.
HUMAN, NONE = "human", "none"
# The head of tags that people taught by examples; no head of a bundle may be called so.
TAUGHT = "taught"


@dataclass(frozen=True)
class Label:
    """One thing a head can say.

    id: canonical, unique in its head; the same idea has the same id in every head.
    name: shown to people. source_name: how the data set writes it (a folder, a line).
    aliases: further words that should find it. translations: language code → name.
    """

    id: str
    name: str
    source_name: str
    aliases: tuple[str, ...] = ()
    translations: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that finds this label, folded for comparison."""
        said = (self.id.replace("_", " "), self.name, *self.aliases, *self.translations.values())
        return tuple(dict.fromkeys(word.casefold() for word in said))


@dataclass(frozen=True)
class LabelSet:
    """The labels of one head, in the order of its outputs."""

    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        """Refuse two labels of one id."""
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

    def index(self, label_id: str) -> int:
        """Return the output of a label; raises ValueError when the set lacks it."""
        try:
            return self._indices[label_id]
        except KeyError:
            raise ValueError(f"{label_id!r} is no label of this set") from None

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {label_id: index for index, label_id in enumerate(self.ids)}
