"""Which model finds photos by sentences, and the embeddings that it needs.

The choice is stored with the library: a bundle with a text side, or none. Without a choice, the
bundle for tags serves where it has a text side: the photos' own embeddings are enough then. The
embeddings of another bundle's network are computed in the background, also for photos that come in
later, until a person stops or removes them.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_description import BUNDLE_FILE
from scene_model.classifier.catalogue import BundleEntry, list_bundles
from scene_model.classifier.classify import Classifier
from scene_model.classifier.encoder import ImageEncoder
from scene_model.classifier.model import CurrentModel, Model
from scene_model.classifier.text.search_model import SearchModel
from scene_model.config import Settings
from scene_model.errors import BundleError, BundleNotFound, NoSearchEmbeddings
from scene_model.ingest.embed_item import Embedder
from scene_model.ingest.runner import JobRunner
from scene_model.jobs.job import Job, JobKind
from scene_model.library.embeddings.backbone_embeddings import (
    Network,
    NetworkState,
    network_state,
    remove_embeddings,
    stored_networks,
)
from scene_model.library.embeddings.embedding_slots import SEARCH_FILE
from scene_model.library.store import Library
from scene_model.photos.content import Content

_CHOICE = "search_bundle"
_NO_BUNDLE = ""
# Whether embeddings are computed: set while a job runs and after it, unset by a person.
_EMBEDDING, _ON, _OFF = "search_embeddings", "on", "off"
_CHOOSE = "choose the model for searches"  # what visitors cannot do
_CANCEL_TIMEOUT_S = 60

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchState:
    """The search model of a library.

    name, title: of its bundle. is_automatic: nobody chose it. embeddings: None where the photos'
    own ones serve. is_on: whether missing ones are computed. problem: why the chosen bundle is not
    in use; then there is no title.
    """

    name: str
    title: str | None
    is_automatic: bool
    embeddings: NetworkState | None = None
    is_on: bool = False
    problem: BundleError | None = None


@dataclass(frozen=True)
class StoredEmbeddings:
    """Embeddings by one network beside the photos' own.

    network: the name of their file. model: a bundle with this network; None without one, as after
    `models remove`. embedded: photos. file_bytes: size of the file. is_own: photos' own embeddings
    are in it as well, so that it stays. is_in_use: the search model compares them.
    """

    network: str
    model: str | None
    embedded: int
    file_bytes: int
    is_own: bool
    is_in_use: bool


@dataclass(frozen=True)
class SearchChoice:
    """Changes the search model of one library, and its embeddings.

    Every change raises NotForVisitors on a shared server.
    """

    settings: Settings
    model: CurrentModel
    library: Library
    jobs: JobRunner

    def bundles(self) -> list[BundleEntry]:
        """List the bundles with a text side, sorted by name."""
        by_name: dict[str, BundleEntry] = {}
        for folder in self.settings.bundle_folders:
            for bundle in list_bundles(folder):
                by_name.setdefault(bundle.name, bundle)
        return [
            entry
            for _, entry in sorted(by_name.items())
            if entry.description is not None and entry.description.text is not None
        ]

    def state(self) -> SearchState | None:
        """Describe the search model in use; None without one."""
        name, model = self.library.choice(_CHOICE), self.model.search
        if model is None:
            _, problem = open_search(self.settings, self.library, self.model.classifier)
            return (
                None
                if problem is None
                else SearchState(name or "", None, not name, None, False, problem)
            )
        is_on = self.library.choice(_EMBEDDING) == _ON
        state = None
        if model.encode is not None:
            state = network_state(self.library, _network(model))
        return SearchState(model.name, model.title, name is None, state, is_on)

    def use(self, name: str | None) -> None:
        """Use a bundle for searches, also after a restart; None for none at all.

        Its embeddings are not computed before `start`, but photos that come in get theirs where no
        other photo lacks one. Those of the model before stay. Raises BundleError when the bundle
        cannot be used; nothing has changed then.
        """
        self.settings.require_personal(_CHOOSE)
        search = None
        if name is not None:
            search = _opened(self.settings, self.library, self.model.classifier, name)
            search.text.check()
        self._stop_job()
        file, is_complete = "", False
        if search is not None:
            file = _network(search).file
            is_complete = not network_state(self.library, _network(search)).missing
        self.library.choose(_EMBEDDING, _ON if is_complete else _OFF)
        self.library.choose(SEARCH_FILE, file)
        self.library.choose(_CHOICE, _NO_BUNDLE if name is None else name)
        self._swap(search)

    def start(self) -> Job:
        """Start the job that computes the missing embeddings, or return the running one.

        It also fetches originals at URLs. Photos that come in later get theirs without being asked
        for. Raises NoSearchEmbeddings without a model that needs them, LibraryFull.
        """
        self.settings.require_personal(_CHOOSE)
        model = self._needing()
        state = network_state(self.library, _network(model))
        self.library.require_space(state.missing_bytes)
        self.library.choose(_EMBEDDING, _ON)
        return self.jobs.embed(_embedder(model, may_fetch=True))

    def stop(self) -> None:
        """Cancel the job; what it has computed stays, and `start` goes on with the rest."""
        self.settings.require_personal(_CHOOSE)
        self.library.choose(_EMBEDDING, _OFF)
        for job in self.jobs.running(JobKind.EMBED):
            job.cancel()

    def stored(self) -> list[StoredEmbeddings]:
        """List the embeddings that are stored for searches, of all search models so far."""
        names: dict[str, str] = {}
        for entry in self.bundles():
            if (description := entry.description) is not None:
                size = description.backbone.embedding_size
                names.setdefault(Network(description.backbone_id, size).file, entry.name)
        stored = []
        for network, count in stored_networks(self.library).items():
            state = network_state(self.library, network)
            stored.append(
                StoredEmbeddings(
                    network.file,
                    names.get(network.file),
                    count,
                    state.file_bytes,
                    state.is_own,
                    network.file in self._files_in_use(),
                )
            )
        return stored

    def remove(self, name: str | None = None) -> int:
        """Remove the embeddings of the search model; returns the bytes freed.

        name: of a network or a model of `stored`, to remove those instead. A running job is
        cancelled first if it computes them. Raises NoSearchEmbeddings.
        """
        self.settings.require_personal(_CHOOSE)
        network = _network(self._needing()) if name is None else self._stored_network(name)
        if network.file in self._files_in_use():
            self.library.choose(_EMBEDDING, _OFF)
            self._stop_job()
        return remove_embeddings(self.library, network)

    def embed_new(self) -> Job | None:
        """Embed the photos that came in, if embeddings are computed; None if there is nothing.

        Photos that failed since the program started wait for its next start, or for `start`.
        """
        model = self.model.search
        if model is None or model.encode is None or self.library.choice(_EMBEDDING) != _ON:
            return None
        return self.jobs.embed_new(_embedder(model, may_fetch=False))

    def running(self) -> Job | None:
        """Return the job that computes embeddings; None without one."""
        return next(iter(self.jobs.running(JobKind.EMBED)), None)

    def _needing(self) -> SearchModel:
        model = self.model.search
        if model is None or model.encode is None:
            raise NoSearchEmbeddings(
                "No search model with embeddings of its own is in use. Choose one on the page "
                "Model, or with `library embed --model NAME`."
            )
        return model

    def _stored_network(self, name: str) -> Network:
        for stored in self.stored():
            if name in (stored.network, stored.model):
                return Network.of_file(stored.network)
        raise NoSearchEmbeddings(
            f"No embeddings of {name!r} are stored for searches. `library embed --json` lists "
            "those there are."
        )

    def _files_in_use(self) -> set[str | None]:
        model = self.model.search
        return {
            self.library.choice(SEARCH_FILE),
            None if model is None else _network(model).file,
        }

    def _stop_job(self) -> None:
        job = self.running()
        if job is not None:
            job.cancel()
            job.wait(_CANCEL_TIMEOUT_S)

    def _swap(self, search: SearchModel | None) -> None:
        model = self.model
        self.model.swap(Model(model.classifier, model.vocabulary, model.albums, search))


def chosen_search(library: Library) -> str | None:
    """Return the name of the bundle that was chosen for searches; "" for none at all."""
    return library.choice(_CHOICE)


def open_search(
    settings: Settings, library: Library | None, classifier: Classifier
) -> tuple[SearchModel | None, BundleError | None]:
    """Open the search model of a library, or of no library; and why it cannot be used, if so.

    The text side of the model for tags is loaded for the first sentence: most who start the app
    write none at once.
    """
    name = None if library is None or settings.is_shared else library.choice(_CHOICE)
    try:
        if library is None or name is None or name == classifier.bundle_dir.name:
            if name is None and classifier.bundle.text is None:
                return None, None
            return SearchModel.of(classifier.bundle_dir.name, classifier.encoder.opened, None), None
        if name == _NO_BUNDLE:
            return None, None
        return _opened(settings, library, classifier, name), None
    except BundleError as error:
        logger.warning("the search model cannot be used: %s", error.message)
        return None, error


def _opened(settings: Settings, library: Library, classifier: Classifier, name: str) -> SearchModel:
    """Open a bundle for searches by its name; a name is never a path. Raises BundleError."""
    if name in ("", ".", "..") or Path(name).name != name:
        raise BundleNotFound(f"No model bundle is called {name!r}.")
    folders = [folder / name for folder in settings.bundle_folders]
    folder = next((f for f in folders if (f / BUNDLE_FILE).is_file()), folders[0])
    bundle = open_bundle(folder)
    if bundle.description.backbone_id == classifier.bundle.backbone_id:
        return SearchModel.of(name, bundle, None).check()
    return SearchModel.of(name, bundle, _lazy_encode(bundle, settings, library)).check()


def _network(model: SearchModel) -> Network:
    return Network(model.backbone, model.size)


def _embedder(model: SearchModel, may_fetch: bool) -> Embedder:
    assert model.encode is not None  # noqa: S101 - the callers checked it
    return Embedder(_network(model), model.encode, may_fetch)


def _lazy_encode(
    bundle: Bundle, settings: Settings, library: Library
) -> Callable[[Content], FloatArray]:
    """Return a function that embeds photos; the network is read when it is first called."""
    opened: list[ImageEncoder] = []
    opening = threading.Lock()

    def encode(content: Content) -> FloatArray:
        with opening:
            if not opened:
                decoders = library.decoders
                opened.append(ImageEncoder(bundle, decoders.limits, settings.workers, decoders))
        return opened[0].encode(content)

    return encode
