"""``library embed``: the search model, and the embeddings that it needs."""

import argparse
import contextlib
import json
from dataclasses import asdict
from typing import Any

from scene_model.cli.terminal import ProgressLine, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED
from scene_model.jobs.job import Job, Progress
from scene_model.search_choice import SearchChoice, SearchState
from scene_model.services import Services, open_services

_POLL_S = 0.2
_NONE = "none"


def embed(options: argparse.Namespace, settings: Settings) -> int:
    """Choose the search model, compute or remove its embeddings; prints what there is then."""
    with contextlib.closing(open_services(settings, resume=False)) as services:
        choice = services.search_choice
        if options.model is not None:
            choice.use(None if options.model == _NONE else options.model)
        is_text = not (options.json or options.jsonl)
        freed_bytes, result = 0, None
        if options.remove is not None:
            freed_bytes = choice.remove(options.remove or None)
        else:
            state = choice.state()
            if is_text:
                print(_text(state), flush=True)
            is_missing = state is not None and state.embeddings and state.embeddings.missing
            if is_missing and not options.dry_run:
                result = _follow(services)
        _print(services, result, freed_bytes, is_text)
        services.copy_database()
    return EXIT_SOME_FAILED if result is not None and result.skipped else EXIT_DONE


def _follow(services: Services) -> Progress:
    job: Job = services.search_choice.start()
    with ProgressLine("photos") as progress:
        try:
            while not job.wait(_POLL_S):
                state = job.progress()
                progress.show(state.done, state.total, len(state.skipped))
        except KeyboardInterrupt:
            # What is stored stays; the next run does the remaining photos.
            services.search_choice.stop()
            job.wait()
            raise
    return job.progress()


def _print(services: Services, result: Progress | None, freed_bytes: int, is_text: bool) -> None:
    if not is_text:
        print(json.dumps(_record(services.search_choice, result, freed_bytes)))
        return
    for stored in services.search_choice.stored():
        if not stored.is_in_use:
            print(
                f"Not in use: {counted(stored.embedded, 'embedding')} of "
                f"{printable(stored.model or stored.network)}; --remove "
                f"{printable(stored.network)} removes them."
            )
    if freed_bytes:
        print(f"Removed; {freed_bytes:,} bytes are free.")
    if result is not None:
        for item in result.skipped:
            print(f"{printable(item.name)}\t{item.code}: {printable(item.message)}")
        print(f"{counted(result.done - len(result.skipped), 'photo')} embedded.")


def _text(state: SearchState | None) -> str:
    if state is None:
        return "No search model is in use. Choose one with --model NAME."
    if state.problem is not None:
        return f"The search model cannot be used: {printable(state.problem.message)}"
    title = printable(str(state.title))
    if state.embeddings is None:
        return f"Searches in your own words use {title} and the photos' own embeddings."
    embedded = f"{counted(state.embeddings.embedded, 'photo')} embedded"
    if not state.embeddings.missing:
        return f"Searches in your own words use {title}; {embedded}."
    return (
        f"Searches in your own words use {title}; {embedded}, {state.embeddings.missing:,} "
        f"missing, which take {state.embeddings.missing_bytes:,} bytes."
    )


def _record(choice: SearchChoice, result: Progress | None, freed_bytes: int) -> dict[str, Any]:
    """The command's JSON object."""
    state = choice.state()
    record: dict[str, Any] = {"model": None, "problem": None, "embeddings": None}
    if state is not None:
        record["model"] = state.name
        record["problem"] = state.problem and {
            "code": state.problem.code,
            "message": state.problem.message,
        }
        record["embeddings"] = state.embeddings and asdict(state.embeddings)
    skipped = () if result is None else result.skipped
    record["done"] = 0 if result is None else result.done - len(skipped)
    record["failed"] = [asdict(item) for item in skipped]
    record["stored"] = [asdict(stored) for stored in choice.stored()]
    return record | {"freed_bytes": freed_bytes}
