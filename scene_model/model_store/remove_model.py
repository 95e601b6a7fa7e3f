"""Remove a model that was added or fitted, never one in use or one of the program's own."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from scene_model.classifier.bundle_description import BUNDLE_FILE
from scene_model.config import DEFAULT_BUNDLE_DIR, Settings
from scene_model.errors import BundleNotFound, ModelKept, ModelRefused
from scene_model.model_store.add_model import SCRATCH_PREFIX, store_lock


def removable(name: str, settings: Settings, in_use: Collection[Path]) -> Path:
    """Return the folder of a model that may be removed; in_use: those that the library uses.

    Raises BundleNotFound, ModelKept, or NotForVisitors on a shared server.
    """
    settings.require_personal("remove models")
    bundles = settings.bundles.expanduser()
    folder = bundles / name
    if Path(name).name != name or not (folder / BUNDLE_FILE).is_file():
        raise BundleNotFound(
            f"There is no model {name!r} of your own. `models list` shows those there are."
        )
    if folder.resolve() == DEFAULT_BUNDLE_DIR.resolve():
        raise ModelKept(f"{name} belongs to the program and cannot be removed.")
    if folder.resolve() in [path.resolve() for path in (*in_use, settings.bundle)]:
        raise ModelKept(
            f"{name} is in use. Choose another model first: `models use NAME`; for searches "
            "`library embed --model NAME`, or none. SCENE_BUNDLE may name it, too."
        )
    return folder


def remove_model(folder: Path) -> None:
    """Remove a model's folder: at once for others, whatever happens meanwhile.

    Raises ModelRefused while another process changes the folder of bundles, or when it may not be
    written.
    """
    with store_lock(folder.parent):
        # The next change removes what is left of it.
        leaving = folder.with_name(f"{SCRATCH_PREFIX}{os.getpid()}-{folder.name}")
        try:
            folder.rename(leaving)
        except OSError as error:
            raise ModelRefused(
                f"{folder} cannot be removed: {error.strerror}. Close the programs that use it."
            ) from error
        shutil.rmtree(leaving, ignore_errors=True)
