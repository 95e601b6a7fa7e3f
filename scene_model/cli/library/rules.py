"""``library rules``: list the standing rules, try one, run them on all photos, undo a run."""

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from scene_model.cli.terminal import counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.library.rules.dry_run import DryRun, SidecarCounts
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import Rule, all_rules
from scene_model.library.rules.run_rows import (
    RuleRun,
    copies_in_words,
    count_by_rule,
    sidecars_in_words,
)
from scene_model.library.store import Library
from scene_model.rules.undo import undo_with_files
from scene_model.services import open_services


def rules(options: argparse.Namespace, settings: Settings) -> int:
    """List the rules in their order, or try, run or undo them."""
    if options.dry_run is not None:
        return _try(options, settings)
    if options.run_rule is not None:
        return _run(options, settings)
    with Library(settings.library) as library:
        if options.undo is not None:
            return _undo(library, options.undo)
        photo_counts = count_by_rule(library)
        listed = all_rules(library)
    records = [_rule_record(rule, photo_counts.get(rule.id, 0)) for rule in listed]
    lines = [_rule_line(rule, photo_counts.get(rule.id, 0)) for rule in listed]
    _print(options, records, lines)
    return EXIT_DONE


def _undo(library: Library, run_id: int) -> int:
    undone = undo_with_files(library, run_id)
    parts = [f"{counted(undone.photo_count, 'photo')} changed back"]
    if undone.run.copy_state is not None:
        parts.append(f"{counted(undone.copy_count, 'copy', 'copies')} removed")
    if undone.run.sidecar_state is not None:
        parts.append(f"{counted(undone.sidecar_count, 'sidecar')} removed")
    print(", ".join(parts), file=sys.stderr)
    notes = [note for note in (undone.run.copy_note, undone.run.sidecar_note) if note]
    for note in notes:
        print(printable(note), file=sys.stderr)
    return EXIT_SOME_FAILED if notes else EXIT_DONE


def _try(options: argparse.Namespace, settings: Settings) -> int:
    with contextlib.closing(open_services(settings, resume=False)) as services:
        shown = services.rules.dry_run(services.rules.find(options.dry_run).id)
    record, lines = _dry_run_record(shown), _dry_run_lines(shown)
    if options.json or options.jsonl:
        print(json.dumps(record))
    else:
        print("\n".join(lines))
    return EXIT_DONE if shown.failure is None else EXIT_SOME_FAILED


def _run(options: argparse.Namespace, settings: Settings) -> int:
    with contextlib.closing(open_services(settings, resume=False)) as services:
        before = all_rules(services.library)
        chosen = [services.rules.find(options.run_rule)] if options.run_rule else None
        runs = services.rules.run_all(None if chosen is None else [rule.id for rule in chosen])
        tried = {rule.id for rule in chosen or before if chosen or rule.is_active}
        paused = [
            rule
            for rule in all_rules(services.library)
            if rule.id in tried and rule.pause_reason is not None
        ]
        if runs:
            services.copy_database()
    _print(options, list(map(_run_record, runs)), list(map(_run_line, runs)))
    for rule in paused:
        print(f"{printable(rule.name)} is paused: {rule.pause_reason}", file=sys.stderr)
    has_notes = any(run.copy_note or run.sidecar_note for run in runs)
    return EXIT_SOME_FAILED if paused or has_notes else EXIT_DONE


def _print(
    options: argparse.Namespace, records: Sequence[dict[str, Any]], lines: Sequence[str]
) -> None:
    if options.json:
        print(json.dumps(records))
        return
    for line in map(json.dumps, records) if options.jsonl else lines:
        print(line)


def _rule_record(rule: Rule, photo_count: int) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "query": rule.query,
        "actions": list(map(_action_record, rule.actions)),
        "does": rule.words,
        "active": rule.is_active,
        "pause_reason": rule.pause_reason,
        "photos": photo_count,
    }


def _action_record(action: Action) -> dict[str, str]:
    record = {"kind": str(action.kind), "value": action.value}
    return record | ({"layout": action.layout} if action.kind is ActionKind.COPY else {})


def _rule_line(rule: Rule, photo_count: int) -> str:
    state = "active" if rule.is_active else "paused"
    because = f": {printable(rule.pause_reason)}" if rule.pause_reason else ""
    parts = (rule.name, rule.query, rule.words)
    return "\t".join((*map(printable, parts), counted(photo_count, "photo"), state + because))


def _dry_run_record(shown: DryRun) -> dict[str, Any]:
    return {
        "name": shown.rule.name,
        "query": shown.rule.query,
        "matching": shown.matching,
        "changed": shown.changed,
        "actions": [
            {
                "does": action.words,
                "changed": action.count.changed,
                "left_to_people": action.count.by_person,
                "left_to_rules": action.count.by_rules,
            }
            for action in shown.actions
        ],
        "folders": dict(shown.folders),
        "in_place": shown.in_place,
        "not_copied": shown.not_copied,
        "sidecars": None if shown.sidecars is None else _sidecar_record(shown.sidecars),
        "examples": list(shown.examples),
        "failure": shown.failure,
    }


def _sidecar_record(counts: SidecarCounts) -> dict[str, int]:
    return {
        "written": counts.written,
        "existing": counts.existing,
        "empty": counts.empty,
        "stored": counts.stored,
        "not_written": counts.not_written,
    }


def _dry_run_lines(shown: DryRun) -> list[str]:
    if shown.failure is not None:
        return [f"The rule cannot run. {printable(shown.failure)}"]
    verb = "matches" if shown.matching == 1 else "match"
    photos = counted(shown.matching, "photo")
    matching = f"{photos} {verb}; the rule would change {shown.changed:,}."
    return [
        matching,
        *(
            f"{printable(action.words)}\t{counted(action.count.changed, 'photo')}"
            for action in shown.actions
        ),
        *(f"{printable(folder)}\t{counted(count, 'file')}" for folder, count in shown.folders),
        *([f"already there\t{counted(shown.in_place, 'file')}"] if shown.in_place else []),
        *([printable(shown.first_reason)] if shown.first_reason else []),
        *(_sidecar_lines(shown.sidecars) if shown.sidecars else []),
    ]


def _sidecar_lines(counts: SidecarCounts) -> list[str]:
    lines = {
        "sidecars that would be written": counts.written,
        "photos that have a sidecar already; it stays": counts.existing,
        "photos without tags to write": counts.empty,
        "photos in the library or at URLs, where no sidecars are written": counts.stored,
        "photos whose sidecars cannot be written": counts.not_written,
    }
    reason = [printable(counts.first_reason)] if counts.first_reason else []
    return [f"{words}\t{count:,}" for words, count in lines.items() if count] + reason


def _run_record(run: RuleRun) -> dict[str, Any]:
    copies = {"state": run.copy_state, "count": run.copy_count, "note": run.copy_note}
    sidecars = {"state": run.sidecar_state, "count": run.sidecar_count, "note": run.sidecar_note}
    return {
        "id": run.id,
        "rule": run.rule_name,
        "does": run.words,
        "photos": run.photo_count,
        "copies": None if run.copy_state is None else copies,
        "sidecars": None if run.sidecar_state is None else sidecars,
    }


def _run_line(run: RuleRun) -> str:
    count = counted(run.photo_count, "photo")
    files = [words for words in (copies_in_words(run), sidecars_in_words(run)) if words]
    return "\t".join((str(run.id), *map(printable, (run.rule_name, run.words, count, *files))))
