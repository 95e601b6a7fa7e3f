"""The library's tables. What a model said and what a person decided are separate rows."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Computed,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from scene_model.library.sqlite_extensions import PathColumn

SCHEMA_VERSION = 4

metadata = MetaData()

# One row a photo; its id is the SHA-256 of its bytes, `number` what indexes and `held_tags` call
# it by. `folded_name` is the name as a search compares it. `auto_class` is what the model files
# it under; `class_head` is the head that model files photos by, and `class_head_label`,
# `confidence` and `class_head_unsure` are what that head said. `backbone` is the network the
# embedding comes from; null where an earlier version of this program did not write it down. The
# embedding itself lies in a slot of a file. `reference` is the file the photo stays in; null where
# the library has a copy. `auto_class_score` is how sure the head that filed the photo was, 0 for
# none; `class_score` likewise of the class that holds: 1 for a person's choice. `perceptual_hash`:
# signed, 64 bits, see `lookalikes`; null where an earlier version did not compute it.
# `human_class` repeats `class_decisions`, and `decided_tags` counts `tag_decisions`: triggers see
# to it.
photos = Table(
    "photos",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("file_bytes", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("taken_at", Text),
    Column("taken_source", Text),
    Column("camera", Text),
    Column("lens", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("bundle", Text, nullable=False),
    Column("backbone", Text),
    Column("class_head", Text, nullable=False),
    Column("tag_head", Text),
    Column("embedding_file", Text),
    Column("embedding_slot", Integer),
    Column("reference", PathColumn),
    Column("class_head_label", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("class_head_unsure", Boolean, nullable=False),
    Column("auto_class", Text, nullable=False),
    Column("auto_class_source", Text, nullable=False),
    Column("auto_class_score", Float, nullable=False),
    Column("perceptual_hash", Integer),
    Column("human_class", Text),
    Column("decided_tags", Integer, nullable=False, server_default="0"),
    Column("photo_class", Text, Computed("coalesce(human_class, auto_class)", persisted=False)),
    # A person is sure, and a photo that no head was sure of is at the other end: so "least sure
    # first" begins with what wants looking at, and ends with what has been looked at.
    Column(
        "class_score",
        Float,
        Computed("CASE WHEN human_class IS NULL THEN auto_class_score ELSE 1.0 END"),
    ),
    Column("trashed_at", Text),
)

# Slots of embedding files that no photo names any more, to be given to the next: triggers fill it.
free_slots = Table(
    "free_slots",
    metadata,
    Column("file", Text, primary_key=True),
    Column("slot", Integer, primary_key=True),
    sqlite_with_rowid=False,
)

# Derived: replaced whole when a photo is classified again.
automatic_tags = Table(
    "automatic_tags",
    metadata,
    Column("photo_id", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("head", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("score", Float, nullable=False),
    Column("bundle", Text, nullable=False),
)

# A person's word on one tag of one photo: "added" or "rejected". No re-run touches it.
tag_decisions = Table(
    "tag_decisions",
    metadata,
    Column("photo_id", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("at", Text, nullable=False),
)

# A person's choice of class.
class_decisions = Table(
    "class_decisions",
    metadata,
    Column("photo_id", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, nullable=False),
    Column("at", Text, nullable=False),
)

# Every edit, with what it changed from and to, so that it can be undone.
edits = Table(
    "edits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("undone_at", Text),
)
edit_changes = Table(
    "edit_changes",
    metadata,
    Column("edit_id", ForeignKey("edits.id", ondelete="CASCADE"), primary_key=True),
    Column("photo_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("before", Text),
    Column("after", Text),
)

# What was chosen for this library, such as the model it is tagged with.
choices = Table(
    "choices",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Searches that people keep. `folded_name` holds each name once, whatever its case.
saved_searches = Table(
    "saved_searches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, unique=True),
    Column("query", Text, nullable=False),
    Column("sort", Text, nullable=False),
    # An id that was deleted is never given again: another window may still hold it.
    sqlite_autoincrement=True,
)

# Which numbers stand in which band of 64 bits, and which are near which: facts about hashes,
# true whatever becomes of the photos, see `lookalikes`.
hash_bands = Table(
    "hash_bands",
    metadata,
    Column("band", Integer, primary_key=True, autoincrement=False),
    Column("hash", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
near_hashes = Table(
    "near_hashes",
    metadata,
    Column("hash", Integer, primary_key=True, autoincrement=False),
    Column("near", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# The tags that hold: what people added (head "human", score 1), and what models said of labels
# that nobody decided about. Derived from the two tables of tags by triggers, because a search asks
# for them a hundred thousand times.
effective_tags = Table(
    "held_tags",
    metadata,
    Column("label", Text, primary_key=True),
    Column("photo", Integer, primary_key=True),
    Column("head", Text, primary_key=True),
    Column("score", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Tags that people taught by examples: the head that says one, by the network it reads. `told` is
# JSON: examples, counterexamples and figures. What it says of photos stands in `automatic_tags`,
# with TAUGHT as head.
taught_tags = Table(
    "taught_tags",
    metadata,
    Column("label", Text, primary_key=True),
    Column("backbone", Text, primary_key=True),
    Column("kernel", LargeBinary, nullable=False),
    Column("bias", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("told", Text, nullable=False),
    Column("made_at", Text, nullable=False),
)

# Photos that were compared with all that were there before them, and what came of it: pairs that
# are one picture (kind "near", likeness: correlation) or only look similar (kind "similar",
# likeness: cosine), `one` the lower number. A person's "these are no duplicates" is kept with them.
compared_photos = Table(
    "compared_photos",
    metadata,
    Column("number", ForeignKey("photos.number", ondelete="CASCADE"), primary_key=True),
    Column("embedding_file", Text),
)
near_duplicates = Table(
    "twins",
    metadata,
    Column("one", ForeignKey("photos.number", ondelete="CASCADE"), primary_key=True),
    Column("other", ForeignKey("photos.number", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("likeness", Float, nullable=False),
    Column("dismissed_at", Text),
    sqlite_with_rowid=False,
)
Index("twins_by_other", near_duplicates.c.other)

Index("tag_decisions_by_label", tag_decisions.c.label, tag_decisions.c.photo_id)
Index("class_decisions_by_label", class_decisions.c.label, class_decisions.c.photo_id)
Index("photos_by_slot", photos.c.embedding_file, photos.c.embedding_slot, unique=True)

# An index an order, by the column the order begins with. What a query asks for stands behind it,
# so that a page is found by reading one index from one end, without the rows: a library of 100,000
# photos answers in milliseconds.
_ASKED_FOR = (
    photos.c.folded_name,
    photos.c.number,
    photos.c.photo_class,
    photos.c.human_class,
    photos.c.decided_tags,
    photos.c.class_score,
    photos.c.camera,
    photos.c.added_at,
    photos.c.taken_at,
    photos.c.latitude,
    photos.c.longitude,
)


def _order_index(name: str, column: Column[Any], first: ColumnElement[Any]) -> Index:
    behind = [other for other in _ASKED_FOR if other is not column]
    return Index(name, photos.c.trashed_at, first, *behind)


ORDER_INDEXES = {
    "added_at": _order_index("photos_by_added", photos.c.added_at, photos.c.added_at.desc()),
    "taken_at": _order_index("photos_by_taken", photos.c.taken_at, photos.c.taken_at.desc()),
    "folded_name": _order_index("photos_by_name", photos.c.folded_name, photos.c.folded_name),
    "class_score": _order_index(
        "photos_by_score", photos.c.class_score, photos.c.class_score.desc()
    ),
    "file_bytes": _order_index("photos_by_size", photos.c.file_bytes, photos.c.file_bytes.desc()),
}
Index(
    "photos_by_class",
    photos.c.trashed_at,
    photos.c.photo_class,
    photos.c.added_at.desc(),
    photos.c.folded_name,
    photos.c.number,
)
Index("photos_by_camera", photos.c.camera, photos.c.number)
Index("photos_by_lens", photos.c.lens, photos.c.number)
BY_HASH = Index("photos_by_hash", photos.c.trashed_at, photos.c.perceptual_hash, photos.c.number)

# How a library of an earlier version becomes one of this version: statements by the version
# they start from. Version 1 knew the shipped model's heads alone.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE photos ADD COLUMN backbone TEXT",
        "ALTER TABLE photos ADD COLUMN class_head TEXT NOT NULL DEFAULT 'scenes'",
        "ALTER TABLE photos ADD COLUMN tag_head TEXT DEFAULT 'camera'",
        "ALTER TABLE photos RENAME COLUMN scenes_label TO class_head_label",
        "ALTER TABLE photos RENAME COLUMN scenes_unsure TO class_head_unsure",
        "CREATE TABLE choices (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    ),
    # And what statements cannot say: `migration.py`.
    2: (
        "DROP INDEX IF EXISTS automatic_tags_by_label",
        "ALTER TABLE photos ADD COLUMN auto_class_score FLOAT",
        "UPDATE photos SET auto_class_score = CASE "
        "WHEN auto_class_source = class_head THEN confidence "
        "ELSE coalesce((SELECT max(score) FROM automatic_tags WHERE photo_id = photos.id "
        "AND head = auto_class_source AND label = auto_class), 0.0) END",
    ),
    3: (
        "CREATE TABLE IF NOT EXISTS taught_tags (label TEXT NOT NULL, backbone TEXT NOT NULL, "
        "kernel BLOB NOT NULL, bias FLOAT NOT NULL, threshold FLOAT NOT NULL, told TEXT NOT NULL, "
        "made_at TEXT NOT NULL, PRIMARY KEY (label, backbone))",
        "CREATE TABLE IF NOT EXISTS compared_photos (number INTEGER NOT NULL PRIMARY KEY "
        "REFERENCES photos (number) ON DELETE CASCADE, embedding_file TEXT)",
        "CREATE TABLE IF NOT EXISTS twins (one INTEGER NOT NULL REFERENCES photos (number) "
        "ON DELETE CASCADE, other INTEGER NOT NULL REFERENCES photos (number) ON DELETE CASCADE, "
        "kind TEXT NOT NULL, likeness FLOAT NOT NULL, dismissed_at TEXT, "
        "PRIMARY KEY (one, other)) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS twins_by_other ON twins (other)",
    ),
}
