"""``library add|search|export|sidecars|keywords|verify|...``: manage a library from scripts.

This module parses the arguments; the others of this package run the commands.
"""

import argparse

from scene_model.cli.library import (
    dates,
    embed,
    photos,
    rebuild,
    reclassify,
    rules,
    stacks,
    tags,
    trips,
    upkeep,
)
from scene_model.cli.scan import path, path_or_url, positive, share
from scene_model.config import Settings
from scene_model.errors import PathNotFound
from scene_model.library.database.database_file import DATABASE_NAME, ORIGINALS, require_database
from scene_model.library.dates.doubtful import APPLIED
from scene_model.library.sort_order import BEST_MATCH, NEWEST_ADDED, SORTS
from scene_model.maintenance.database_check import damage_named

_COMMANDS = {
    "add": photos.add,
    "search": photos.search,
    "export": photos.export,
    "sidecars": tags.sidecars,
    "keywords": tags.keywords,
    "dataset": tags.dataset,
    "reclassify": reclassify.reclassify,
    "embed": embed.embed,
    "stats": upkeep.stats,
    "watched": upkeep.watched,
    "albums": photos.albums,
    "dates": dates.dates,
    "stacks": stacks.stacks,
    "trips": trips.trips,
    "rules": rules.rules,
    "verify": upkeep.verify_library,
    "backup": upkeep.backup,
    "restore": upkeep.restore,
    "rebuild": rebuild.rebuild,
}
# Commands that create the library if there is none; the others require one.
_CREATING = ("add", "restore")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their options."""
    commands = parser.add_subparsers(
        dest="library_command", required=True, parser_class=argparse.ArgumentParser
    )
    shared_options = argparse.ArgumentParser(add_help=False)
    shared_options.add_argument(
        "--library",
        type=path,
        metavar="DIR",
        help="library folder (default: SCENE_LIBRARY, or the user's data folder)",
    )
    output = shared_options.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON document")
    output.add_argument("--jsonl", action="store_true", help="print one JSON object per line")

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=summary, description=summary, parents=[shared_options]
        )

    add = command(
        "add", "tag photos and add them to the library; photos already in it are skipped quickly"
    )
    added = add.add_mutually_exclusive_group(required=True)
    added.add_argument(
        "paths",
        nargs="*",
        default=[],
        type=path_or_url,
        metavar="PATH|URL",
        help="photo, folder, archive (.zip, .tgz, .tar) or the parts of a Google Takeout; or the "
        "URL of a photo: s3://, gs://, az://, https://",
    )
    add.add_argument("--recursive", action="store_true", help="include subfolders")
    add.add_argument(
        "--reference", action="store_true", help="reference the files in place instead of copying"
    )
    added.add_argument(
        "--from-batch",
        metavar="OUT",
        help="add the photos of an output of `batch` by reference, with its embeddings: none is "
        "predicted again",
    )
    search = command("search", "list the photos that match a query")
    search.add_argument("query", metavar="QUERY", help="query, as on the Search page; '' for all")
    search.add_argument("--limit", type=positive, metavar="N", help="list at most N photos")
    export = command("export", "export the photos that match a query as CSV, JSON or ZIP")
    export.add_argument("query", nargs="?", default="", metavar="QUERY")
    for listing, default in ((search, BEST_MATCH), (export, NEWEST_ADDED)):
        listing.add_argument(
            "--sort",
            choices=list(map(str, (*SORTS, BEST_MATCH))),
            default=str(default),
            help=f"order; a minus reverses it: --sort=-taken (default: {default}); match: the "
            "best match for the words first, without words the newest; one of your albums has its "
            "own order",
        )
    target = export.add_mutually_exclusive_group()
    target.add_argument(
        "--csv", type=path, metavar="FILE", help="new CSV file; - for stdout (default)"
    )
    target.add_argument(
        "--records", type=path, metavar="FILE", help="new JSON file; .jsonl for one object per line"
    )
    target.add_argument("--zip", type=path, metavar="FILE", help="new ZIP file")
    export.add_argument(
        "--by",
        default="class",
        metavar="class|group|tag|trip|head:ID",
        help="folders of the ZIP (default: class)",
    )
    export.add_argument(
        "--bom", action="store_true", help="begin the CSV with a byte-order mark, for Excel"
    )
    export.add_argument(
        "--people", action="store_true", help="CSV with fewer columns and names, for people to read"
    )
    sidecars = command("sidecars", "write the tags of matching photos to XMP sidecars")
    sidecars.add_argument("query", nargs="?", default="", metavar="QUERY")
    sidecars.add_argument(
        "--into",
        type=path,
        metavar="DIR",
        help="folder for the sidecars, by class (default: beside referenced originals)",
    )
    sidecars.add_argument("--dates", action="store_true", help="write the dates of the photos, too")
    keywords = command("keywords", "import keywords (XMP, IPTC) and ratings of other programs")
    keywords.add_argument("paths", nargs="+", type=path, metavar="PATH", help="photo or folder")
    keywords.add_argument("--recursive", action="store_true", help="include subfolders")
    dataset = command("dataset", "write class folders for training, split into train and val")
    dataset.add_argument("folder", type=path, metavar="DIR", help="new folder")
    dataset.add_argument("query", nargs="?", default="", metavar="QUERY")
    dataset.add_argument(
        "--val",
        type=share,
        default=0.2,
        metavar="SHARE",
        help="share for validation (default: 0.2)",
    )
    reclassify = command(
        "reclassify", "re-tag photos that another model tagged; your own tags stay"
    )
    reclassify.add_argument("--dry-run", action="store_true", help="only print what would change")
    embed = command(
        "embed", "choose the model that finds photos by sentences, and compute its embeddings"
    )
    embed.add_argument(
        "--model",
        metavar="NAME",
        help="use a bundle with a text side for searches; none for no model (default: the one in "
        "use)",
    )
    embedding = embed.add_mutually_exclusive_group()
    embedding.add_argument(
        "--dry-run", action="store_true", help="only print what is missing, and its size on disk"
    )
    embedding.add_argument(
        "--remove",
        nargs="?",
        const="",
        metavar="NAME",
        help="remove the embeddings, which frees their disk space; NAME: those of another model, "
        "or of a network that --json lists",
    )
    command("albums", "list the albums with the number of their photos")
    command("trips", "list the trips with their days, places and photos")
    rules = command("rules", "list the standing rules, try one, or run them on all photos")
    action = rules.add_mutually_exclusive_group()
    action.add_argument(
        "--dry-run",
        metavar="NAME",
        help="print what a rule would do with all photos, and do nothing",
    )
    action.add_argument(
        "--run",
        dest="run_rule",
        nargs="?",
        const="",
        metavar="NAME",
        help="run a rule on all photos now; without a name, all active ones in their order",
    )
    action.add_argument("--undo", type=positive, metavar="RUN", help="undo a run, by its number")
    command("stacks", "list the photos that are joined in stacks: RAW and JPEG, Live Photos, edits")
    dates = command("dates", "list missing and doubtful dates, with the date to propose")
    dates.add_argument(
        "--apply", action="store_true", help="set the proposed dates that are sure enough"
    )
    dates.add_argument(
        "--min-confidence",
        type=share,
        default=APPLIED,
        metavar="SHARE",
        help=f"how sure a proposal must be for --apply (default: {APPLIED})",
    )
    dates.add_argument(
        "--shift",
        metavar="CAMERA=SHIFT",
        help="propose the dates of one camera so much later: 'Canon EOS 40D=+7h', =-365d, =+1h30m",
    )
    command("watched", "list the watched folders, and what was done with their files")
    command("stats", "count photos by class, and show the disk usage")
    verify = command("verify", "check every original, thumbnail and database row")
    verify.add_argument(
        "--repair",
        action="store_true",
        help="recreate thumbnails; move files of no photo to the library's trash folder",
    )
    verify.add_argument(
        "--fetch",
        action="store_true",
        help="also fetch the originals at URLs, and check them (default: they are only counted)",
    )
    backup = command("backup", "write the whole library to one new file; works while it is in use")
    backup.add_argument("file", type=path, metavar="FILE")
    backup.add_argument(
        "--with-references",
        action="store_true",
        help="include referenced originals outside the library, but none at URLs",
    )
    backup.add_argument(
        "--encrypt",
        action="store_true",
        help="encrypt it by a passphrase, which is asked for, or SCENE_BACKUP_PASSPHRASE",
    )
    restore = command("restore", "restore a library from a backup, into a new folder")
    restore.add_argument("file", type=path, metavar="FILE")
    restore.add_argument(
        "--accept-references",
        action="store_true",
        help="also when the backup refers to files and URLs outside it, which it then reads",
    )
    restore.add_argument(
        "--replace", action="store_true", help="move an existing folder aside, to DIR.before-DATE"
    )
    rebuild = command(
        "rebuild", "make a missing or damaged database again, from its copies and the originals"
    )
    rebuild.add_argument(
        "--without-copies",
        action="store_true",
        help="from the originals alone, without the automatic copies of the database",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Run one of the commands; returns the exit code."""
    if options.library is not None:
        settings = settings.model_copy(update={"library": options.library})
    folder = settings.library.expanduser()
    if options.library_command not in _CREATING:
        is_rebuilding = options.library_command == "rebuild"
        require_database(folder, is_rebuilding)
        if not (folder / (ORIGINALS if is_rebuilding else DATABASE_NAME)).exists():
            raise PathNotFound(
                f"There is no library in {folder}. Create one with `library add`, or name another "
                "folder with --library or SCENE_LIBRARY."
            )
    with damage_named(folder):
        return _COMMANDS[options.library_command](options, settings)
