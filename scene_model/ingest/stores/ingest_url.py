"""Add a photo at a URL to the library, as a copy or by reference."""

from scene_model.classifier.classify import Classifier
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.ingest.stores.fetched_content import fetched_content
from scene_model.ingest.stores.urls import read_url
from scene_model.library.inventory import update_remote_url
from scene_model.library.records import Added, NewPhoto
from scene_model.library.remote_originals import FetchOriginal
from scene_model.library.store import Library
from scene_model.photos.content import most_bytes


def ingest_url(
    library: Library,
    classifier: Classifier,
    url: str,
    added_at: str,
    fetch: FetchOriginal,
    by_reference: bool = False,
) -> Added:
    """Fetch a photo and ingest it.

    added_at: ISO 8601 with offset. by_reference: the original stays at the URL; of a photo that has
    its original at another one, the URL is replaced. Raises PhotoError or LibraryError.
    """
    place, limits = read_url(url), classifier.limits
    max_bytes = most_bytes(place.name, limits)
    with fetched_content(library, fetch, url, limits, max_bytes) as content:
        remote_url = place.text if by_reference else None
        photo = NewPhoto(content, place.name, added_at, folder=place.folder, remote_url=remote_url)
        added = ingest_photo(library, classifier, photo)
    if added.was_known and by_reference:
        update_remote_url(library, added.id, place.text)
    return added
