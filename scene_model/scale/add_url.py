"""Add a photo at a URL to the library, as a copy or by reference."""

from scene_model.classifier.classify import Classifier
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.library.inventory import update_remote_url
from scene_model.library.records import Added, NewPhoto
from scene_model.library.store import Library
from scene_model.scale.items import SourceItem
from scene_model.scale.reading.fetcher import Fetcher
from scene_model.scale.reading.urls import read_url


def add_url(
    library: Library,
    classifier: Classifier,
    fetcher: Fetcher,
    url: str,
    added_at: str,
    by_reference: bool = False,
) -> Added:
    """Fetch a photo and ingest it.

    added_at: ISO 8601 with offset. by_reference: the original stays at the URL; of a photo that has
    its original at another one, the URL is replaced. Raises PhotoError or LibraryError.
    """
    place = read_url(url)
    with fetcher.fetched(SourceItem(place.text)) as fetched:
        remote_url = place.text if by_reference else None
        name, folder = place.name, place.folder
        photo = NewPhoto(fetched.content, name, added_at, folder=folder, remote_url=remote_url)
        added = ingest_photo(library, classifier, photo)
    if added.was_known and by_reference:
        update_remote_url(library, added.id, place.text)
    return added
