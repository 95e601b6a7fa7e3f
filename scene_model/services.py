"""The one factory: pages, API, command line and tests get their wired-up app here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scene_model.classifier.classify import Answers, Classifier
from scene_model.classifier.vocabulary import Vocabulary, vocabulary_of
from scene_model.config import Settings
from scene_model.export.archive import ArchiveEntry, stream_zip
from scene_model.export.table import table_row, write_csv
from scene_model.gallery.gallery import Gallery
from scene_model.gallery.store import Library
from scene_model.jobs.runner import JobRunner
from scene_model.photos.decode import PhotoLimits


@dataclass(frozen=True)
class Services:
    """Everything shared in one process."""

    settings: Settings
    classifier: Classifier
    vocabulary: Vocabulary
    library: Library
    jobs: JobRunner

    def gallery(self) -> Gallery:
        """Open a new session's gallery."""
        return Gallery(self.library, self.vocabulary)

    def answers(self, photo_id: str) -> Answers:
        """Ask every head about a kept photo, from its embedding; raises PhotoNotFound."""
        return self.classifier.answer(self.library.embedding(photo_id))

    def csv_lines(self, photo_ids: Sequence[str], with_bom: bool = False) -> Iterator[str]:
        """Yield the CSV of some photos, in the order given."""
        rows = (
            table_row(photo, self.answers(photo.id).objects)
            for photo in self.library.records(photo_ids)
        )
        return write_csv(rows, with_bom)

    def zip_by_class(self, photo_ids: Sequence[str]) -> Iterator[bytes]:
        """Yield a ZIP of some photos, one folder a class, with the CSV inside."""
        entries = (
            ArchiveEntry(
                folder=photo.photo_class,
                name=photo.name,
                path=self.library.original_location(photo.id, photo.format),
                added_at=photo.added_at,
            )
            for photo in self.library.records(photo_ids)
        )
        return stream_zip(entries, self.csv_lines(photo_ids))

    def close(self) -> None:
        """Finish what is being looked at and close the library."""
        self.jobs.close()
        self.library.close()


def open_classifier(settings: Settings) -> Classifier:
    """Open the classifier alone: what the command line needs to tag files where they lie."""
    limits = PhotoLimits(settings.max_file_bytes, settings.max_pixels)
    return Classifier.open(settings.bundle, limits, settings.workers)


def open_services(settings: Settings) -> Services:
    """Wire up the app and take up uploads that an earlier run did not finish.

    Raises BundleError or LibraryError.
    """
    classifier = open_classifier(settings)
    library = Library(settings.library)
    jobs = JobRunner(classifier, library, settings.workers)
    jobs.resume()
    return Services(settings, classifier, vocabulary_of(classifier.heads.values()), library, jobs)
