"""The decisions file of a bundle: what follows from the probabilities of all heads together."""

from collections.abc import Mapping, Set

from pydantic import Field

from scene_model.classifier.bundle_words import Section


class GroupRule(Section):
    """How the heads decide a photo's group together, see `groups.GroupPool`.

    weights, floors: by head. offsets: by group; 0 for the others. confidence_threshold: below it
    the group is unsure.
    """

    weights: dict[str, float]
    floors: dict[str, float]
    offsets: dict[str, float] = {}
    confidence_threshold: float = Field(ge=0.0, le=1.0)


class TagThresholds(Section):
    """The lowest probability with which a label of a head is a photo's tag.

    labels: by label id; the others have the default. A threshold above 1 is never reached.
    """

    default: float = Field(ge=0.0)
    labels: dict[str, float] = {}


class Decisions(Section):
    """The content of the decisions file.

    groups: None where the heads' labels have no groups. tag_thresholds: by head; a head without
    them has tags by the tag rule.
    """

    groups: GroupRule | None = None
    tag_thresholds: dict[str, TagThresholds] = {}


def problem_with_decisions(
    decisions: Decisions, labels_by_head: Mapping[str, Set[str]], groups: Set[str]
) -> str | None:
    """Say which head, label or group the bundle does not have; None when all is right."""
    rule = decisions.groups
    named_heads = {*decisions.tag_thresholds}
    if rule is not None:
        if rule.weights.keys() != rule.floors.keys():
            return "weights and floors name different heads."
        if missing := rule.offsets.keys() - groups:
            return f"the group {min(missing)!r} is not described."
        named_heads |= rule.weights.keys()
    if missing := named_heads - labels_by_head.keys():
        return f"there is no head {min(missing)!r}."
    for head, thresholds in decisions.tag_thresholds.items():
        if missing := thresholds.labels.keys() - labels_by_head[head]:
            return f"the head {head!r} has no label {min(missing)!r}."
    return None
