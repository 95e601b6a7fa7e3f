"""How each photo of a heap is filed: what the library knows of it, else what the model sees."""

import datetime
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.albums import PhotoFacts, albums_of, seen_tags
from scene_model.classifier.classify import Prediction
from scene_model.classifier.labels import HUMAN, NONE, UNSURE_CLASS
from scene_model.classifier.model import CurrentModel, Model
from scene_model.duplicates.hash_neighbours import write_hash_neighbours
from scene_model.errors import InternalError, SceneError, UnknownHead, UnreadableFile
from scene_model.export.sorting.layout import Destination
from scene_model.export.sorting.plan import ScannedPhoto
from scene_model.export.sorting.scan import Group, SkippedFile
from scene_model.jobs.in_order import in_order
from scene_model.library.predictions import predict_stored
from scene_model.library.records import NewPhoto, PhotoRecord, photo_facts
from scene_model.library.sort_order import NEWEST_ADDED
from scene_model.library.store import Library
from scene_model.photos.decode import read_photo_file
from scene_model.photos.hashes import content_hash, file_content_hash
from scene_model.search.query import parse_query
from scene_model.search.query_reader import QueryReader

BY_CLASS, BY_ALBUM = "class", "album"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Looked:
    """One photo's hashes; its filing, unless the library has to say it."""

    group: Group
    hashes: tuple[str, ...]
    filing: Destination | None


class Classification:
    """Files photos by class, by the labels of a head, or by album."""

    def __init__(
        self,
        model: Model,
        library: Library | None,
        by: str = BY_CLASS,
        query: str = "",
        workers: int = 1,
        with_album: bool = True,
    ) -> None:
        """Make one; raises UnknownHead for a ``by`` that is none, and QueryError.

        library: whose photos, known by their content, cost no look, and whose people's decisions
        count. query: only its photos are filed, known or not. with_album: False where no layout
        asks for it, which saves asking all the rules.
        """
        self._model, self._library, self._by, self._workers = model, library, by, workers
        self._with_album = with_album or by == BY_ALBUM
        if by not in (BY_CLASS, BY_ALBUM, *model.classifier.heads):
            heads = ", ".join(model.classifier.heads)
            raise UnknownHead(
                f"Photos are filed by class, by album, or by a head: not {by!r}. "
                f"The model has: {heads}."
            )
        self._query = query.strip()
        if self._query:  # what cannot be read is told before anything is looked at
            parse_query(self._query, model.vocabulary, model.albums, datetime.date.today())
        self._known: set[str] = set()
        if library is not None:
            self._known.update(library.ids_in_order(None, NEWEST_ADDED))
            self._known.update(library.find(trashed=True))

    def seen(
        self, found: Sequence[Group | SkippedFile], progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[ScannedPhoto | SkippedFile]:
        """Look at the photos, in parallel; yields those of the query, and what cannot be read.

        progress: hears how many are done. A photo that cannot be read stays, and with it what
        belongs to it.
        """
        matching = self._matching_known()
        with tempfile.TemporaryDirectory(prefix="scene-sort-") as folder:
            # Photos that no library knows are asked about in one that goes away with the answer.
            scratch = Library(Path(folder) / "library") if self._query else None
            try:
                yield from self._seen(found, progress, matching, scratch)
            finally:
                if scratch is not None:
                    scratch.close()

    def _seen(
        self,
        found: Sequence[Group | SkippedFile],
        progress: Callable[[int], None],
        matching: frozenset[str] | None,
        scratch: Library | None,
    ) -> Iterator[ScannedPhoto | SkippedFile]:
        known: list[_Looked] = []
        unknown: list[_Looked] = []
        looked = in_order(iter(found), lambda item: self._look(item, scratch), self._workers)
        for done, item in enumerate(looked, 1):
            progress(done)
            if isinstance(item, SkippedFile):
                yield item
            elif item.filing is None:
                if matching is None or item.hashes[0] in matching:
                    known.append(item)
            elif scratch is None:
                yield ScannedPhoto(item.group, item.hashes, item.filing)
            else:
                unknown.append(item)
            if len(known) == _BATCH:
                yield from self._from_library(known)
                known = []
        yield from self._from_library(known)
        if scratch is not None:
            wanted = self._matching(scratch)
            for item in unknown:
                if item.hashes[0] in wanted and item.filing is not None:
                    yield ScannedPhoto(item.group, item.hashes, item.filing)

    def _matching_known(self) -> frozenset[str] | None:
        if not self._query or self._library is None:
            return None
        return self._matching(self._library)

    def _matching(self, library: Library) -> frozenset[str]:
        reader = QueryReader(library, CurrentModel(self._model))
        return frozenset(library.find(reader.where(self._query, datetime.date.today())))

    def _look(self, item: Group | SkippedFile, scratch: Library | None) -> _Looked | SkippedFile:
        if isinstance(item, SkippedFile):
            return item
        path = Path(item.photo.path)
        try:
            data = read_photo_file(path, self._model.classifier.limits)
            hashes = (content_hash(data), *(_hash(one.path) for one in item.companions))
            if hashes[0] in self._known:
                return _Looked(item, hashes, None)
            look = self._model.classifier.predict(data)
            if scratch is not None:
                name = path.name.encode("utf-8", "replace").decode("utf-8")
                now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
                by = self._model.classifier.provenance
                scratch.add(NewPhoto(data, name, now), look, by, path, [write_hash_neighbours])
            return _Looked(item, hashes, self._filing_of_look(look))
        except SceneError as error:
            return SkippedFile(item.photo.path, error)
        except Exception as error:  # one bad item never fails the others
            unforeseen = InternalError(f"Unforeseen: {type(error).__name__}: {error}")
            return SkippedFile(item.photo.path, unforeseen)

    def _from_library(self, known: list[_Looked]) -> Iterator[ScannedPhoto | SkippedFile]:
        if not known or self._library is None:
            return
        ids = list(dict.fromkeys(item.hashes[0] for item in known))
        records = {record.id: record for record in self._library.records(ids)}
        for item in known:
            record = records.get(item.hashes[0])
            try:
                if record is None:
                    raise UnreadableFile("The library forgot it while it was sorted. Sort again.")
                yield ScannedPhoto(item.group, item.hashes, self._filing_of_record(record))
            except SceneError as error:
                yield SkippedFile(item.group.photo.path, error)

    def _filing_of_look(self, look: Prediction) -> Destination:
        taken, camera = look.metadata.taken_at, look.metadata.camera
        album = self._album(PhotoFacts(seen_tags(look.head_predictions), look.metadata))
        if self._by == BY_ALBUM:
            return Destination(album, "album rules", album, taken, camera)
        if self._by != BY_CLASS:
            answer = look.head_predictions.by_head[self._by]
            label, source = (UNSURE_CLASS, NONE) if answer.unsure else (answer.label, answer.head)
            return Destination(label, source, album, taken, camera)
        filed = look.head_predictions.photo_class
        return Destination(filed.label, filed.source, album, taken, camera)

    def _filing_of_record(self, record: PhotoRecord) -> Destination:
        album = self._album(photo_facts(record))
        if self._by == BY_ALBUM:
            label, source = album, "album rules"
        elif self._by == BY_CLASS:
            label, source = record.photo_class, record.class_source
        else:
            label, source = self._by_head(record)
        return Destination(label, source, album, record.taken_at, record.camera)

    def _by_head(self, record: PhotoRecord) -> tuple[str, str]:
        """A head's label for a known photo; a person's class, where the head has that label."""
        head = self._model.classifier.heads[self._by]
        if record.class_source == HUMAN and record.photo_class in head.labels.ids:
            return record.photo_class, HUMAN
        if record.class_head == head.id and record.bundle == self._model.classifier.bundle_id:
            label, unsure = record.class_head_label, record.unsure
        else:
            assert self._library is not None  # noqa: S101 - it gave the record
            kept = predict_stored(self._library, self._model.classifier, record.id)
            answer = kept.head_predictions.by_head[head.id]
            label, unsure = answer.label, answer.unsure
        return (UNSURE_CLASS, NONE) if unsure else (label, head.id)

    def _album(self, facts: PhotoFacts) -> str:
        if not self._with_album:
            return ""
        placements = albums_of(facts, self._model.albums)
        return placements[0].album if placements else UNSURE_CLASS


def _hash(path: str) -> str:
    try:
        return file_content_hash(Path(path))
    except OSError as error:
        raise UnreadableFile(
            f"What belongs to it cannot be read: {Path(path).name}: {error.strerror or error}."
        ) from error
