"""The query language on photos with known tags, and against the same terms in plain Python."""

import datetime
import math
import shutil
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.albums.album_rules import Album, AlbumRules, Rule
from scene_model.classifier.vocabulary import Vocabulary, fold_case
from scene_model.config import Settings
from scene_model.duplicates.hash_neighbours import MAX_DISTANCE, distance
from scene_model.errors import QueryError
from scene_model.gallery import Gallery
from scene_model.library.database.sqlite_extensions import add_functions
from scene_model.library.edits import remove_tag, set_class
from scene_model.library.store import Library
from scene_model.photos.decoders.pool import Decoders
from scene_model.search.query import FIELDS, parse_query
from scene_model.search.query_tree import (
    AllOf,
    AnyOf,
    DurationTerm,
    FieldTerm,
    Not,
    Query,
    RatingTerm,
    ScoreTerm,
    Words,
    print_query,
)
from scene_model.search.query_values import Box, read_box
from scene_model.services import Services, open_services
from tests.library.rows import Row, put

VOCABULARY = Vocabulary(
    {"sea": "Sea", "old_town": "Old town", "beach": "Beach"},
    {
        "sea": frozenset({"sea"}),
        "meer": frozenset({"sea"}),
        "old town": frozenset({"old_town"}),
        "beach": frozenset({"beach"}),
    },
)
RULES = AlbumRules(
    (
        Album.model_validate(
            {"id": "travel", "name": "Travel", "rule": [Rule(tags=frozenset({"beach"}))]}
        ),
    )
)
TODAY = datetime.date(2024, 7, 16)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory,
    decoders: Decoders,
    made_photos: list[tuple[str, bytes]],
) -> Path:
    """Fill a library and return its folder.

    Its photos: a pier at sunset, a pier, a harbour at sunset, and one without tags.
    """
    names = ("pier_1.jpg", "pier_2.jpg", "harbour.jpg", "odd 50%_name.jpg")
    pictures = [(name, data) for name, (_, data) in zip(names, made_photos, strict=False)]
    folder = tmp_path_factory.mktemp("filled") / "library"
    services = open_services(Settings(library=folder, workers=2), decoders=decoders)
    job = services.jobs.submit(pictures)
    assert job.wait(120)
    by_name = {r.name: r.id for r in services.library.records(job.progress().photo_ids)}
    ids = [by_name[name] for name in names]
    opened = services.gallery()
    for photo_id in ids:
        for tag in opened.library.photo(photo_id).tags:
            remove_tag(opened.library, [photo_id], tag.label)
        set_class(opened.library, [photo_id], "zzz")
    opened.add_tag(ids[:2], "old pier")
    opened.add_tag([ids[0], ids[2]], "Sunset")
    opened.set_class([ids[2]], "harbour")
    services.close()
    return folder


@pytest.fixture
def gallery(filled: Path, tmp_path: Path, decoders: Decoders) -> Iterator[Gallery]:
    """Four photos in a library of the test's own."""
    shutil.copytree(filled, tmp_path / "library")
    settings = Settings(library=tmp_path / "library", workers=2)
    with closing(open_services(settings, decoders=decoders)) as services:
        yield services.gallery()


def names(gallery: Gallery, query: str) -> set[str]:
    return {r.name.split(".")[0] for r in gallery.library.records(gallery.ids(query))}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("sunset", {"pier_1", "harbour"}),
        ("SUNSET", {"pier_1", "harbour"}),
        ("Sonnenuntergang", {"pier_1", "harbour"}),
        ("dusk", {"pier_1", "harbour"}),
        ('"old pier" sunset', {"pier_1"}),
        ("pier", {"pier_1", "pier_2"}),
        ('tag:"old pier"', {"pier_1", "pier_2"}),
        ("tag:pier", set()),
        ("sunset OR pier", {"pier_1", "pier_2", "harbour"}),
        ("sunset -pier", {"harbour"}),
        ("-sunset", {"pier_2", "odd 50%_name"}),
        ("-sunset -pier OR harbour", {"odd 50%_name", "harbour"}),
        ("(sunset OR pier) -harbour", {"pier_1", "pier_2"}),
        ("-(sunset OR pier)", {"odd 50%_name"}),
        ("class:harbour", {"harbour"}),
        ("name:PIER_", {"pier_1", "pier_2"}),
        ('"50%"', {"odd 50%_name"}),
        ("name:%", {"odd 50%_name"}),
        ("is:edited", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("has:gps", set()),
        ("has:date", set()),
        ("is:doubtful-date", set()),
        ("is:clutter", set()),
        ("is:apart", set()),
        ("-is:new", set()),
        ("score>=0", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("score=1", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("score<1", set()),
        ("added:today", {"pier_1", "pier_2", "harbour", "odd 50%_name"}),
        ("added:yesterday", set()),
        ("album:others", {"odd 50%_name", "pier_2"}),
        ("album:NATUR", {"harbour", "pier_1"}),
        ("album:reisen", set()),
    ],
)
def test_meaning(gallery: Gallery, query: str, expected: set[str]) -> None:
    assert names(gallery, query) == expected


@pytest.mark.slow
def test_a_rejected_tag_is_not_found(gallery: Gallery) -> None:
    (pier, *_) = [r for r in gallery.library.records(gallery.ids("sunset")) if "pier" in r.name]
    remove_tag(gallery.library, [pier.id], "sunset")
    assert names(gallery, "sunset") == {"harbour"}


@pytest.mark.parametrize(
    ("query", "position", "message"),
    [
        ("(sea", 4, "closing bracket"),
        ("colour:red", 0, "not a field.*album:.*score"),
        ("sea takn:2024", 4, "Did you mean taken:"),
        ("sea score:0.8", 4, "score>=0.8"),
        ("sea is:happy", 4, "is:unsure, is:edited, is:duplicate, is:favourite, is:raw"),
        ("sea is:trash", 4, "Photos in the trash are not searched"),
        ("sea has:wings", 4, "has:gps"),
        ("sea album:sea", 10, "no album 'sea'.*travel"),
        ("sea taken:2024-13", 10, "not a date.*yesterday"),
        ("sea taken:2024-02-30", 10, "not a date"),
        ("taken:2024-08..2024-07", 6, "ends before it begins"),
        ("taken:2024..12-24", 6, "only one end has a year"),
        ("taken:..", 6, "not a date"),
        ("taken:1..2..3", 6, "not a date"),
        ("taken:12-24..", 6, "not a date"),
        ("added:tomorrow", 6, "not a date"),
        ("near:here", 5, "latitude, longitude and distance"),
        ("near:38.72,-9.14", 5, "near:38.72,-9.14,10km"),
        ("near:-9.14,238.72,10km", 5, "latitude comes first"),
        ("near:1,1,0m", 5, "greater than 0"),
        (f"near:1,1,{'9' * 400}km", 5, "greater than 0"),
        ("within:1,2,3", 7, "south, west, north and east.*within:38.6"),
        ("within:38.6,-9.3,98.8,-9", 7, "98.8.*no latitude.*from -90 to 90"),
        ("within:38.6,-190,38.8,-9", 7, "-190.*no longitude.*from -180 to 180"),
        ("sea within:2,0,1,1", 11, r"south \(2\) is greater than north \(1\)"),
    ],
)
def test_errors_have_a_position(query: str, position: int, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        parse_query(query, VOCABULARY, RULES)
    assert caught.value.position == position


@pytest.mark.slow
@given(
    st.text(max_size=40)
    | st.text(alphabet='ab:"()-OR <>=0.5score', max_size=40)
    | st.tuples(
        st.sampled_from([*FIELDS, "score"]), st.text(alphabet=':0123456789-.,km"é ', max_size=20)
    ).map(":".join)
)
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_query_or_a_query_error(library: Library, text: str) -> None:
    try:
        library.count(parse_query(text, VOCABULARY, RULES))
    except QueryError as error:
        assert 0 <= error.position <= len(text)
        assert error.message.endswith((".", "mark."))


@pytest.mark.parametrize("text", ["x (b OR " * 12 + "c" + ")" * 12, "-(" * 40 + "a" + ")" * 40])
def test_nesting_too_deep_for_sqlite_is_an_error(text: str) -> None:
    with pytest.raises(QueryError, match="brackets"):
        parse_query(text, VOCABULARY)


@pytest.mark.slow
def test_the_largest_accepted_queries_run(services: Services) -> None:
    gallery = services.gallery()
    gallery.count("x (b OR " * 5 + "c" + ")" * 5)
    gallery.count("-(" * 11 + "a" + ")" * 11)
    gallery.count(" OR ".join("abcdefghij" * 20))
    gallery.count(" ".join("abcdefghij" * 40))
    gallery.count("-(" * 11 + "album:others" + ")" * 11)
    gallery.count("x (b OR " * 5 + "album:nature near:1,1,1km is:duplicate" + ")" * 5)
    gallery.count(" OR ".join(["album:others"] * 12))
    for text in ("\ud800", "score>", "score>=1.x", " ".join(["album:others"] * 13)):
        with pytest.raises(QueryError):
            gallery.count(text)


# The same terms in plain Python, for one photo, and their combinations.


def labels(row: Row, without_head: str = "") -> set[str]:
    decided = {*row.added, *row.rejected}
    automatic = {label for head, label, _ in row.tags if head != without_head}
    return {*row.added, *(automatic - decided)}


def photo_class(row: Row) -> str:
    return row.human_class or row.auto_class


def score(row: Row) -> float:
    return row.auto_score if row.human_class is None else 1.0


def kilometres(row: Row, latitude: float, longitude: float) -> float:
    """Distance by the dot product of two directions, not by haversines."""
    if row.place is None:
        return math.inf

    def direction(north: float, east: float) -> tuple[float, float, float]:
        north, east = math.radians(north), math.radians(east)
        return (
            math.cos(north) * math.cos(east),
            math.cos(north) * math.sin(east),
            math.sin(north),
        )

    return 6371.0088 * math.dist(direction(*row.place), direction(latitude, longitude))


def is_in_area(box: Box, row: Row) -> bool:
    return row.place is not None and box.contains(*row.place)


def seconds(row: Row, otherwise: float) -> float:
    duration = row.more.get("duration")
    return duration if isinstance(duration, float) else otherwise


def rating(row: Row) -> int:
    """The rating that a person gave counts, also 0; else the imported one."""
    human, imported = row.more.get("human_rating"), row.more.get("imported_rating")
    return int(str(human if human is not None else imported or 0))


def clutter(row: Row) -> str | None:
    """What a person decided counts, also that it is none; else what the program takes it for."""
    human, automatic = row.more.get("human_clutter"), row.more.get("auto_clutter")
    kind = human if human is not None else automatic
    return str(kind) if kind else None


TERMS: dict[Query, Callable[[Row], bool]] = {
    Words("Sea"): lambda r: "sea" in {*labels(r), r.human_class} or "sea" in fold_case(r.name),
    Words("Meer"): lambda r: "sea" in {*labels(r), r.human_class} or "Meer" in r.name,
    Words("old town"): lambda r: bool({"old_town", "old town"} & {*labels(r), r.human_class}),
    FieldTerm("tag", "sea"): lambda r: "sea" in labels(r),
    FieldTerm("tag", "old town"): lambda r: bool({"old_town", "old town"} & labels(r)),
    FieldTerm("class", "sea"): lambda r: photo_class(r) == "sea",
    FieldTerm("is", "unsure"): lambda r: photo_class(r) == "unsure",
    FieldTerm("album", "Travel"): lambda r: (
        "beach" in {*r.added, *labels(r, without_head="objects"), r.human_class}
    ),
    FieldTerm("name", "ÉTÉ"): lambda r: "été" in unicodedata.normalize("NFC", r.name).lower(),
    FieldTerm("name", "_1."): lambda r: "_1." in r.name,
    FieldTerm("camera", "ßony"): lambda r: (r.camera or "").startswith("SSONY"),
    ScoreTerm(">=", 0.8): lambda r: score(r) >= 0.8,
    ScoreTerm("<", 0.3): lambda r: score(r) < 0.3,
    ScoreTerm("=", 0.8): lambda r: score(r) in (0.8, 0.804),
    FieldTerm("is", "favourite"): lambda r: bool(r.more.get("favourite")),
    FieldTerm("is", "raw"): lambda r: r.more.get("format") in ("NEF", "RAW"),
    FieldTerm("rating", "5"): lambda r: rating(r) == 5,
    FieldTerm("rating", "0"): lambda r: rating(r) == 0,
    RatingTerm(">=", 4): lambda r: rating(r) >= 4,
    RatingTerm("<", 1): lambda r: rating(r) == 0,
    RatingTerm("=", 3): lambda r: rating(r) == 3,
    FieldTerm("is", "video"): lambda r: r.more.get("format") == "MOV",
    DurationTerm(">", 30.0): lambda r: seconds(r, 0) > 30,
    DurationTerm("<=", 30.0): lambda r: seconds(r, 99) <= 30,
    DurationTerm("=", 30.0): lambda r: 30 <= seconds(r, 0) < 31,
    FieldTerm("taken", "2024-07"): lambda r: (r.taken_at or "")[:7] == "2024-07",
    FieldTerm("taken", "2023-12-31..2024"): lambda r: "2023-12-31" <= (r.taken_at or "") < "2025",
    FieldTerm("taken", "..2023"): lambda r: r.taken_at is not None and r.taken_at < "2024",
    FieldTerm("taken", "12-31..01-01"): lambda r: (r.taken_at or "")[5:10] in ("12-31", "01-01"),
    FieldTerm("added", "today"): lambda r: r.added_at[:10] == "2024-07-16",
    FieldTerm("added", "yesterday.."): lambda r: r.added_at[:10] >= "2024-07-15",
    FieldTerm("is", "edited"): lambda r: bool(r.added or r.rejected or r.human_class),
    FieldTerm("has", "date"): lambda r: r.taken_at is not None,
    FieldTerm("is", "doubtful-date"): lambda r: "auto_taken_confidence" in r.more,
    FieldTerm("is", "clutter"): lambda r: bool(clutter(r)),
    FieldTerm("is", "apart"): lambda r: bool(r.more.get("human_clutter")),
    FieldTerm("clutter", "meme"): lambda r: clutter(r) == "meme",
    FieldTerm("has", "gps"): lambda r: r.place is not None,
    FieldTerm("near", "38.72,-9.14,10km"): lambda r: kilometres(r, 38.72, -9.14) <= 10,
    FieldTerm("near", "0,-179.99,5000m"): lambda r: kilometres(r, 0, -179.99) <= 5,
    FieldTerm("near", "90,0,200km"): lambda r: kilometres(r, 90, 0) <= 200,
    FieldTerm("near", "0,0,99999km"): lambda r: r.place is not None,
    **{
        FieldTerm("within", text): partial(is_in_area, read_box(text))
        for text in ("38.7,-9.15,38.8095,-9.0252", "-1,179.9,1,-179.9", "-90,-180,90,180")
    },
}
TREES: st.SearchStrategy[Query] = st.recursive(
    st.sampled_from([*TERMS, FieldTerm("is", "duplicate")]),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
LABEL = st.sampled_from(["sea", "beach", "old_town", "old town", "unsure"])
HEAD = st.sampled_from(["scenes", "camera", "objects"])
SCORE = st.sampled_from([0.0, 0.29, 0.8, 0.804, 0.81, 0.99])
TIMES = ["2023-12-31T23:59:59", "2024-01-01T00:00:00+02:00", "2024-07-01T00:00:00", "2025-01-01T00"]
PLACES = [
    (38.72, -9.14),
    (38.8095, -9.14),  # 9.95 km to the north
    (38.6305, -9.14),  # and to the south
    (38.8105, -9.14),  # 10.06 km
    (38.72, -9.0252),  # 9.96 km to the east
    (38.72, -9.0235),  # 10.11 km
    (0.01, 179.99),
    (0.01, -179.99),
    (89.0, 77.0),
]
# What the program takes a photo for, and what a person decided.
CLUTTER = [
    *(("meme", None), ("meme", ""), ("meme", "meme"), ("black", "meme"), ("meme", "black")),
    *((None, "meme"), (None, ""), (None, None)),
]
FIXED = [
    *(Row(f"place {i}", place=place) for i, place in enumerate(PLACES)),
    *(Row(f"time {i}", taken_at=time) for i, time in enumerate(TIMES)),
    *(Row(f"class {i}", human_class=label) for i, label in enumerate(["sea", "beach", "old town"])),
    *(Row(f"tag {i}", added=[label]) for i, label in enumerate(["sea", "old_town", "old town"])),
    *(Row(f"score {i}", auto_score=s) for i, s in enumerate([0.1, 0.8, 0.804, 0.81])),
    Row("model", tags=[("camera", "sea", 0.9), ("objects", "beach", 0.4)]),
    Row("refused", tags=[("camera", "sea", 0.9), ("objects", "beach", 0.4)], rejected=["sea"]),
    *(Row(f"rated {i}", more={"human_rating": i}) for i in range(6)),
    Row("imported", more={"imported_rating": 5}),
    Row("overruled", more={"imported_rating": 5, "human_rating": 3}),
    Row("rating removed", more={"imported_rating": 5, "human_rating": 0}),
    Row("favourite", more={"favourite": True}),
    *(
        Row(f"clutter {i}", more={"auto_clutter": automatic, "human_clutter": human})
        for i, (automatic, human) in enumerate(CLUTTER)
    ),
    Row("raw", more={"format": "NEF"}),
    *(
        Row(f"video {i}", more={"format": "MOV", "duration": seconds})
        for i, seconds in enumerate((29.9, 30.0, 30.7, 31.0, None))
    ),
    Row("clock", taken_at="2000-01-01T00:00:07", more={"auto_taken_confidence": 0.05}),
    Row("unsure", auto_class="unsure", auto_score=0.0, auto_source="none"),
    Row("e\u0301te\u0301_1.jpg", added_at="2024-07-16T00:00:00.000+02:00", camera="SSONY 7"),
    Row("Seaside Meer", added_at="2024-07-14T23:59:59.999+02:00", camera="Canon"),
]
ROWS = st.lists(
    st.builds(
        Row,
        name=st.sampled_from(
            [
                "a_1.jpg",
                "a21.jpg",
                "e\u0301te\u0301.jpg",
                "ÉTÉ_1.png",
                "SEA.jpg",
                "Meer",
                "old\xa0town",
            ]
        ),
        auto_class=LABEL,
        auto_score=SCORE,
        human_class=st.none() | LABEL,
        tags=st.lists(st.tuples(HEAD, LABEL, SCORE), max_size=3),
        added=st.lists(LABEL, max_size=1),
        rejected=st.lists(LABEL, max_size=1),
        taken_at=st.none() | st.sampled_from(TIMES),
        added_at=st.sampled_from(
            ["2024-07-14T23:59:59.999+02:00", "2024-07-15T00:00:00.000Z", "2024-07-16T12:00:00Z"]
        ),
        camera=st.none() | st.sampled_from(["SSONY 7", "Canon"]),
        place=st.none() | st.sampled_from(PLACES),
        trashed=st.booleans(),
        more=st.fixed_dictionaries(
            {
                "favourite": st.booleans(),
                "format": st.sampled_from(["JPEG", "TIFF", "NEF", "RAW", "MOV"]),
                "duration": st.none() | st.sampled_from([12.0, 30.5, 90.0]),
                "imported_rating": st.none() | st.integers(1, 5),
                "human_rating": st.none() | st.integers(0, 5),
                "auto_clutter": st.sampled_from([None, "meme", "black"]),
                "human_clutter": st.sampled_from([None, "", "meme", "black"]),
            }
        ),
        hash=st.none() | st.sampled_from([0, 1, 127, 255, -1]),
    ),
    max_size=5,
    unique_by=lambda row: row.name,
)


def holds(query: Query, row: Row, rows: list[Row]) -> bool:
    match query:
        case Not(term):
            return not holds(term, row, rows)
        case AllOf(terms):
            return all(holds(term, row, rows) for term in terms)
        case AnyOf(terms):
            return any(holds(term, row, rows) for term in terms)
        case FieldTerm("is", "duplicate"):
            hashes = [r.hash for r in rows if r is not row and not r.trashed]
            return row.hash is not None and any(
                h is not None and distance(h, row.hash) <= MAX_DISTANCE for h in hashes
            )
        case _:
            return TERMS[query](row)


@pytest.mark.parametrize("query", TERMS, ids=print_query)
def test_each_term(library: Library, query: Query) -> None:
    put(library, FIXED)
    condition = parse_query(print_query(query), VOCABULARY, RULES, TODAY)
    expected = {row.id for row in FIXED if TERMS[query](row)}
    assert set(library.find(condition)) == expected
    assert set(library.find(~condition)) == {row.id for row in FIXED} - expected
    assert 0 < len(expected) < len(FIXED)


@pytest.mark.slow
@given(TREES, ROWS)
@settings(max_examples=150, deadline=None)
def test_sql_and_plain_python_agree(library: Library, query: Query, rows: list[Row]) -> None:
    put(library, rows)
    text = print_query(query)
    photo_ids = library.find(parse_query(text, VOCABULARY, RULES, TODAY))
    expected = {row.id for row in rows if not row.trashed and holds(query, row, rows)}
    assert set(photo_ids) == expected, text
    assert library.count(parse_query(text, VOCABULARY, RULES, TODAY)) == len(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-x y", "y yz"),
        ("x OR y z", "x xy xz yz xyz"),
        ("x y OR z", "xy z xz yz xyz"),
        ("-x y OR z", "y z yz xz xyz"),
        ("-(x OR y) z", "z"),
        ("x (y OR z)", "xy xz xyz"),
        ("-x OR -y z", "y z yz xz"),
    ],
)
def test_not_binds_before_and_before_or(library: Library, text: str, expected: str) -> None:
    rows = [Row(name) for name in ("x", "y", "z", "xy", "xz", "yz", "xyz")]
    put(library, rows)
    names = {row.id: row.name for row in rows}
    photo_ids = library.find(parse_query(text, VOCABULARY))
    assert {names[photo_id] for photo_id in photo_ids} == {*expected.split()}


def test_functions_for_an_sqlite_built_without_mathematics() -> None:
    class Bare(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
            if "(0.0)" in sql:
                raise sqlite3.OperationalError("no such function")
            return super().execute(sql, parameters)

    connection = sqlite3.connect(":memory:", factory=Bare)
    add_functions(connection)
    assert connection.execute(
        "SELECT cos(radians(180)), fold_case('ÉSS'), fold(NULL)"
    ).fetchone() == (
        -1.0,
        "éss",
        None,
    )
    connection.close()
