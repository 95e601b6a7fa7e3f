"""``models list|add|remove|use|measure``: the networks that tag and find photos."""

import argparse
import contextlib
import json
import sys
from typing import Any

from scene_model.classifier.catalogue import BundleEntry
from scene_model.cli.models import add, measure
from scene_model.cli.scan import path
from scene_model.cli.terminal import agrees, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, ModelRefused
from scene_model.model_choice import BundlesInUse, bundles_of
from scene_model.model_store.remove_model import removable, remove_model
from scene_model.services import open_services, read_bundles_in_use, read_stored_network

_SUMMARIES = {
    "list": "list the models",
    "add": "add a network of yours, or of Hugging Face, as a model",
    "remove": "remove a model that you added or fitted",
    "use": "tag new photos with another model, or find photos by it",
    "measure": "compare a model with the one in use, on photos that people decided about",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their options."""
    commands = parser.add_subparsers(
        dest="models_command", required=True, parser_class=argparse.ArgumentParser
    )

    def command(name: str) -> argparse.ArgumentParser:
        summary = _SUMMARIES[name]
        return commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )

    listing = command("list")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    add.add_arguments(command("add"))
    remove = command("remove")
    remove.add_argument("name", metavar="NAME", help="as `models list` shows it")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    use = command("use")
    use.add_argument("name", metavar="NAME", help="as `models list` shows it")
    use.add_argument(
        "--for",
        dest="purpose",
        choices=("tags", "search"),
        help="what for (default: tags, or search for a model that has no labels)",
    )
    measure.add_arguments(command("measure"))
    for of_library in (listing, remove, use):
        of_library.add_argument(
            "--library", metavar="DIR", type=path, help="the folder of the library that uses it"
        )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run one of the commands; `list` ends with 3 where a model cannot be used."""
    if getattr(options, "library", None) is not None:
        settings = settings.model_copy(update={"library": options.library})
    return _COMMANDS[options.models_command](options, settings)


def _list(options: argparse.Namespace, settings: Settings) -> int:
    in_use = read_bundles_in_use(settings)
    entries = bundles_of(settings)
    rows = [_row(entry, in_use) for entry in entries]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print(printable(_line(row)))
    for entry in entries:
        if entry.problem is not None:
            print(f"{entry.name}: {entry.problem.message}", file=sys.stderr)
    return EXIT_SOME_FAILED if any(entry.problem for entry in entries) else EXIT_DONE


def _row(entry: BundleEntry, in_use: BundlesInUse) -> dict[str, Any]:
    description = entry.description
    files = [path for path in entry.folder.iterdir() if path.is_file()]
    row: dict[str, Any] = {
        "name": entry.name,
        "in_use": [
            what
            for what, folder in (("tags", in_use.tags), ("search", in_use.search))
            if folder is not None and entry.folder.resolve() == folder.resolve()
        ],
        "bytes": sum(path.stat().st_size for path in files),
        "error": None,
    }
    if description is None:
        problem = entry.problem
        return row | {"error": problem and {"code": problem.code, "message": problem.message}}
    serves = [("tags", description.heads), ("search", description.text)]
    return row | {
        "id": description.id,
        "for": [what for what, part in serves if part],
        "engine": description.backbone.engine,
        "labels": {head.id: len(head.labels) for head in description.heads},
        "licence": description.licence,
        "added_from": description.training.get("added_from"),
    }


def _line(row: dict[str, Any]) -> str:
    mark = "* " if row["in_use"] else "  "
    if row["error"]:
        return f"{mark}{row['name']}  cannot be used"
    labels = ", ".join(f"{head} ({count:,})" for head, count in row["labels"].items())
    parts = [
        row["name"],
        " and ".join(row["for"]) + (f": {labels}" if labels else ""),
        row["engine"],
        f"{row['bytes'] / 1e6:,.1f} MB",
        row["licence"],
        *([f"in use for {' and '.join(row['in_use'])}"] if row["in_use"] else []),
    ]
    return mark + "  ".join(parts)


def _remove(options: argparse.Namespace, settings: Settings) -> int:
    in_use = read_bundles_in_use(settings)
    folders = [folder for folder in (in_use.tags, in_use.search) if folder is not None]
    folder = removable(options.name, settings, folders)
    if not (options.yes or agrees(f"Remove {printable(str(folder))}?")):
        raise ModelRefused(
            "Nothing was removed. Add --yes to remove without a question.",
            code="model_unconfirmed",
        )
    network = read_stored_network(settings, folder)
    remove_model(folder)
    print(f"removed {options.name}")
    if network is not None:
        print(
            "Its embeddings for searches stay in the library; "
            f"`library embed --remove {network}` removes them."
        )
    return EXIT_DONE


def _use(options: argparse.Namespace, settings: Settings) -> int:
    settings.require_personal("choose the model")
    purpose = options.purpose or _purpose(options.name, settings)
    with contextlib.closing(open_services(settings, resume=False)) as services:
        if purpose == "search":
            services.search_choice.use(options.name)
        else:
            services.model_choice.use_bundle(options.name)
        services.copy_database()
    if purpose == "search":
        print(
            f"{options.name} finds photos by your own words. `library embed` computes what it "
            "needs of the photos that are there. Restart the app if it is running."
        )
        return EXIT_DONE
    print(f"{options.name} tags new photos from now on. Restart the app if it is running.")
    if settings.names_a_bundle:
        print("SCENE_BUNDLE names another model, which takes precedence.", file=sys.stderr)
    return EXIT_DONE


def _purpose(name: str, settings: Settings) -> str:
    """Return what a model serves, tags first."""
    entry = next((entry for entry in bundles_of(settings) if entry.name == name), None)
    description = None if entry is None else entry.description
    return "search" if description is not None and not description.heads else "tags"


_COMMANDS = {
    "list": _list,
    "add": add.run,
    "remove": _remove,
    "use": _use,
    "measure": measure.run,
}
