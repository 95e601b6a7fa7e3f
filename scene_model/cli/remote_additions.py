"""``library add URL`` and ``library add --from-batch OUT``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from scene_model.ingest.stores.ingest_url import ingest_url
from scene_model.ingest.stores.url_fetcher import UrlFetcher
from scene_model.jobs.in_order import in_order
from scene_model.jobs.job import reported_error, skipped
from scene_model.library.remote_originals import FetchOriginal
from scene_model.scale.add_batch import AddedRow, BatchAdder
from scene_model.services import Services


@dataclass(frozen=True)
class RemoteAdditions:
    """Adds photos at URLs. added_at: ISO 8601 with offset."""

    services: Services
    added_at: str

    def urls(self, urls: Sequence[str], by_reference: bool) -> Iterator[AddedRow]:
        """Add photos by their URLs, in their order; raises NotForVisitors."""
        add = partial(self._added, fetch=self._fetch(), by_reference=by_reference)
        return in_order(iter(urls), add, self.services.settings.workers)

    def batch(self, out: str) -> Iterator[AddedRow]:
        """Add the photos of a batch; raises as `BatchAdder.add`, and NotForVisitors."""
        services = self.services
        adder = BatchAdder(services.library, services.classifier, self._fetch(), self.added_at)
        return adder.add(out, services.settings.workers)

    def _added(self, url: str, fetch: FetchOriginal, by_reference: bool) -> AddedRow:
        library, classifier = self.services.library, self.services.classifier
        try:
            return AddedRow(
                url, ingest_url(library, classifier, url, self.added_at, fetch, by_reference)
            )
        except Exception as error:  # one bad item never fails the others
            return AddedRow(url, error=skipped(url, reported_error(error)))

    def _fetch(self) -> FetchOriginal:
        self.services.settings.require_personal("add photos from URLs")
        return UrlFetcher()
