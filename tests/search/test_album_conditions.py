"""Contract: album rules as SQL (`is_in_album`) and in Python (`albums_of`) agree.

Generated and shipped rules are checked against generated photos, album by album.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.albums.album_rules import (
    Album,
    AlbumRules,
    Home,
    Rule,
    read_album_rules,
)
from scene_model.classifier.albums.matching import albums_of
from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.heads import heads_of
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.library.records import photo_facts
from scene_model.library.store import Library
from scene_model.search.album_conditions import is_in_album
from tests.library.rows import Row, put

pytestmark = pytest.mark.slow

LABELS = ("beach", "dog", "ski", "painting", "Großes Fest", "one", "zwei")
LABEL = st.sampled_from(LABELS)
LABEL_SETS = st.frozensets(LABEL, min_size=1, max_size=2)
HEAD = st.sampled_from(["scenes", "camera", "objects"])
SCORE = st.sampled_from([0.0, 0.3, 0.6, 0.85, 1.0])
TEXTS = st.lists(
    st.sampled_from(["front camera", "GoPro", "ÉOS_5", "hero GOPRO"]), min_size=1, max_size=2
).map(tuple)
SPANS = st.lists(
    st.sampled_from(
        ["2024", "2024-07", "2024-07-15", "2023-12..2024-07", "12-24", "12-24..01-06", "02-29"]
    ),
    min_size=1,
    max_size=2,
).map(tuple)
HOME = Home(latitude=48.1, longitude=11.6)

# A rule has one to three of these keys.
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "tags": LABEL_SETS,
    "objects": LABEL_SETS,
    "own_tags": LABEL_SETS | st.just(frozenset({"GROSSES_fest"})),
    "lens": TEXTS,
    "camera": TEXTS,
    "taken": SPANS,
    "has_gps": st.booleans(),
    "away_from_home_km": st.sampled_from([1.0, 100.0, 15_000.0, 30_000.0]),
}


@st.composite
def any_rule(draw: st.DrawFn) -> Rule:
    """A rule of up to three keys, with or without a minimum score and heads."""
    keys = draw(st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=3, unique=True))
    rule: dict[str, Any] = {key: draw(KEYS[key]) for key in keys}
    if draw(st.booleans()):
        rule["min_score"] = draw(SCORE)
    if draw(st.booleans()):
        rule["heads"] = draw(st.frozensets(HEAD, min_size=1))
    return Rule.model_validate(rule)


RULES = any_rule()


@st.composite
def album_rules(draw: st.DrawFn) -> AlbumRules:
    """Two albums with rules, one without, and perhaps one for the rest."""
    unless = st.frozensets(LABEL, max_size=1)
    albums: list[dict[str, Any]] = [
        {"id": "one", "name": "One", "rule": draw(st.lists(RULES, min_size=1, max_size=2))},
        {
            "id": "two",
            "name": "Two",
            "translations": {"de": "Zwei"},
            "rule": draw(st.lists(RULES, min_size=1, max_size=2)),
        },
        {"id": "feast", "name": "GROSSES FEST", "unknowable": "ask people"},
    ]
    if draw(st.booleans()):
        albums.append({"id": "rest", "name": "Rest", "aliases": ("ski",), "rest": True})
    made = [Album.model_validate(album | {"unless": draw(unless)}) for album in albums]
    return AlbumRules(tuple(made), {}, HOME)


PHOTOS = st.lists(
    st.builds(
        Row,
        name=st.integers(0, 99).map(str),
        human_class=st.none() | LABEL,
        tags=st.lists(st.tuples(HEAD, LABEL, SCORE), max_size=4),
        added=st.lists(LABEL, max_size=1),
        rejected=st.lists(LABEL, max_size=1),
        taken_at=st.none()
        | st.sampled_from(
            [
                "2023-12-31T10:00:00",
                "2024-02-29T10:00:00+02:00",
                "2024-07-15T00:00:00",
                "1999-01-06T01",
            ]
        ),
        camera=st.none() | st.sampled_from(["GoPro HERO9", "Canon éos 5D", "gopro"]),
        lens=st.none() | st.sampled_from(["iPhone 12 front TrueDepth camera 2.71mm", "EF24"]),
        place=st.none() | st.sampled_from([(48.1, 11.6), (48.2, 11.6), (-33.86, 151.21)]),
    ),
    max_size=6,
    unique_by=lambda row: row.name,
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


def check(library: Library, rules: AlbumRules) -> None:
    """Compare SQL and Python for every album and photo; also the negated SQL condition."""
    photos = list(library.records(library.find()))
    placed = {p.id: {place.album for place in albums_of(photo_facts(p), rules)} for p in photos}
    for album in rules.albums:
        inside = {photo_id for photo_id, albums in placed.items() if album.id in albums}
        assert set(library.find(is_in_album(album, rules))) == inside, album.id
        assert set(library.find(~is_in_album(album, rules))) == placed.keys() - inside, album.id


@given(album_rules(), PHOTOS)
@settings(max_examples=80, deadline=None)
def test_contract_for_generated_rules(
    library: Library, rules: AlbumRules, photos: list[Row]
) -> None:
    put(library, photos)
    check(library, rules)


def test_contract_for_the_shipped_albums(library: Library) -> None:
    rules = read_album_rules(None, heads_of(open_bundle(DEFAULT_BUNDLE_DIR)).values())
    rows = [Row("nothing"), Row("selfie", lens="iPhone 6 front camera 2.65mm f/2.2")]
    for album in rules.albums:
        rows.append(Row(f"human {album.id}", added=[album.translations.get("de", album.id)]))
        for number, rule in enumerate(album.rules):
            for head, labels in (("camera", rule.tags), ("objects", rule.objects)):
                for label in sorted(labels):
                    name = f"{album.id} {number} {label}"
                    sure, unsure = rule.min_score, rule.min_score - 0.01
                    rows.append(Row(name, tags=[(head, label, sure)]))
                    rows.append(Row(f"{name} unsure", tags=[(head, label, unsure)]))
                    rows.append(Row(f"{name} out", tags=[(head, label, 1.0)], rejected=[label]))
                    rows.append(
                        Row(f"{name} art", tags=[(head, label, 1.0), ("camera", "painting", 0.5)])
                    )
    put(library, rows)
    check(library, rules)
    assert all(library.count(is_in_album(album, rules)) for album in rules.albums)
