"""``library stacks``: list the photos that show as one: bursts, RAW and JPEG, edits and others."""

import argparse
import json
from typing import Any

from scene_model.cli.terminal import printable
from scene_model.config import Settings
from scene_model.duplicates.sequences import stack_sequences
from scene_model.duplicates.stacks import count_unstacked, stack_unstacked
from scene_model.errors import EXIT_DONE
from scene_model.library.stacks.stack_rows import Stack, all_stacks
from scene_model.library.store import Library


def stacks(options: argparse.Namespace, settings: Settings) -> int:
    """List the stacks, each with its photos; those that are not made yet are made now."""
    with Library(settings.library) as library:
        if count_unstacked(library):
            for _ in stack_unstacked(library):
                pass
        for _ in stack_sequences(library):
            pass
        all_of_them = all_stacks(library)
        if options.json:
            print(json.dumps([_record(stack) for stack in all_of_them]))
            return EXIT_DONE
        for stack in all_of_them:
            print(json.dumps(_record(stack)) if options.jsonl else _line(library, stack))
    return EXIT_DONE


def _record(stack: Stack) -> dict[str, Any]:
    return {"kind": str(stack.kind), "pick": stack.pick, "photo_ids": list(stack.photo_ids)}


def _line(library: Library, stack: Stack) -> str:
    names = [printable(photo.name) for photo in library.records(stack.photo_ids)]
    return "\t".join((str(stack.kind), stack.pick, ", ".join(names)))
