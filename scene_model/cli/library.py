"""``library add|search|export|sidecars|keywords|verify|...``: the library in scripts.

This file has the arguments; `library_photos`, `library_tags` and `library_upkeep` do the work.
"""

import argparse

from scene_model.cli import library_photos, library_tags, library_upkeep
from scene_model.cli.scan import path, positive, share
from scene_model.config import Settings
from scene_model.errors import PathNotFound
from scene_model.library.sort_order import NEWEST_ADDED, SORTS

_COMMANDS = {
    "add": library_photos.add,
    "search": library_photos.search,
    "export": library_photos.export,
    "sidecars": library_tags.sidecars,
    "keywords": library_tags.keywords,
    "dataset": library_tags.dataset,
    "reclassify": library_photos.reclassify,
    "stats": library_upkeep.stats,
    "verify": library_upkeep.verify_library,
    "backup": library_upkeep.backup,
    "restore": library_upkeep.restore,
}
# They begin a library where there is none; the others want one.
_BEGINNERS = ("add", "restore")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their options."""
    commands = parser.add_subparsers(dest="library_command", required=True)
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument(
        "--library",
        type=path,
        metavar="DIR",
        help="folder of the library (default: SCENE_LIBRARY, or the user's data folder)",
    )
    form = every.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--jsonl", action="store_true", help="print one JSON object a line")

    def command(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=what, parents=[every])

    adding = command("add", "tag photos and keep them in the library; known ones cost nothing")
    adding.add_argument("paths", nargs="+", type=path, metavar="PATH", help="photo or folder")
    adding.add_argument("--recursive", action="store_true", help="go into folders of folders")
    adding.add_argument(
        "--reference", action="store_true", help="leave the files where they are; copy nothing"
    )
    searching = command("search", "list the photos of a query")
    searching.add_argument("query", metavar="QUERY", help="as on the search page; '' for all")
    searching.add_argument("--limit", type=positive, metavar="N", help="at most so many photos")
    exporting = command(
        "export", "write the photos of a query as CSV or JSON, or as a ZIP by class"
    )
    exporting.add_argument("query", nargs="?", default="", metavar="QUERY")
    for listing in (searching, exporting):
        listing.add_argument(
            "--sort",
            choices=list(map(str, SORTS)),
            default=str(NEWEST_ADDED),
            help=f"order; with a minus the last first: --sort=-taken (default: {NEWEST_ADDED})",
        )
    target = exporting.add_mutually_exclusive_group()
    target.add_argument("--csv", type=path, metavar="FILE", help="new file; - prints (default)")
    target.add_argument(
        "--records", type=path, metavar="FILE", help="new file of JSON: .jsonl for an object a line"
    )
    target.add_argument("--zip", type=path, metavar="FILE", help="new file")
    exporting.add_argument(
        "--bom", action="store_true", help="mark the CSV as UTF-8, which Excel wants"
    )
    writing = command("sidecars", "write the tags of a query's photos into XMP sidecars")
    writing.add_argument("query", nargs="?", default="", metavar="QUERY")
    writing.add_argument(
        "--into",
        type=path,
        metavar="DIR",
        help="folder for them, by class (default: beside originals that stay where they are)",
    )
    reading = command("keywords", "take keywords of other programs (XMP, IPTC) for your tags")
    reading.add_argument("paths", nargs="+", type=path, metavar="PATH", help="photo or folder")
    reading.add_argument("--recursive", action="store_true", help="go into folders of folders")
    training = command("dataset", "write class folders for training, split into train and val")
    training.add_argument("folder", type=path, metavar="DIR", help="a new folder")
    training.add_argument("query", nargs="?", default="", metavar="QUERY")
    training.add_argument(
        "--val", type=share, default=0.2, metavar="SHARE", help="part held back (default: 0.2)"
    )
    again = command("reclassify", "tag again what another model tagged; people's word stays")
    again.add_argument("--dry-run", action="store_true", help="only say what would change")
    command("stats", "count photos by class, and what they take on the disk")
    checking = command("verify", "check every original, thumbnail and row")
    checking.add_argument(
        "--repair",
        action="store_true",
        help="make thumbnails anew; move what belongs to no photo to the library's trash folder",
    )
    saving = command("backup", "write the whole library into one new file, also while it is in use")
    saving.add_argument("file", type=path, metavar="FILE")
    saving.add_argument(
        "--with-references", action="store_true", help="copy originals outside the library too"
    )
    restoring = command("restore", "bring a library back from a backup, into a new folder")
    restoring.add_argument("file", type=path, metavar="FILE")
    restoring.add_argument(
        "--replace", action="store_true", help="move what is there aside, to DIR.before-DATE"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run one of the commands; returns the exit code."""
    if options.library is not None:
        settings = settings.model_copy(update={"library": options.library})
    folder = settings.library.expanduser()
    if options.library_command not in _BEGINNERS and not (folder / "library.db").is_file():
        raise PathNotFound(
            f"There is no library in {folder}. `library add` begins one; --library or "
            "SCENE_LIBRARY names another folder."
        )
    return _COMMANDS[options.library_command](options, settings)
