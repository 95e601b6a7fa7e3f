"""Contract: chip, search, export preview, ZIP and statistics count the same photos for a tag."""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import delete, insert, update

from scene_model.classifier.labels import TAUGHT
from scene_model.learning.taught_tags import fit_tag, save_taught_tag
from scene_model.library import edits
from scene_model.library.database.schema import automatic_tags, photos
from scene_model.library.stacks.stack_edits import stack_photos_of
from scene_model.services import Services
from scene_model.statistics import insights
from scene_model.statistics.tag_counts import count_selected_tags
from scene_model.statistics.totals import library_statistics
from tests.pictures import encode, striped, textured

Add = Callable[[list[tuple[str, bytes]]], list[str]]

STRIPED, SMOOTH, EXAMPLES = 7, 24, 6
# Number of photos that show each label, as `tagged` makes them.
SHOWN = {
    "stripes": 6,  # taught: 6 examples, one of them rejected, and one that the tag found
    "sea": 4,  # class head 3, tag head 2, on one photo both
    "beach": 3,  # tag head 4, one of them rejected
    "Journey": 3,  # added by a person: once to a photo that also has it from the class head
    "Grandma": 1,  # class head of another model
    "roof": 1,  # tag head of another model
    "vehicle": 2,  # added by a person; also the name of a kind
    "dusk": 1,  # added by a person; also another name of a label
}
# Labels that only a search finds, and photos where a search finds a shown label beside those.
NOT_SHOWN = {"dog": 2, "temple": 1, "tractor": 1, "sunset": 1}
FOUND_BESIDE = {"beach": 1}


@pytest.fixture
def tagged(services: Services, add_photos: Add) -> Services:
    """A library with a taught tag, and tags of every other origin."""
    ids = add_photos(
        [(f"striped_{i:02d}.jpg", striped(i)) for i in range(STRIPED)]
        + [(f"smooth_{i:02d}.jpg", encode(textured(160, 120, seed=i))) for i in range(SMOOTH)]
    )
    library, stripes, smooth = services.library, ids[:STRIPED], ids[STRIPED:]
    candidate = fit_tag(library, services.classifier, "stripes", stripes[:EXAMPLES])
    assert {similar.photo_id for similar in candidate.would_tag} == set(stripes[EXAMPLES:])
    save_taught_tag(library, services.classifier, candidate)

    with library.database.writer.begin() as connection:
        connection.execute(delete(automatic_tags).where(automatic_tags.c.head != TAUGHT))
    _add_automatic(services, "scenes", "sea", smooth[0:3])
    _add_automatic(services, "camera", "sea", smooth[2:4])
    _add_automatic(services, "camera", "beach", smooth[4:8])
    _add_automatic(services, "places", "beach", smooth[8:9])
    _add_automatic(services, "scenes", "Journey", smooth[9:10])
    _add_automatic(services, "objects", "dog", smooth[0:2])
    # Two photos that another model classified; it calls its heads otherwise.
    _add_automatic(services, "family", "Grandma", smooth[10:11])
    _add_automatic(services, "house", "roof", smooth[11:12])
    _add_automatic(services, "camera", "temple", smooth[11:12])
    with library.database.writer.begin() as connection:
        connection.execute(
            update(photos)
            .where(photos.c.id.in_(smooth[10:12]))
            .values(class_head="family", tag_head="house")
        )
        connection.execute(update(photos).where(photos.c.id == smooth[10]).values(tag_head=None))
    # A photo in the trash counts nowhere.
    _add_automatic(services, "scenes", "sea", smooth[12:13])
    edits.move_to_trash(library, smooth[12:13])

    _add_automatic(services, "objects", "tractor", smooth[16:17])
    _add_automatic(services, "places", "sunset", smooth[15:16])
    edits.add_tag(library, smooth[13:15], "vehicle")
    edits.add_tag(library, smooth[14:15], "dusk")

    edits.add_tag(library, smooth[9:12], "Journey")
    edits.reject_tag(library, smooth[7:8], "beach")
    edits.reject_tag(library, stripes[:1], "stripes")
    # A stack shows as one tile, and all of its photos count.
    stack_photos_of(library, [smooth[0], smooth[9], smooth[20]])
    return services


@pytest.mark.slow
def test_all_counts_of_a_tag_are_equal(tagged: Services) -> None:
    for query in ("", "name:smooth", "tag:stripes", "-tag:beach"):
        _check_counts(tagged, query)


def _check_counts(services: Services, query: str) -> None:
    gallery, library = services.gallery(), services.library
    ids = gallery.ids(query)
    shown_tags = Counter(label for photo in library.records(ids) for label in photo.shown_tags)
    assert gallery.count_by_tag(query) == shown_tags
    assert _preview(services, query) == shown_tags
    assert _files_in_zip(services, query) == shown_tags
    selected_tags = count_selected_tags(library, ids, 100)
    assert {tag.label: tag.photo_count for tag in selected_tags} == shown_tags
    for label, count in shown_tags.items():
        # A search also finds the tags of heads that photos do not show.
        found_beside = FOUND_BESIDE.get(label, 0) if query in ("", "name:smooth") else 0
        assert gallery.count(f'{query} tag:"{label}"') == count + found_beside, label


def test_the_counts_are_those_of_the_photos_made(tagged: Services) -> None:
    gallery = tagged.gallery()
    assert gallery.count_by_tag("") == SHOWN
    assert gallery.count_tiles("") == gallery.count("") - 2
    assert gallery.count("is:stacked") == 3
    assert library_statistics(tagged.library, tagged.vocabulary).by_tag == SHOWN
    searched = Counter(SHOWN) + Counter(NOT_SHOWN) + Counter(FOUND_BESIDE)
    assert gallery.count_by_any_tag() == searched
    assert {bar.label: bar.photos for bar in insights.by_tag(tagged.library)} == searched
    assert {label: gallery.count(f'tag:"{label}"') for label in searched} == searched


def _preview(services: Services, query: str) -> dict[str, int]:
    folders = services.gallery().folder_sizes(query, by_tag=True)
    return {folder.name: folder.photo_count for folder in folders if folder.name != "unsure"}


def _files_in_zip(services: Services, query: str) -> dict[str, int]:
    rule = services.exports.folder_rule("tag")
    chunks = services.exports.zip_by(services.gallery().all_ids(query), rule)
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        folders = [name.split("/")[0] for name in archive.namelist() if "/" in name]
    return Counter(folder for folder in folders if folder != "unsure")


def _add_automatic(services: Services, head: str, label: str, photo_ids: Sequence[str]) -> None:
    rows = [
        {"photo_id": photo_id, "head": head, "label": label, "score": 0.8, "bundle": "test"}
        for photo_id in photo_ids
    ]
    with services.library.database.writer.begin() as connection:
        connection.execute(insert(automatic_tags), rows)
