"""The library's tables. What a model said and what a person decided are separate rows."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

SCHEMA_VERSION = 3

metadata = MetaData()

# One row a photo; its id is the SHA-256 of its bytes. `auto_class` is what the model files
# it under; `class_head` is the head that model files photos by, and `class_head_label`,
# `confidence` and `class_head_unsure` are what that head said. `backbone` is the network the
# embedding comes from; null where an earlier version of this program did not write it down.
# `folded_name` is the name with upper and lower case folded, for search and order.
# `auto_class_score` is how sure the head that filed the photo was, 0 for none; `class_score`
# likewise of the class that holds: 1 for a person's choice. `perceptual_hash`: signed, 64 bits,
# see `lookalikes`; null where an earlier version did not compute it.
photos = Table(
    "photos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
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
    Column("embedding", LargeBinary, nullable=False),
    Column("class_head_label", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("class_head_unsure", Boolean, nullable=False),
    Column("auto_class", Text, nullable=False),
    Column("auto_class_source", Text, nullable=False),
    Column("trashed_at", Text),
    Column("folded_name", Text),
    Column("auto_class_score", Float),
    Column("class_score", Float),
    Column("perceptual_hash", Integer),
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

Index(
    "automatic_tags_by_label",
    automatic_tags.c.label,
    automatic_tags.c.head,
    automatic_tags.c.score,
    automatic_tags.c.photo_id,
)
Index("tag_decisions_by_label", tag_decisions.c.label, tag_decisions.c.photo_id)

# What photos are put in order and found by; only those outside the trash. `trashed_at`, always
# null in them, is there all the same: without it SQLite would look into the table for each photo.
_SHOWN = photos.c.trashed_at.is_(None)
_REST = (photos.c.folded_name, photos.c.id, photos.c.trashed_at)
Index("photos_by_newest", photos.c.added_at.desc(), *_REST, sqlite_where=_SHOWN)
Index("photos_by_oldest", photos.c.added_at, *_REST, sqlite_where=_SHOWN)
Index("photos_by_taken", photos.c.taken_at, *_REST, sqlite_where=_SHOWN)
Index("photos_by_name", *_REST, sqlite_where=_SHOWN)
Index("photos_by_score", photos.c.class_score, *_REST, sqlite_where=_SHOWN)
Index("photos_by_class", photos.c.auto_class, photos.c.id, photos.c.trashed_at, sqlite_where=_SHOWN)
Index("photos_by_camera", photos.c.camera, photos.c.id, photos.c.trashed_at, sqlite_where=_SHOWN)
Index("photos_by_lens", photos.c.lens, photos.c.id, photos.c.trashed_at, sqlite_where=_SHOWN)
Index(
    "photos_by_hash",
    photos.c.perceptual_hash,
    photos.c.id,
    photos.c.trashed_at,
    sqlite_where=_SHOWN,
)
Index(
    "photos_by_place",
    photos.c.latitude,
    photos.c.longitude,
    photos.c.id,
    photos.c.trashed_at,
    sqlite_where=_SHOWN,
)

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
    2: (
        "ALTER TABLE photos ADD COLUMN folded_name TEXT",
        "ALTER TABLE photos ADD COLUMN auto_class_score FLOAT",
        "ALTER TABLE photos ADD COLUMN class_score FLOAT",
        "ALTER TABLE photos ADD COLUMN perceptual_hash INTEGER",
        "UPDATE photos SET folded_name = fold_case(name), auto_class_score = CASE "
        "WHEN auto_class_source = class_head THEN confidence "
        "ELSE coalesce((SELECT max(score) FROM automatic_tags WHERE photo_id = photos.id "
        "AND head = auto_class_source AND label = auto_class), 0.0) END",
        "UPDATE photos SET class_score = CASE WHEN EXISTS "
        "(SELECT 1 FROM class_decisions WHERE photo_id = photos.id) "
        "THEN 1.0 ELSE auto_class_score END",
        "CREATE TABLE saved_searches (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "
        "name TEXT NOT NULL, folded_name TEXT NOT NULL UNIQUE, query TEXT NOT NULL, "
        "sort TEXT NOT NULL)",
        "CREATE TABLE hash_bands (band INTEGER NOT NULL, hash INTEGER NOT NULL, "
        "PRIMARY KEY (band, hash)) WITHOUT ROWID",
        "CREATE TABLE near_hashes (hash INTEGER NOT NULL, near INTEGER NOT NULL, "
        "PRIMARY KEY (hash, near)) WITHOUT ROWID",
        "DROP INDEX IF EXISTS photos_by_added",
        "DROP INDEX IF EXISTS automatic_tags_by_label",
        "CREATE INDEX automatic_tags_by_label ON automatic_tags (label, head, score, photo_id)",
        "CREATE INDEX photos_by_newest ON photos (added_at DESC, folded_name, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_oldest ON photos (added_at, folded_name, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_taken ON photos (taken_at, folded_name, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_name ON photos (folded_name, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_score ON photos (class_score, folded_name, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_class ON photos (auto_class, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_camera ON photos (camera, id, trashed_at) WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_lens ON photos (lens, id, trashed_at) WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_hash ON photos (perceptual_hash, id, trashed_at) "
        "WHERE trashed_at IS NULL",
        "CREATE INDEX photos_by_place ON photos (latitude, longitude, id, trashed_at) "
        "WHERE trashed_at IS NULL",
    ),
}
