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

SCHEMA_VERSION = 2

metadata = MetaData()

# One row a photo; its id is the SHA-256 of its bytes. `auto_class` is what the model files
# it under; `class_head` is the head that model files photos by, and `class_head_label`,
# `confidence` and `class_head_unsure` are what that head said. `backbone` is the network the
# embedding comes from; null where an earlier version of this program did not write it down.
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

Index("automatic_tags_by_label", automatic_tags.c.label, automatic_tags.c.photo_id)
Index("tag_decisions_by_label", tag_decisions.c.label, tag_decisions.c.photo_id)
Index("photos_by_added", photos.c.trashed_at, photos.c.added_at, photos.c.id)

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
}
