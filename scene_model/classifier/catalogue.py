"""List the model bundles in a folder, to choose from."""

from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.bundle_description import BUNDLE_FILE, BundleDescription
from scene_model.errors import BundleError


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


def list_bundles(folder: Path) -> list[BundleEntry]:
    """Open and check every bundle directly inside a folder, sorted by name; never raises."""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    return [_checked(path) for path in inside if (path / BUNDLE_FILE).is_file()]


def _checked(folder: Path) -> BundleEntry:
    try:
        return BundleEntry(folder, open_bundle(folder).description, None)
    except BundleError as error:
        return BundleEntry(folder, None, error)
