"""What a rule would do with all photos that match it now, without doing it."""

import json
from dataclasses import dataclass

from sqlalchemy import func, select

from scene_model.library.database.schema import photos
from scene_model.library.rules.rule_actions import (
    Action,
    ActionKind,
    action_words,
    copy_action,
    sidecar_action,
)
from scene_model.library.rules.rule_changes import (
    ActionCount,
    changed_ids,
    count_changed_photos,
    count_changes,
    numbers_in,
)
from scene_model.library.rules.rule_passes import ConditionOf, failure_of, matching_numbers
from scene_model.library.rules.rule_rows import Rule, read_rule
from scene_model.library.store import Library


@dataclass(frozen=True)
class ActionPreview:
    """One action of a dry run, in words."""

    words: str
    count: ActionCount
    kind: ActionKind


@dataclass(frozen=True)
class SidecarCounts:
    """How many sidecars a rule would write, and how many photos would get none.

    existing: photos that have one, which stays. empty: photos without tags, rating and description.
    stored: photos inside the library or at URLs, where other programs read none. not_written: those
    that cannot get one, with the reason of the first.
    """

    written: int
    existing: int
    empty: int
    stored: int
    not_written: int = 0
    first_reason: str | None = None


@dataclass(frozen=True)
class DryRun:
    """What a rule would do. failure: why it cannot run; the counts are 0 then.

    matching: number of photos that match. changed: of those that it would change. examples: ids of
    photos that match, the newest first. copied: ids of the photos that it would copy into a folder.
    folders: how many files into which, below the one of the rule. in_place: photos that are there
    already. not_copied: those that cannot be copied, with the reason of the first. with_sidecars:
    ids of the photos outside the library for which it would write sidecars. stored: number of
    matching photos inside it, or at URLs.
    """

    rule: Rule
    matching: int = 0
    changed: int = 0
    actions: tuple[ActionPreview, ...] = ()
    examples: tuple[str, ...] = ()
    failure: str | None = None
    copied: tuple[str, ...] = ()
    folders: tuple[tuple[str, int], ...] = ()
    in_place: int = 0
    not_copied: int = 0
    first_reason: str | None = None
    with_sidecars: tuple[str, ...] = ()
    stored: int = 0
    sidecars: SidecarCounts | None = None


def dry_run(
    library: Library, rule_id: int, condition_of: ConditionOf, example_count: int
) -> DryRun:
    """Return what a rule would do; raises RuleNotFound."""
    with library.database.reader.begin() as connection:
        rule = read_rule(connection, rule_id)
        failure = failure_of(connection, rule, condition_of)
        if failure is not None:
            return DryRun(rule, failure=failure)
        numbers = matching_numbers(connection, rule, condition_of)
        matching = sorted(json.loads(numbers), reverse=True)

        def preview(action: Action) -> ActionPreview:
            count = count_changes(connection, rule.id, action, numbers)
            return ActionPreview(action_words(connection, [action]), count, action.kind)

        newest = json.dumps(matching[:example_count])
        examples = (
            select(photos.c.id)
            .where(photos.c.number.in_(numbers_in(newest)))
            .order_by(photos.c.number.desc())
        )
        copying = copy_action(rule.actions)
        copied = () if copying is None else changed_ids(connection, rule.id, copying, numbers)
        writing = sidecar_action(rule.actions)
        written = () if writing is None else changed_ids(connection, rule.id, writing, numbers)
        is_stored = (photos.c.number.in_(numbers_in(numbers)), photos.c.reference.is_(None))
        stored = select(func.count()).select_from(photos).where(*is_stored)
        return DryRun(
            rule,
            len(matching),
            count_changed_photos(connection, rule.id, rule.actions, numbers),
            tuple(map(preview, rule.actions)),
            tuple(connection.execute(examples).scalars()),
            copied=copied,
            with_sidecars=written,
            stored=0 if writing is None else connection.execute(stored).scalar_one(),
        )
