"""Wire up the app: the one factory that pages, API, command line and tests use."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scene_model.album_rule_choice import AlbumRuleChoice, model_of
from scene_model.classifier.bundle_description import read_description
from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.config import Settings
from scene_model.errors import BundleError, SceneError
from scene_model.export.exports import Exports
from scene_model.export.sorting.classification import Classification
from scene_model.export.sorting.layout import Layout
from scene_model.export.sorting.transaction import Follow
from scene_model.gallery import Gallery
from scene_model.ingest.inbox.inboxes import Inboxes
from scene_model.ingest.quota import NO_QUOTA, Quota, no_quota
from scene_model.ingest.runner import JobRunner
from scene_model.ingest.sequence_thread import (
    SequenceThread,
    join_old_photos,
    stack_new_sequences,
)
from scene_model.ingest.uploads import Uploads
from scene_model.ingest.watch.card_offers import CardOffers
from scene_model.ingest.watch.watches import Watches
from scene_model.jobs.workers import WorkerPools
from scene_model.library.database.database_file import DATABASE_NAME, require_database
from scene_model.library.embeddings.backbone_embeddings import Network, stored_networks
from scene_model.library.empty import EmptyLibrary
from scene_model.library.files.remote_originals import FetchOriginal
from scene_model.library.inventory import (
    MovedFile,
    move_reference_from_url,
    move_reference_to_url,
    update_references,
)
from scene_model.library.sort_order import BEST_MATCH, Sort
from scene_model.library.store import Library
from scene_model.library.trash import finish_emptying
from scene_model.maintenance.daily_copy import DailyCopies
from scene_model.maintenance.restore import unfinished_restores
from scene_model.model_choice import BundlesInUse, ModelChoice, bundles_in_use, open_chosen
from scene_model.model_files import open_bundle, open_classifier, open_decoders
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.places.gazetteer import Gazetteer
from scene_model.rules.rule_runner import RuleRunner
from scene_model.scale.reading.url_fetcher import UrlFetcher
from scene_model.scale.store_sort.stored_file import FollowToStore, StoredFile
from scene_model.search_choice import SearchChoice, open_search
from scene_model.trips.trip_updates import TripUpdates

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Common:
    """What the libraries of several visitors share: one model in memory, one set of threads."""

    model: CurrentModel
    worker_pools: WorkerPools
    decoders: Decoders
    gazetteer: Gazetteer


@dataclass(frozen=True)
class Services:
    """Everything that pages, API and command line need for one library.

    model: the holder of the model in use. trips: updates places and trips in the background, then
    runs the rules on photos that came in. problem: why the model chosen for this library is not in
    use, if so. quota: the limit on what the library may hold. owner: who takes turns with others,
    if not the library. sequences: stacks those of photos that an earlier run added; None for a
    visitor's library. copies: makes automatic copies of the database; None for a visitor's library.
    owns_decoders: whether `close` ends the library's decoders.
    """

    settings: Settings
    model: CurrentModel
    library: Library
    jobs: JobRunner
    trips: TripUpdates
    rules: RuleRunner
    problem: BundleError | None = None
    quota: Quota = NO_QUOTA
    owner: str = ""
    sequences: SequenceThread | None = None
    copies: DailyCopies | None = None
    owns_decoders: bool = False

    @cached_property
    def uploads(self) -> Uploads:
        """Uploads sent file by file."""
        return Uploads(self.jobs, self.library, self.classifier.limits, self.quota)

    @cached_property
    def watches(self) -> Watches:
        """Watched folders; only for a library in personal mode."""
        self.settings.require_personal("watch folders of the server's disk")
        return Watches(self.library, self.jobs)

    @cached_property
    def inboxes(self) -> Inboxes:
        """What apps send by WebDAV; only for a library in personal mode."""
        self.settings.require_personal("receive files by WebDAV")
        return Inboxes(self.library, self.jobs, self.classifier.limits)

    @cached_property
    def cards(self) -> CardOffers:
        """New photos on memory cards; only for a library in personal mode."""
        self.settings.require_personal("read the drives of the server")
        return CardOffers(self.library)

    @property
    def queue_owner(self) -> str:
        """The name under which requests wait for their turn."""
        return self.owner or str(self.library.folder)

    @property
    def model_choice(self) -> ModelChoice:
        """Changes of the model in use."""
        return ModelChoice(self.settings, self.model, self.library, self.jobs)

    @property
    def search_choice(self) -> SearchChoice:
        """Changes of the model that finds photos by sentences."""
        return SearchChoice(self.settings, self.model, self.library, self.jobs)

    @property
    def album_rules(self) -> AlbumRuleChoice:
        """Changes of the rules of the albums."""
        return AlbumRuleChoice(self.settings, self.model, self.library)

    @property
    def exports(self) -> Exports:
        """Tables and archives of photos."""
        return Exports(self.library, self.model)

    @property
    def classifier(self) -> Classifier:
        """The classifier in use."""
        return self.model.classifier

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the model in use."""
        return self.model.vocabulary

    def gallery(self, sort: Sort = BEST_MATCH) -> Gallery:
        """Open a new session's gallery, in an order."""
        return Gallery(self.library, self.model, sort=sort)

    def classification(self, by: str, query: str, layout: Layout | None = None) -> Classification:
        """Open the classification of source photos for sorting; layout: see `Classification`.

        Raises UnknownHead, QueryError, or NotForVisitors on a shared server.
        """
        self.settings.require_personal("sort folders on the server's disk")
        model = Model(self.classifier, self.vocabulary, self.model.albums)
        workers = self.settings.workers
        return Classification(model, self.library, by, query, workers, layout)

    def arrange_new(self) -> None:
        """Stack the sequences of photos that came in; places, trips and rules follow soon after."""
        _arrange_new(self.library, self.trips)

    def copy_database(self) -> None:
        """Copy the database if a copy is due, for a command that changed the library."""
        if self.copies is not None:
            self.copies.copy_if_due()

    def close(self) -> None:
        """Finish the photos in work and close the library."""
        if not self.settings.is_shared:
            self.cards.close()
            self.watches.close()
            self.inboxes.close()
        self.jobs.close()
        if self.sequences is not None:
            self.sequences.close()
        self.trips.close()
        if self.copies is not None:
            self.copies.close()
        self.library.close()
        if self.owns_decoders:
            self.library.decoders.close()


def _arrange_new(library: Library, trips: TripUpdates) -> None:
    stack_new_sequences(library)
    trips.request()


def _tell_of_unfinished_restores(folder: Path) -> None:
    """Log what killed restores left; it may be all that is restored, so nothing is removed here."""
    for path in unfinished_restores(folder):
        logger.warning(
            "%s was left by a restore that did not finish. Restore the backup again, which removes "
            "it, or remove it.",
            path,
        )


@contextlib.contextmanager
def open_classification(
    settings: Settings, by: str, query: str, layout: Layout | None = None
) -> Iterator[Classification]:
    """Open the classification of source photos: the model, and the library if it exists.

    layout: see `Classification`. Raises BundleError, LibraryError, UnknownHead, QueryError or
    InvalidSetting.
    """
    with _existing_library(settings) as library:
        if library is None:
            classifier = open_classifier(settings, open_decoders(settings))
        else:
            classifier = open_chosen(settings, library)[0]
        model = model_of(settings, classifier, library)
        workers = settings.workers
        yield Classification(model, library, by, query, workers, layout)


@contextlib.contextmanager
def open_comparison(
    settings: Settings, folder: Path
) -> Iterator[tuple[Classifier, Classifier, Library | None]]:
    """Open the model in use, another one in a folder, and the library if it exists.

    The model in use has its own heads: retrained ones were made from the decisions that they would
    be compared with. Raises BundleError or LibraryError.
    """
    with _existing_library(settings) as library:
        if library is None:
            decoders = open_decoders(settings)
            current = open_classifier(settings, decoders)
        else:
            decoders = library.decoders
            current = open_chosen(settings, library)[0]
        yield current.shipped, open_bundle(folder, settings, decoders), library


def read_bundles_in_use(settings: Settings) -> BundlesInUse:
    """Return the bundles that the settings' library uses, which need not exist yet."""
    with _existing_library(settings) as library:
        return bundles_in_use(settings, library)


def read_stored_network(settings: Settings, bundle_dir: Path) -> str | None:
    """Return the embedding file of a bundle's network, if the library has rows of it for searches.

    None also for a bundle that cannot be read.
    """
    try:
        description = read_description(bundle_dir)
    except BundleError:
        return None
    network = Network(description.backbone_id, description.backbone.embedding_size)
    with _existing_library(settings) as library:
        is_stored = library is not None and network in stored_networks(library)
    return network.file if is_stored else None


def follow_into(settings: Settings) -> Follow:
    """Return a callback that updates the library's references to moved files, if it exists."""

    def update(moved: Sequence[MovedFile]) -> None:
        with _existing_library(settings) as library:
            if library is not None:
                update_references(library, moved)

    return update


def follow_to_store(settings: Settings) -> FollowToStore:
    """Return a callback that updates the library's references to files moved to or from a store."""

    def update(moved: Sequence[StoredFile]) -> None:
        with _existing_library(settings) as library:
            if library is None:
                return
            for file in moved:
                if file.is_stored:
                    move_reference_to_url(library, file.sha256, file.path, file.url)
                else:
                    move_reference_from_url(library, file.sha256, file.url, file.path)

    return update


def open_common(settings: Settings) -> Common:
    """Open what the libraries of a shared server have in common; raises as `open_services`."""
    decoders = open_decoders(settings)
    classifier = open_bundle(settings.bundle, settings, decoders)
    search, _ = open_search(settings, None, classifier)
    model = CurrentModel(Model.of(classifier, settings.albums, search))
    return Common(model, WorkerPools(settings.workers), decoders, Gazetteer.open())


def original_fetcher(settings: Settings) -> FetchOriginal | None:
    """Return what fetches originals from URLs; None on a shared server.

    Its visitors must not be able to make the server connect to addresses of their choosing.
    """
    return None if settings.is_shared else UrlFetcher(settings.fetch_timeout_s)


def open_services(
    settings: Settings,
    resume: bool = True,
    common: Common | None = None,
    quota: Callable[[Library], Quota] = no_quota,
    decoders: Decoders | None = None,
    is_rebuilding: bool = False,
) -> Services:
    """Wire up the app, and resume what an earlier run did not finish: uploads, emptying the trash.

    In personal mode, it also watches the library's watched folders, and for memory cards.

    resume: False leaves unfinished work to another process. common: shared with other libraries;
    its model is used then. Otherwise the model is the one of `open_chosen`. decoders: None for
    those of ``common``, or new ones. is_rebuilding: see `Library`. Raises BundleError,
    LibraryError, or InvalidSetting for album rules that cannot be used.
    """
    owns_decoders = decoders is None and common is None
    if decoders is None:
        decoders = open_decoders(settings) if common is None else common.decoders
    library = Library(
        settings.library,
        decoders=decoders,
        is_rebuilding=is_rebuilding,
        gazetteer=None if common is None else common.gazetteer,
        fetch=original_fetcher(settings),
    )
    try:
        if common is not None:
            model, problem = common.model, None
        else:
            classifier, problem = open_chosen(settings, library)
            search, _ = open_search(settings, library, classifier)
            model = CurrentModel(model_of(settings, classifier, library, search))
    except SceneError:
        library.close()
        raise
    limit = quota(library)
    pools = None if common is None else common.worker_pools
    rules = RuleRunner(library, model, require_personal=settings.require_personal)
    # After places and trips, which queries of rules may name.
    trips = TripUpdates(library, after_update=rules.run_new)

    def embed_new() -> None:
        SearchChoice(settings, model, library, jobs).embed_new()

    def arrange_new() -> None:
        _arrange_new(library, trips)
        embed_new()

    jobs = JobRunner(settings, model, library, pools, limit, arrange_new, embed_new)
    if resume:
        _tell_of_unfinished_restores(library.folder)
        finish_emptying(library)
        if common is not None:  # a visitor's library is small, and has no thread for it
            join_old_photos(library, threading.Event())
        jobs.resume()
        embed_new()
        trips.request()
    # Visitors' libraries are removed after hours, and their bytes are limited.
    copies = None if common else DailyCopies(library.folder, settings.database_copies)
    sequences = None if common else SequenceThread(library)
    services = Services(
        settings,
        model,
        library,
        jobs,
        trips,
        rules,
        problem,
        limit,
        sequences=sequences,
        copies=copies,
        owns_decoders=owns_decoders,
    )
    if sequences is not None and resume:
        sequences.start()
    if copies is not None and resume:
        copies.start()
        if not settings.is_shared:
            services.watches.start()
            services.cards.start()
    return services


def services_of_empty(settings: Settings, library: EmptyLibrary, common: Common) -> Services:
    """Wire up an empty library, which several visitors read."""
    jobs = JobRunner(settings, common.model, library, common.worker_pools)
    rules = RuleRunner(library, common.model, require_personal=settings.require_personal)
    return Services(settings, common.model, library, jobs, TripUpdates(library), rules)


@contextlib.contextmanager
def _existing_library(settings: Settings) -> Iterator[Library | None]:
    folder = settings.library.expanduser()
    require_database(folder)
    if not (folder / DATABASE_NAME).is_file():
        yield None
        return
    with Library(folder, decoders=open_decoders(settings)) as library:
        yield library
