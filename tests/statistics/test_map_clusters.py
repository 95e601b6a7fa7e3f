"""Clusters of a map hold every photo once, and their areas find as many as they count."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scene_model.library.store import Library
from scene_model.search.conditions import is_in_box
from scene_model.search.query_values import Box, read_box
from scene_model.services import Services
from scene_model.statistics.map_clusters import MAX_ZOOM, Cluster, clusters, places
from tests.library.rows import Row, put

WORLD = Box(-90, -180, 90, 180)
LISBON, SINTRA, SYDNEY = (38.72, -9.14), (38.8, -9.39), (-33.87, 151.21)
FIJI, TAVEUNI = (-17.0, 179.9), (-17.0, -179.9)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


def counts(counted: list[Cluster]) -> list[int]:
    return [cluster.photos for cluster in counted]


@pytest.fixture
def filled(services: Services) -> Services:
    at = {"lisbon 1": LISBON, "lisbon 2": LISBON, "sintra": SINTRA, "sydney": SYDNEY}
    rows = [Row(name, place=place) for name, place in at.items()]
    put(
        services.library,
        [*rows, Row("nowhere"), Row("gone", place=LISBON, trashed=True)],
    )
    return services


def test_clusters_break_up_as_one_zooms(filled: Services) -> None:
    assert counts(clusters(filled.library, WORLD, 2)) == [3, 1]
    assert counts(clusters(filled.library, Box(38, -10, 39, -9), 12)) == [2, 1]
    # The whole world has too many cells at this zoom, and is counted at a lower one.
    assert counts(clusters(filled.library, WORLD, 12)) == [3, 1]
    lisbon, _ = clusters(filled.library, WORLD, 2)
    assert lisbon.box == Box(38.72, -9.39, 38.8, -9.14)
    assert lisbon.box.contains(lisbon.latitude, lisbon.longitude)
    assert filled.library.photo(lisbon.photo_id).name == "sintra", "the photo added last"


def test_only_the_photos_of_the_area_and_the_query_count(filled: Services) -> None:
    europe = Box(35, -10, 60, 30)
    assert counts(filled.gallery().map_clusters(europe, 2)) == [3]
    assert counts(filled.gallery().map_clusters(europe, 2, "name:sintra")) == [1]
    assert filled.gallery().places("") == places(filled.library)
    assert places(filled.library).photos == 4
    assert filled.gallery().places("name:nowhere").box is None


def test_a_cluster_may_lie_on_the_date_line(services: Services) -> None:
    put(services.library, [Row("fiji", place=FIJI), Row("taveuni", place=TAVEUNI)])
    (both,) = clusters(services.library, WORLD, 3)
    assert both.photos == 2
    assert both.box.query == "within:-17,179.9,-17,-179.9"
    assert both.box.contains(both.latitude, both.longitude)
    assert services.gallery().count(both.box.query) == 2


PLACE = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.slow
@given(st.lists(PLACE, max_size=30), st.integers(0, MAX_ZOOM))
@example([(0.0, 146.0), (0.0, 180.0), (0.0, -125.0)], 0)
@example([(0.0, 180.0), (0.0, -180.0), (0.0, 146.0)], 0)
@example([(0.0, 180.0), (0.0, 180.0)], 3)
@example([(0.0, float(degrees)) for degrees in range(-180, 181, 10)], 0)
@settings(max_examples=60, deadline=None)
def test_every_photo_is_in_one_cluster(
    library: Library, at: list[tuple[float, float]], zoom: int
) -> None:
    put(library, [Row(f"photo {i}", place=place) for i, place in enumerate(at)])
    counted = clusters(library, WORLD, zoom)
    assert sum(counts(counted)) == len(at)
    for cluster in counted:
        area = read_box(cluster.box.query.removeprefix("within:"))
        assert library.count(is_in_box(area)) >= cluster.photos
        assert all(map(math.isfinite, (cluster.latitude, cluster.longitude)))
