"""Tags from words alone: the search model says which photos a word describes.

A word becomes a head like that of a taught tag (`taught_head`): a direction in the space of the
photos' embeddings. Where the search model projects embeddings, the head is the best linear
approximation of that; what is previewed is what the head itself tags.
"""

import datetime
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sqlalchemy import insert, select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.taught_head import TaughtFigures, TaughtHead
from scene_model.classifier.text.search_model import SearchModel
from scene_model.classifier.text.text_encoder import unit_vectors
from scene_model.errors import InvalidTag
from scene_model.learning.taught_tags import TAGGED_FROM, TagMatch, write_taught_tag
from scene_model.library.database.schema import class_decisions, tag_decisions, taught_tags
from scene_model.library.edits import clean_tag
from scene_model.library.embeddings.embedding_scan import sample_embeddings, scan_embeddings
from scene_model.library.store import Library
from scene_model.search.sentences.likeness import cut_off

MAX_WORDS = 40
_SAMPLE = 1_000


@dataclass(frozen=True)
class WordLabel:
    """What a word would tag; nothing is saved yet.

    would_tag: the most probable first. decided: how many of these a person gave one of the words
    that were typed, as a tag or as the class, or denied this one; right: how many have this one.
    """

    label: str
    sentence: str
    head: TaughtHead
    would_tag: tuple[TagMatch, ...]
    decided: int
    right: int


def propose_labels(library: Library, model: SearchModel, labels: Sequence[str]) -> list[WordLabel]:
    """Return what words would tag, in their order; raises InvalidTag or BundleDamaged."""
    labels = list(dict.fromkeys(clean_tag(label) for label in labels))
    if len(labels) > MAX_WORDS:
        raise InvalidTag(
            f"There are {len(labels)} words; the limit is {MAX_WORDS}. Save some, then try the "
            "others."
        )
    _require_free(library, labels)
    sentences = {label: model.text.prompt.replace("{}", label) for label in labels}
    sample = sample_embeddings(library, model.backbone, model.size, (), _SAMPLE)
    least = cut_off(library, model)
    heads = {label: _head(model, sentence, sample, least) for label, sentence in sentences.items()}
    matches: dict[str, list[TagMatch]] = {label: [] for label in labels}
    for chunk in scan_embeddings(library, model.backbone, model.size):
        for label, head in heads.items():
            probabilities = head.probabilities(chunk.embeddings)
            matches[label] += [
                TagMatch(chunk.ids[int(i)], float(probabilities[i]))
                for i in np.flatnonzero(probabilities >= TAGGED_FROM)
            ]
    decisions, proposals = _decisions(library, labels), []
    for label in labels:
        would_tag = sorted(matches[label], key=lambda match: -match.probability)
        verdicts = _verdicts(decisions, label, {match.photo_id for match in would_tag})
        proposals.append(
            WordLabel(
                *(label, sentences[label], heads[label], tuple(would_tag)),
                *(len(verdicts), sum(verdicts.values())),
            )
        )
    return proposals


def save_labels(library: Library, model: SearchModel, proposals: Sequence[WordLabel]) -> int:
    """Save words as taught tags, and tag all photos with them; returns the number of tags given.

    Photos that are embedded later get them too. Raises InvalidTag for a tag taught meanwhile.
    """
    _require_free(library, [proposal.label for proposal in proposals])
    now = datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
    with library.database.writer.begin() as connection:
        for proposal in proposals:
            connection.execute(insert(taught_tags).values(_row(proposal, model.backbone, now)))
        for chunk in scan_embeddings(library, model.backbone, model.size):
            for proposal in proposals:
                write_taught_tag(
                    *(connection, proposal.label, proposal.head),
                    *(chunk.ids, chunk.embeddings, now),
                )
    return sum(len(proposal.would_tag) for proposal in proposals)


def _row(proposal: WordLabel, backbone: str, now: str) -> dict[str, object]:
    head = proposal.head
    return {
        "label": proposal.label,
        "backbone": backbone,
        "kernel": head.kernel.astype("<f4").tobytes(),
        "bias": head.bias,
        "threshold": head.threshold,
        "told": json.dumps(
            {
                "examples": [],
                "counterexamples": [],
                "figures": asdict(TaughtFigures(0, 0, 0, 0)),
                "sentence": proposal.sentence,
            }
        ),
        "made_at": now,
    }


def _head(model: SearchModel, sentence: str, sample: FloatArray, least: float) -> TaughtHead:
    """Return the head of a sentence: it scores 1 at the cut-off."""
    direction = model.text.pulled_back(model.direction(sentence))
    slope, offset = 1.0, 0.0
    if len(sample) > 1:
        linear = unit_vectors(sample) @ direction
        exact = model.text.project(sample) @ model.direction(sentence)
        variance = float(linear.var())
        if variance > 0:
            slope = float(((linear - linear.mean()) * (exact - exact.mean())).mean()) / variance
            offset = float(exact.mean()) - slope * float(linear.mean())
    kernel = np.stack([direction * (slope / least), np.zeros_like(direction)])
    return TaughtHead(kernel.astype(np.float32), offset / least, 1.0)


def _require_free(library: Library, labels: Sequence[str]) -> None:
    taught = sorted({*labels} & {*library.taught_labels()})
    if taught:
        raise InvalidTag(
            f"“{taught[0]}” is a taught tag already. Delete it first, or choose another word."
        )


def _decisions(library: Library, labels: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Return what people decided about some labels: photo, label, and whether the photo has it."""
    tags = select(tag_decisions.c.photo_id, tag_decisions.c.label, tag_decisions.c.verdict)
    classes = select(class_decisions.c.photo_id, class_decisions.c.label)
    with library.database.reader.begin() as connection:
        tag_rows = connection.execute(tags.where(tag_decisions.c.label.in_(labels))).all()
        class_rows = connection.execute(classes.where(class_decisions.c.label.in_(labels))).all()
    decisions = [(row.photo_id, row.label, row.verdict == "added") for row in tag_rows]
    return decisions + [(row.photo_id, row.label, True) for row in class_rows]


def _verdicts(
    decisions: Sequence[tuple[str, str, bool]], label: str, photo_ids: Collection[str]
) -> dict[str, bool]:
    """Return whether photos have a label by what people decided about it and the others.

    A photo that was given another of the labels has this one only if it was given both.
    """
    verdicts: dict[str, bool] = {}
    for photo_id, decided, has_it in decisions:
        if photo_id in photo_ids and (has_it or decided == label):
            is_right = has_it and decided == label
            verdicts[photo_id] = verdicts.get(photo_id, False) or is_right
    return verdicts
