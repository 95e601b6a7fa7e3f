"""The one factory: pages, API, command line and tests get their wired-up app here."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from threadpoolctl import threadpool_limits

from scene_model.classifier.albums import Placement, albums_of
from scene_model.classifier.bundle import BUNDLE_FILE
from scene_model.classifier.catalogue import BundleEntry, list_bundles
from scene_model.classifier.classify import Classifier, HeadPredictions
from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.config import Settings
from scene_model.errors import BundleError, BundleNotFound, NotForVisitors, SceneError
from scene_model.export.exports import Exports
from scene_model.export.sorting.classification import Classification
from scene_model.export.sorting.transaction import Follow
from scene_model.gallery import Gallery
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.ingest.quota import NO_QUOTA, Quota, no_quota
from scene_model.ingest.runner import JobRunner
from scene_model.ingest.uploads import Uploads
from scene_model.jobs.job import Job, JobKind
from scene_model.jobs.workers import WorkerPools
from scene_model.learning.personal_heads import (
    HeadCandidates,
    delete_personal_heads,
    learn_corrections,
    save_personal_heads,
    with_personal_heads,
)
from scene_model.learning.retag_preview import RetagPreview, retag_preview
from scene_model.learning.thresholds import (
    ThresholdChange,
    Thresholds,
    save_thresholds,
    with_thresholds,
)
from scene_model.library.inventory import MovedFile, update_references
from scene_model.library.predictions import predict_stored
from scene_model.library.records import Added, NewPhoto, PhotoRecord, photo_facts
from scene_model.library.sort_order import NEWEST_ADDED, Sort
from scene_model.library.store import Library
from scene_model.library.trash import finish_emptying
from scene_model.photos.decode import PhotoLimits, read_photo_file
from scene_model.search.similar import Similar, similar_to_photo, similar_to_picture

_BUNDLE_CHOICE = "bundle"
# The photos that are being looked at come to their end; none takes so long.
_CANCEL_TIMEOUT_S = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Common:
    """What the libraries of several visitors share: one model in memory, one set of threads."""

    model: CurrentModel
    worker_pools: WorkerPools


@dataclass(frozen=True)
class Services:
    """Everything that pages, API and command line need for one library.

    model: holds the model in use. problem: why the model that was chosen for this library is
    not in use, if so. quota: how much the library may hold.
    """

    settings: Settings
    model: CurrentModel
    library: Library
    jobs: JobRunner
    problem: BundleError | None = None
    quota: Quota = NO_QUOTA

    @cached_property
    def uploads(self) -> Uploads:
        """Files on their way here, one by one."""
        return Uploads(self.jobs, self.library, self.classifier.limits, self.quota)

    @property
    def exports(self) -> Exports:
        """Photos on their way out: tables and archives."""
        return Exports(self.library, self.model)

    @property
    def classifier(self) -> Classifier:
        """The classifier in use."""
        return self.model.classifier

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of the model in use."""
        return self.model.vocabulary

    def gallery(self, sort: Sort = NEWEST_ADDED) -> Gallery:
        """Open a new session's gallery, in an order."""
        return Gallery(self.library, self.model, sort=sort)

    def bundles(self) -> list[BundleEntry]:
        """The model bundles there are to choose from, sorted by name.

        Of two with one name the first of `Settings.bundle_folders` counts.
        """
        by_name: dict[str, BundleEntry] = {}
        for folder in self.settings.bundle_folders:
            for bundle in list_bundles(folder):
                by_name.setdefault(bundle.name, bundle)
        return [by_name[name] for name in sorted(by_name)]

    def use_bundle(self, name: str) -> None:
        """Tag with another of `bundles` from now on, and after a restart.

        What is tagged already keeps its tags until `JobRunner.retag`. Raises BundleError when
        it cannot be used and JobRunning while photos are being tagged; nothing has changed then.
        """
        self.require_personal("choose the model")
        folder = _bundle_dir(self.settings, name)
        classifier = _open(folder, self.settings)
        with self.jobs.none_running():
            self.library.choose(_BUNDLE_CHOICE, name)
            self._use(_as_people_chose(self.library, classifier))

    def learn_corrections(self) -> HeadCandidates:
        """Retrain the model's heads on what people corrected; raises as `learn_corrections`."""
        self.require_personal("retrain the model that all of them use")
        return learn_corrections(self.library, self.classifier.shipped)

    def use_corrections(self, candidate: HeadCandidates | None) -> Job:
        """Tag with retrained heads from now on, and all photos again; None: with the shipped ones.

        What people decided stays; tagging again that is still at work ends first. Raises JobRunning
        while photos are added.
        """
        self.require_personal("retrain the model that all of them use")
        for job in self.jobs.running(JobKind.RETAG):
            job.cancel()
            job.wait(_CANCEL_TIMEOUT_S)
        shipped = self.classifier.shipped
        with self.jobs.none_running():
            if candidate is None:
                delete_personal_heads(self.library)
            else:
                save_personal_heads(self.library, shipped, candidate)
            self._use(_as_people_chose(self.library, shipped))
        return self.jobs.retag()

    def use_thresholds(self, chosen: Thresholds) -> ThresholdChange:
        """Believe the class head from other thresholds on, for photos kept and to come; by label.

        Raises JobRunning while photos are being tagged, and as `save_thresholds` does.
        """
        self.require_personal("change what the model is sure of")
        with self.jobs.none_running():
            changed = save_thresholds(self.library, self.classifier, chosen)
            self._use(with_thresholds(self.library, self.classifier))
        return changed

    def _use(self, classifier: Classifier) -> None:
        self.model.swap(Model.of(classifier, self.settings.albums))

    def predict_stored(self, photo_id: str) -> HeadPredictions:
        """Ask the model in use about a kept photo; raises as `predict_stored` does."""
        return predict_stored(self.library, self.classifier, photo_id).head_predictions

    def similar_photos(self, photo_id: str, limit: int = 60) -> list[Similar]:
        """The photos most like one of the library; raises as `similar_to_photo` does."""
        return similar_to_photo(self.library, self.classifier, photo_id, limit)

    def similar_to_picture(self, data: bytes, limit: int = 60) -> list[Similar]:
        """The photos most like a picture that is not kept; raises PhotoError."""
        return similar_to_picture(self.library, self.classifier, data, limit)

    def albums(self, photo: PhotoRecord) -> list[Placement]:
        """Tell which albums a photo belongs in, and why."""
        return albums_of(photo_facts(photo), self.model.albums)

    def keep_file(self, path: Path, added_at: str, by_reference: bool = False) -> Added:
        """Tag a file and keep it in the library, as an upload is; a known photo costs no look.

        added_at: ISO 8601 with offset. by_reference: leave the original where it is instead of
        copying it. Raises PhotoError or LibraryError.
        """
        data = read_photo_file(path, self.classifier.limits)
        name = path.name.encode("utf-8", "replace").decode("utf-8")
        reference = path.absolute() if by_reference else None
        photo = NewPhoto(data, name, added_at)
        return ingest_photo(self.library, self.classifier, photo, reference)

    def retag_preview(self) -> RetagPreview:
        """Tell how many photos `JobRunner.retag` would change."""
        return retag_preview(self.library, self.classifier)

    def require_personal(self, what: str) -> None:
        """Raise NotForVisitors on a shared server; what: the thing not to be done there."""
        if self.settings.is_shared:
            raise NotForVisitors(
                f"Visitors of a shared server cannot {what}; whoever runs the server can."
            )

    def submit_folder(self, paths: Sequence[Path], by_reference: bool) -> Job:
        """Add files of this computer where they lie; raises NotForVisitors."""
        self.require_personal("add files of the server's own disk")
        return self.jobs.submit_paths(paths, by_reference)

    def classification(self, by: str, query: str, with_album: bool = True) -> Classification:
        """What files the photos of a heap; raises UnknownHead, QueryError or NotForVisitors."""
        self.require_personal("sort folders of the server's own disk")
        model = Model(self.classifier, self.vocabulary, self.model.albums)
        return Classification(model, self.library, by, query, self.settings.workers, with_album)

    def follow(self, moved: Sequence[MovedFile]) -> None:
        """Tell the library where files it refers to lie now; raises LibraryError."""
        update_references(self.library, moved)

    def close(self) -> None:
        """Finish what is being looked at and close the library."""
        self.jobs.close()
        self.library.close()


def open_classifier(settings: Settings) -> Classifier:
    """Open the classifier alone: what the command line needs to tag files where they lie."""
    return _open(settings.bundle, settings, check=False)


@contextlib.contextmanager
def open_classification(
    settings: Settings, by: str, query: str, with_album: bool = True
) -> Iterator[Classification]:
    """Open what files the photos of a heap: the model, and the library if there is one.

    Raises BundleError, LibraryError, UnknownHead, QueryError or InvalidSetting.
    """
    with _library_if_there(settings) as library:
        if library is None:
            classifier = open_classifier(settings)
        else:
            classifier = _as_people_chose(library, _chosen_classifier(settings, library)[0])
        model = Model.of(classifier, settings.albums)
        yield Classification(model, library, by, query, settings.workers, with_album)


def follow_into(settings: Settings) -> Follow:
    """Tell the library, if there is one, where the files it refers to lie now."""

    def tell(moved: Sequence[MovedFile]) -> None:
        with _library_if_there(settings) as library:
            if library is not None:
                update_references(library, moved)

    return tell


def open_common(settings: Settings) -> Common:
    """Open what the libraries of a shared server have in common; raises as `open_services`."""
    classifier = _open(settings.bundle, settings)
    return Common(
        CurrentModel(Model.of(classifier, settings.albums)), WorkerPools(settings.workers)
    )


def open_services(
    settings: Settings,
    resume_batch: bool = True,
    common: Common | None = None,
    quota: Callable[[Library], Quota] = no_quota,
) -> Services:
    """Wire up the app, and take up what an earlier run did not finish: uploads, emptying the trash.

    resume_batch: False leaves that to another program. common: what is shared with other libraries.
    The model is the one SCENE_BUNDLE names; else the one chosen for this library; else, also
    where that one cannot be used any more, the program's own. Raises BundleError, LibraryError, or
    InvalidSetting for album rules that cannot be used.
    """
    library = Library(settings.library)
    try:
        if common is not None:
            model, problem = common.model, None
        else:
            classifier, problem = _chosen_classifier(settings, library)
            classifier = _as_people_chose(library, classifier)
            model = CurrentModel(Model.of(classifier, settings.albums))
    except SceneError:
        library.close()
        raise
    jobs = JobRunner(model, library, settings.workers if common is None else common.worker_pools)
    if resume_batch:
        finish_emptying(library)
        jobs.resume()
    return Services(settings, model, library, jobs, problem, quota(library))


def _as_people_chose(library: Library, classifier: Classifier) -> Classifier:
    """The classifier with what people corrected, and with the thresholds they chose."""
    return with_thresholds(library, with_personal_heads(library, classifier))


@contextlib.contextmanager
def _library_if_there(settings: Settings) -> Iterator[Library | None]:
    if not (settings.library.expanduser() / "library.db").is_file():
        yield None
        return
    with Library(settings.library) as library:
        yield library


def _chosen_classifier(
    settings: Settings, library: Library
) -> tuple[Classifier, BundleError | None]:
    name = library.choice(_BUNDLE_CHOICE)
    if settings.names_a_bundle or name is None:
        return open_classifier(settings), None
    try:
        return _open(_bundle_dir(settings, name), settings), None
    except BundleError as error:
        logger.warning("the model chosen for this library cannot be used: %s", error.message)
        return open_classifier(settings), error


def _bundle_dir(settings: Settings, name: str) -> Path:
    """The folder of a bundle by its name; a name is never a path."""
    if name in ("", ".", "..") or Path(name).name != name:
        raise BundleNotFound(f"No model bundle is called {name!r}.")
    folders = [folder / name for folder in settings.bundle_folders]
    return next((folder for folder in folders if (folder / BUNDLE_FILE).is_file()), folders[0])


def _open(folder: Path, settings: Settings, check: bool = True) -> Classifier:
    # Each of our threads has a photo of its own. Matrix products in threads of their own would only
    # take the processor from them: they wait for one another by spinning.
    threadpool_limits(1, "blas")
    limits = PhotoLimits(settings.max_file_bytes, settings.max_pixels)
    classifier = Classifier.open(folder, limits, settings.workers)
    if check:
        classifier.check()
    return classifier
