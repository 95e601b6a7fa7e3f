"""What pages say of stacks."""

from collections.abc import Mapping
from dataclasses import dataclass

from scene_model.library.stacks.stack_rows import PERSON, Stack, StackKind

_NAMES = {
    StackKind.RAW_JPEG: "RAW + JPEG",
    StackKind.LIVE: "Live Photo",
    StackKind.EDIT: "Edited",
    StackKind.BURST: "Burst",
    StackKind.BRACKET: "Bracket",
    StackKind.PANORAMA: "Panorama",
}
_SHORT = {StackKind.RAW_JPEG: "RAW", StackKind.LIVE: "Live", StackKind.EDIT: "Edited"}


@dataclass(frozen=True)
class StackMark:
    """What a photo says of its stack. short: "RAW · 2". text: "RAW + JPEG, 2 photos"."""

    short: str
    text: str


# Of a motion photo that is in no stack.
MOTION = StackMark("Live", "motion photo: the file holds a film, too")


def stack_marks(stacks: Mapping[str, Stack]) -> dict[str, StackMark]:
    """Return what photos say of their stacks, both by photo id."""
    return {
        photo_id: StackMark(_short(stack), stack_text(stack)) for photo_id, stack in stacks.items()
    }


def stack_text(stack: Stack) -> str:
    """Return the kind and the size of a stack: "RAW + JPEG, 2 photos"."""
    name = "Stack" if _is_of_a_person(stack) else _NAMES[stack.kind]
    return f"{name}, {len(stack.photo_ids)} photos"


def tiles_text(photos: int, tiles: int) -> str:
    """Return in words that fewer tiles than photos are shown; empty where each is one."""
    return f"shown as {tiles:,}, stacks as one" if tiles < photos else ""


def _short(stack: Stack) -> str:
    word = "" if _is_of_a_person(stack) else _SHORT.get(stack.kind, _NAMES[stack.kind])
    return f"{word} · {len(stack.photo_ids)}" if word else f"{len(stack.photo_ids)}"


def _is_of_a_person(stack: Stack) -> bool:
    """Whether a person stacked photos that no rule joins."""
    return stack.made_by == PERSON and stack.kind is StackKind.BURST
