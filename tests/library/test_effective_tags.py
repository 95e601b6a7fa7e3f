"""The denormalised data that triggers maintain equals the tables it is derived from."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scene_model.library.store import Library

PHOTOS, LABELS = ("a", "b"), ("sea", "forest")
DERIVED = {
    "held_tags": (
        "SELECT label, photo, head, score FROM held_tags",
        """SELECT t.label, p.number, t.head, t.score
           FROM automatic_tags t JOIN photos p ON p.id = t.photo_id
           WHERE NOT EXISTS (SELECT 1 FROM tag_decisions d
                             WHERE d.photo_id = p.id AND d.label = t.label)
           UNION SELECT d.label, p.number, 'human', 1.0
           FROM tag_decisions d JOIN photos p ON p.id = d.photo_id
           WHERE d.verdict = 'added'""",
    ),
    "human_class": (
        "SELECT id, human_class, photo_class FROM photos",
        """SELECT p.id, c.label, coalesce(c.label, p.auto_class) FROM photos p
           LEFT JOIN class_decisions c ON c.photo_id = p.id""",
    ),
    "decided_tags": (
        "SELECT id, decided_tags FROM photos",
        "SELECT id, (SELECT count(*) FROM tag_decisions WHERE photo_id = id) FROM photos",
    ),
    "free_slots": (
        "SELECT slot FROM free_slots",
        "SELECT value FROM (SELECT 0 AS value UNION SELECT 1 UNION SELECT 2) "
        "WHERE value NOT IN (SELECT embedding_slot FROM photos)",
    ),
}
PHOTO = st.sampled_from(PHOTOS)
LABEL = st.sampled_from(LABELS)
INSERT_TAG = "INSERT OR IGNORE INTO automatic_tags VALUES (?, ?, ?, 0.5, 'bundle')"
STATEMENTS = st.one_of(
    st.tuples(
        st.just(INSERT_TAG),
        st.tuples(PHOTO, st.sampled_from(["scenes", "camera"]), LABEL),
    ),
    st.tuples(
        st.just("DELETE FROM automatic_tags WHERE photo_id = ? AND label = ?"),
        st.tuples(PHOTO, LABEL),
    ),
    st.tuples(
        st.just("DELETE FROM automatic_tags WHERE photo_id = ? AND head = ?"),
        st.tuples(PHOTO, st.sampled_from(["scenes", "camera"])),
    ),
    st.tuples(st.just("DELETE FROM automatic_tags WHERE photo_id = ?"), st.tuples(PHOTO)),
    st.tuples(
        st.just(
            "INSERT INTO tag_decisions VALUES (?, ?, ?, 'now') "
            "ON CONFLICT (photo_id, label) DO UPDATE SET verdict = excluded.verdict"
        ),
        st.tuples(PHOTO, LABEL, st.sampled_from(["added", "rejected"])),
    ),
    st.tuples(
        st.just("DELETE FROM tag_decisions WHERE photo_id = ? AND label = ?"),
        st.tuples(PHOTO, LABEL),
    ),
    st.tuples(
        st.just(
            "INSERT INTO class_decisions VALUES (?, ?, 'now') "
            "ON CONFLICT (photo_id) DO UPDATE SET label = excluded.label"
        ),
        st.tuples(PHOTO, LABEL),
    ),
    st.tuples(st.just("DELETE FROM class_decisions WHERE photo_id = ?"), st.tuples(PHOTO)),
    st.tuples(st.just("UPDATE photos SET auto_class = ? WHERE id = ?"), st.tuples(LABEL, PHOTO)),
    st.tuples(st.just("DELETE FROM photos WHERE id = ?"), st.tuples(PHOTO)),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    folder: Path = tmp_path_factory.mktemp("effective") / "library"
    Library(folder).close()
    connection = sqlite3.connect(folder / "library.db", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


@pytest.mark.slow
@example(
    statements=[
        (INSERT_TAG, ("a", "scenes", "sea")),
        (INSERT_TAG, ("a", "camera", "sea")),
        ("DELETE FROM automatic_tags WHERE photo_id = ? AND head = ?", ("a", "scenes")),
    ]
)
@given(statements=st.lists(STATEMENTS, max_size=30))
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_derived_data_equals_its_sources(
    database: sqlite3.Connection, statements: list[tuple[str, tuple[str, ...]]]
) -> None:
    database.execute("BEGIN")
    for slot, photo in enumerate((*PHOTOS, "c")):
        database.execute(
            "INSERT INTO photos (id, name, folded_name, format, file_bytes, width, height, "
            "added_at, bundle, class_head, embedding_file, embedding_slot, class_head_label, "
            "confidence, class_head_unsure, auto_class, auto_class_source, auto_class_score) "
            "VALUES (?, '', '', '', 1, 1, 1, '', '', '', 'f', ?, '', 1, 0, 'sea', '', 1)",
            (photo, slot),
        )
    try:
        for statement, values in statements:
            try:
                database.execute(statement, values)
            except sqlite3.IntegrityError:
                continue  # of a photo that is deleted
            for name, (derived, source) in DERIVED.items():
                rows = sorted(database.execute(derived), key=repr)
                assert rows == sorted(database.execute(source), key=repr), name
    finally:
        database.execute("ROLLBACK")
