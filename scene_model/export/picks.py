"""Which photo decides the folder of another one: the pick of its stack."""

from collections.abc import Iterable, Iterator

from scene_model.library.photo_query import in_batches
from scene_model.library.records import PhotoRecord
from scene_model.library.stacks.stack_rows import stacks_of
from scene_model.library.store import Library


def with_picks(
    library: Library, photo_ids: Iterable[str]
) -> Iterator[tuple[PhotoRecord, PhotoRecord]]:
    """Yield photos in their order, each with the pick of its stack, or else itself."""
    for batch in in_batches(photo_ids):
        stacks = stacks_of(library, batch)
        pick_ids = {stack.pick for stack in stacks.values()}
        picks = {photo.id: photo for photo in library.records(pick_ids)}
        for photo in library.records(batch):
            stack = stacks.get(photo.id)
            yield photo, photo if stack is None else picks.get(stack.pick, photo)
