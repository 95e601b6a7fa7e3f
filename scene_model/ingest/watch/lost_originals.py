"""Referenced originals of a watched folder that are gone, or were replaced by other contents."""

from collections.abc import Collection
from pathlib import Path

from scene_model.ingest.watch.folder_files import UnreadableFolders
from scene_model.ingest.watch.ledger import Ledger
from scene_model.library.inventory import referenced_below
from scene_model.library.store import Library


def lost_originals(
    library: Library,
    folder: Path,
    ledger: Ledger,
    present: Collection[str],
    unreadable: UnreadableFolders,
) -> list[str]:
    """Return the paths of originals that a scan did not find, or found changed, sorted.

    present: the paths of the scan. Files that only have names a scan leaves out are checked one by
    one: `library add --reference` takes them too.
    """
    lost = set[str]()
    for photo_id, reference in referenced_below(library, folder):
        path = str(reference)
        if path in present:
            handled = ledger.get(path)
            if handled is not None and handled.photo_id not in (None, photo_id):
                lost.add(path)
        elif not unreadable.covers(path) and not reference.exists():
            lost.add(path)
    return sorted(lost)
