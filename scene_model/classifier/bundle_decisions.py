"""The decisions file of a bundle: what follows from the probabilities of all heads together."""

from collections.abc import Iterator, Mapping, Set
from typing import Annotated

from pydantic import Field

from scene_model.classifier.bundle_words import Section

Numbers = tuple[Annotated[float, Field(allow_inf_nan=False)], ...]


class GroupRule(Section):
    """How the heads decide a photo's group together, see `groups.GroupDecision`.

    heads: their order in the rows of the kernel. floor: added to each probability before its
    logarithm. kernel: one row for each head and group, the groups in the bundle's order, with a
    weight for each group; with an embedding_kernel, its groups have the last rows. bias: one number
    a group. confidence_threshold: below it the group is unsure. embedding_kernel, embedding_bias: a
    dense layer from the embedding to the groups, one row for each number of the embedding, with a
    weight for each group; empty where only the heads decide.
    """

    heads: tuple[str, ...]
    floor: float = Field(gt=0.0)
    kernel: tuple[Numbers, ...]
    bias: Numbers
    confidence_threshold: float = Field(ge=0.0, le=1.0)
    embedding_kernel: tuple[Numbers, ...] = ()
    embedding_bias: Numbers = ()


class TagRule(Section):
    """Which labels of a head are a photo's tags: those that are right often enough.

    The logit that a label is right for a photo is offset + score_weight × logit of its probability
    + group_weight × log(group_floor + probability of its group) + the offsets of its group and of
    the label itself. The label is a tag where this probability reaches the threshold.
    """

    offset: float
    score_weight: float
    group_weight: float
    group_floor: float = Field(gt=0.0)
    group_offsets: dict[str, float] = {}
    label_offsets: dict[str, float] = {}
    threshold: float = Field(gt=0.0, lt=1.0)


class Decisions(Section):
    """The content of the decisions file.

    groups: None where the heads' labels have no groups. tags: by head; a head without such a rule
    has tags by the tag rule.
    """

    groups: GroupRule | None = None
    tags: dict[str, TagRule] = {}


def problem_with_decisions(
    decisions: Decisions,
    labels_by_head: Mapping[str, Set[str]],
    groups: Set[str],
    embedding_size: int,
) -> str | None:
    """Describe what first fails to fit the bundle; None if the decisions fit it."""
    problems = _problems(decisions, labels_by_head, groups, embedding_size)
    return next(problems, None)


def _problems(
    decisions: Decisions,
    labels_by_head: Mapping[str, Set[str]],
    groups: Set[str],
    embedding_size: int,
) -> Iterator[str]:
    rule = decisions.groups
    named_heads = {*decisions.tags, *(rule.heads if rule else ())}
    for head in sorted(named_heads - labels_by_head.keys()):
        yield f"there is no head {head!r}."
    if rule is not None:
        by_embedding = bool(rule.embedding_kernel)
        rows, columns = (len(rule.heads) + by_embedding) * len(groups), len(groups)
        if len(rule.kernel) != rows or any(
            len(row) != columns for row in (*rule.kernel, rule.bias)
        ):
            yield f"the kernel must have {rows} rows, and they and the bias {columns} numbers each."
        if by_embedding and (
            len(rule.embedding_kernel) != embedding_size
            or any(len(row) != columns for row in (*rule.embedding_kernel, rule.embedding_bias))
        ):
            yield (
                f"the kernel of the embedding must have {embedding_size} rows, and they and its "
                f"bias {columns} numbers each."
            )
    for head, tag_rule in decisions.tags.items():
        if rule is None:
            yield f"tags of {head!r} are decided by groups, and there is no rule for groups."
        for label in sorted(tag_rule.label_offsets.keys() - labels_by_head.get(head, set())):
            yield f"the head {head!r} has no label {label!r}."
        for group in sorted(tag_rule.group_offsets.keys() - groups):
            yield f"there is no group {group!r}."
