"""Which model a library uses: its bundle, its retrained heads and its thresholds.

The choices are stored with the library. A change is refused while photos are being tagged, so
that no job uses two models, and to the visitors of a shared server, who share one model.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.album_rule_choice import model_of
from scene_model.classifier.bundle_description import BUNDLE_FILE
from scene_model.classifier.catalogue import BundleEntry, list_bundles
from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel
from scene_model.classifier.text.search_model import SearchModel
from scene_model.config import Settings
from scene_model.errors import BundleError, BundleNotFound
from scene_model.ingest.runner import JobRunner
from scene_model.jobs.job import Job, JobKind
from scene_model.learning.personal_heads import (
    HeadCandidates,
    delete_personal_heads,
    learn_corrections,
    save_personal_heads,
    with_personal_heads,
)
from scene_model.learning.thresholds import (
    ThresholdChange,
    Thresholds,
    save_thresholds,
    with_thresholds,
)
from scene_model.library.store import Library
from scene_model.model_files import open_bundle, open_classifier
from scene_model.search_choice import chosen_search, open_search

_BUNDLE_CHOICE = "bundle"
_RETRAIN = "retrain the model that all of them use"  # what visitors cannot do
# Cancelling waits for the photos in work; none takes that long.
_CANCEL_TIMEOUT_S = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelChoice:
    """Changes the model of one library, and stores the choice.

    Every change raises NotForVisitors on a shared server.
    """

    settings: Settings
    model: CurrentModel
    library: Library
    jobs: JobRunner

    def bundles(self) -> list[BundleEntry]:
        """List the bundles that can be chosen, see `bundles_of`."""
        return bundles_of(self.settings)

    def use_bundle(self, name: str) -> None:
        """Use another of `bundles` for new photos, also after a restart.

        Photos already tagged keep their tags until `JobRunner.retag`. Raises BundleError when
        the bundle cannot be used and JobRunning while photos are being tagged; nothing has
        changed then.
        """
        self.settings.require_personal("choose the model")
        classifier = open_bundle(
            bundle_folder(self.settings, name), self.settings, self.library.decoders
        )
        search, _ = open_search(self.settings, self.library, classifier)
        with self.jobs.none_running():
            self.library.choose(_BUNDLE_CHOICE, name)
            self._swap(with_library_choices(self.library, classifier), search)

    def learn_corrections(self) -> HeadCandidates:
        """Retrain the shipped heads for `use_corrections`; raises TooFewExamples."""
        self.settings.require_personal(_RETRAIN)
        return learn_corrections(self.library, self.model.classifier.shipped)

    def use_corrections(self, candidate: HeadCandidates | None) -> Job:
        """Use retrained heads, or the shipped ones for None, and start a retag of all photos.

        What people decided stays. A running retag is cancelled first. Raises JobRunning while
        photos are being added.
        """
        self.settings.require_personal(_RETRAIN)
        retags: Sequence[Job] = self.jobs.running(JobKind.RETAG)
        for job in retags:
            job.cancel()
            job.wait(_CANCEL_TIMEOUT_S)
        shipped = self.model.classifier.shipped
        with self.jobs.none_running():
            if candidate is None:
                delete_personal_heads(self.library)
            else:
                save_personal_heads(self.library, shipped, candidate)
            self._swap(with_library_choices(self.library, shipped), self.model.search)
        return self.jobs.retag()

    def use_thresholds(self, chosen: Thresholds) -> ThresholdChange:
        """Use other thresholds of the class head, by label, for stored and for new photos.

        Raises JobRunning while photos are being tagged, and as `save_thresholds` does.
        """
        self.settings.require_personal("change what the model is sure of")
        classifier = self.model.classifier
        with self.jobs.none_running():
            change = save_thresholds(self.library, classifier, chosen)
            self._swap(with_thresholds(self.library, classifier), self.model.search)
        return change

    def _swap(self, classifier: Classifier, search: SearchModel | None) -> None:
        self.model.swap(model_of(self.settings, classifier, self.library, search))


def bundles_of(settings: Settings) -> list[BundleEntry]:
    """List the bundles that can be chosen, sorted by name.

    Of two with the same name, the first of `Settings.bundle_folders` counts.
    """
    by_name: dict[str, BundleEntry] = {}
    for folder in settings.bundle_folders:
        for bundle in list_bundles(folder):
            by_name.setdefault(bundle.name, bundle)
    return [by_name[name] for name in sorted(by_name)]


def open_chosen(settings: Settings, library: Library) -> tuple[Classifier, BundleError | None]:
    """Open the bundle chosen for a library, with its retrained heads and thresholds.

    A bundle named by SCENE_BUNDLE takes precedence. Where the chosen one cannot be used, the
    configured one is opened and the error is returned. Raises BundleError when that fails, too.
    """
    name, problem = library.choice(_BUNDLE_CHOICE), None
    if settings.names_a_bundle or name is None:
        classifier = open_classifier(settings, library.decoders)
    else:
        try:
            classifier = open_bundle(bundle_folder(settings, name), settings, library.decoders)
        except BundleError as error:
            logger.warning("the model chosen for this library cannot be used: %s", error.message)
            classifier, problem = open_classifier(settings, library.decoders), error
    return with_library_choices(library, classifier), problem


@dataclass(frozen=True)
class BundlesInUse:
    """The folders of the bundles that a library uses. search: None where none was chosen."""

    tags: Path
    search: Path | None


def bundles_in_use(settings: Settings, library: Library | None) -> BundlesInUse:
    """Return the bundles of the settings, or those that were chosen for the library."""
    name = None if library is None or settings.names_a_bundle else library.choice(_BUNDLE_CHOICE)
    tags = settings.bundle if name is None else bundle_folder(settings, name)
    search = None if library is None else chosen_search(library)
    return BundlesInUse(tags, bundle_folder(settings, search) if search else None)


def with_library_choices(library: Library, classifier: Classifier) -> Classifier:
    """Return the classifier with a library's retrained heads and thresholds."""
    return with_thresholds(library, with_personal_heads(library, classifier))


def named_bundle(settings: Settings, name: str) -> Path:
    """Return the folder of a bundle by its name or, where a person typed a path, by that.

    Raises BundleNotFound.
    """
    if Path(name).name != name and (Path(name).expanduser() / BUNDLE_FILE).is_file():
        return Path(name).expanduser()
    folder = bundle_folder(settings, name)
    if not (folder / BUNDLE_FILE).is_file():
        raise BundleNotFound(
            f"No model is called {name!r}. `scene-gallery models list` lists those there are."
        )
    return folder


def bundle_folder(settings: Settings, name: str) -> Path:
    """Return the folder of a bundle by its name; a name is never a path."""
    if name in ("", ".", "..") or Path(name).name != name:
        raise BundleNotFound(f"No model bundle is called {name!r}.")
    folders = [folder / name for folder in settings.bundle_folders]
    return next((folder for folder in folders if (folder / BUNDLE_FILE).is_file()), folders[0])
