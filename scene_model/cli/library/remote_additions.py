"""``library add URL`` and ``library add --from-batch OUT``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from scene_model.jobs.in_order import in_order
from scene_model.jobs.job import reported_error, skipped
from scene_model.scale.add_batch import AddedRow, BatchAdder
from scene_model.scale.add_url import add_url
from scene_model.scale.reading.fetcher import Fetcher
from scene_model.services import Services


@dataclass(frozen=True)
class RemoteAdditions:
    """Adds photos at URLs. added_at: ISO 8601 with offset."""

    services: Services
    added_at: str

    def urls(self, urls: Sequence[str], by_reference: bool) -> Iterator[AddedRow]:
        """Add photos by their URLs, in their order; raises NotForVisitors."""
        add = partial(self._added, fetcher=self._fetcher(), by_reference=by_reference)
        return in_order(iter(urls), add, self.services.settings.workers)

    def batch(self, out: str) -> Iterator[AddedRow]:
        """Add the photos of a batch; raises as `BatchAdder.add`, and NotForVisitors."""
        services = self.services
        adder = BatchAdder(services.library, services.classifier, self._fetcher(), self.added_at)
        return adder.add(out, services.settings.workers)

    def _added(self, url: str, fetcher: Fetcher, by_reference: bool) -> AddedRow:
        library, classifier = self.services.library, self.services.classifier
        try:
            added = add_url(library, classifier, fetcher, url, self.added_at, by_reference)
        except Exception as error:  # one bad item never fails the others
            return AddedRow(url, error=skipped(url, reported_error(error)))
        return AddedRow(url, added)

    def _fetcher(self) -> Fetcher:
        settings = self.services.settings
        settings.require_personal("add photos from URLs")
        return Fetcher(self.services.classifier.limits, settings.fetch_timeout_s)
