"""List the model bundles in a folder, to choose from."""

from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.bundle_description import BUNDLE_FILE, BundleDescription
from scene_model.errors import BundleError

# A page lists the bundles at every click, and to hash their files can take seconds.
_Stamp = tuple[tuple[str, int, int], ...]  # name, mtime and size of each file


@dataclass(frozen=True)
class BundleEntry:
    """One folder that holds a bundle.json.

    description: its content; None when the bundle cannot be used, and then ``problem`` says why.
    """

    folder: Path
    description: BundleDescription | None
    problem: BundleError | None

    @property
    def name(self) -> str:
        """The folder's name, which identifies the bundle: two copies of one bundle differ by it."""
        return self.folder.name


# The usable bundles, as they were when they were opened.
_OPENED: dict[Path, tuple[_Stamp, BundleEntry]] = {}


def list_bundles(folder: Path) -> list[BundleEntry]:
    """Open and check every bundle directly inside a folder, sorted by name; never raises.

    A bundle whose files have not changed since it was found usable is not opened again.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    return [_checked(path) for path in inside if (path / BUNDLE_FILE).is_file()]


def _checked(folder: Path) -> BundleEntry:
    stamp = _stamp(folder)
    opened = _OPENED.get(folder)
    if opened is not None and opened[0] == stamp:
        return opened[1]
    try:
        entry = BundleEntry(folder, open_bundle(folder).description, None)
    except BundleError as error:
        return BundleEntry(folder, None, error)
    if stamp is not None:
        _OPENED[folder] = stamp, entry
    return entry


def _stamp(folder: Path) -> _Stamp | None:
    """Return what changes when a file does; None while files are being removed."""
    try:
        stats = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return None
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
