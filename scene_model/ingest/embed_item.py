"""Embed some photos by a further network as an item of a job."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from scene_model.classifier.bundle import FloatArray
from scene_model.jobs.engine import JobItem
from scene_model.jobs.job import Job, Outcome, skipped_outcome
from scene_model.learning.taught_tags import write_taught_tags
from scene_model.library.embeddings.backbone_embeddings import Network, write_embeddings
from scene_model.library.store import Library
from scene_model.photos.content import Content

# Photos whose embeddings are flushed to disk together; a kill loses those in work.
_PHOTOS_AT_ONCE = 32

Encode = Callable[[Content], FloatArray]
"""Turns the content of a photo into its embedding, float32 (size,); raises PhotoError."""


@dataclass(frozen=True)
class Embedder:
    """A network and how it is run. may_fetch: also fetch originals at URLs."""

    network: Network
    encode: Encode
    may_fetch: bool = False


def embed_items(
    library: Library, embedder: Embedder, job: Job, photo_ids: Sequence[str]
) -> list[JobItem]:
    """Return the items of a job that embeds photos."""
    starts = range(0, len(photo_ids), _PHOTOS_AT_ONCE)
    batches = [photo_ids[start : start + _PHOTOS_AT_ONCE] for start in starts]
    return [
        JobItem(
            batch[0][:12],
            partial(_embed, library, embedder, job, batch),
            # The engine counts one item.
            partial(job.record_dropped, len(batch) - 1),
        )
        for batch in batches
    ]


def _embed(library: Library, embedder: Embedder, job: Job, photo_ids: Sequence[str]) -> Outcome:
    """Embed photos and store the embeddings together; an error is the outcome of one photo."""
    embeddings: dict[str, FloatArray] = {}
    outcomes: list[Outcome] = []
    for photo_id in photo_ids:
        if job.is_cancelled and (embeddings or outcomes):
            break
        try:
            if embedder.may_fetch:
                library.fetch_original(photo_id)
            embeddings[photo_id] = embedder.encode(library.original_content(photo_id))
        except Exception as error:
            names = [photo.name for photo in library.records([photo_id])]
            outcomes.append(skipped_outcome(names[0] if names else photo_id[:12], error))
    try:
        write_embeddings(library, embedder.network, embeddings, [write_taught_tags])
    except Exception as error:
        outcomes += [skipped_outcome(photo_id[:12], error) for photo_id in embeddings]
    else:
        outcomes += [Outcome(photo_id, was_known=True) for photo_id in embeddings]
    job.record_dropped(len(photo_ids) - len(outcomes))
    for outcome in outcomes[1:]:
        job.record(outcome)
    return outcomes[0]
