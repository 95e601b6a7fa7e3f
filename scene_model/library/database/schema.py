"""The library's tables. Predictions and people's decisions are separate rows."""

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
    text,
)

from scene_model.classifier.labels import NONE, UNSURE_CLASS
from scene_model.library.database.sqlite_extensions import PathColumn

SCHEMA_VERSION = 12

metadata = MetaData()

# Python names differ from SQL names in two tables: `effective_tags` is `held_tags` in SQL, and
# `near_duplicates` is `twins` with the columns `one`, `other` and `likeness`. SQL names must not
# change, because existing libraries have them.


def _effective_date_column(name: str) -> Computed:
    by_person, automatic = f"human_taken_{name}", f"auto_taken_{name}"
    text = f"CASE WHEN human_taken_at IS NULL THEN {automatic} ELSE {by_person} END"
    return Computed(text, persisted=False)


# One row per photo. `id`: SHA-256 of its bytes. `number`: the key that indexes and `held_tags`
# use. `folded_name`: the case-folded name for searching and sorting. `auto_class`: the predicted
# class. `class_head`: the model's head for the class; `class_head_label`, `confidence` and
# `class_head_unsure`: that head's prediction. `backbone`: the network that made the embedding;
# null where an earlier version of this program did not record it. `embedding_file` and
# `embedding_slot`: where the embedding is stored. `reference`: path of an original that is not
# copied into the library. `auto_class_score`: confidence of the head that decided the predicted
# class, 0 for none. `class_score`: the same for the effective class, 1 for a person's choice.
# `fallback_class` with its source and score: the predicted class if the class head is unsure.
# `auto_group`: the predicted group, UNSURE_CLASS where it is not believed, with the probability of
# the most probable group; null where the model has no groups, or a version before groups wrote the
# row. `guess`: the most probable label of all heads, with its probability; null in old rows.
# `perceptual_hash`: signed, 64 bits, see `duplicates.hash_neighbours`; null where an earlier
# version did not compute it. Triggers update `human_class`, a copy of `class_decisions`, and
# `decided_tags`, the number of `tag_decisions`. `imported_rating`: the rating in the photo's XMP or
# its sidecar, from 1 to 5. `human_rating`: the one a person gave, from 0 to 5; no import changes
# it. `rating`: the effective one, 0 for none. `auto_taken_at`: the date of the photo's own data,
# with its source (a key of `photos.dates.SOURCES`) and how sure it is, from 0 to 1.
# `human_taken_at`: the date that a person gave or accepted, empty for "no date", with the same
# beside it; no import changes it. `taken_at`, `taken_source`, `taken_confidence`: the effective
# ones. `folder`: where the file was, on this computer or in the folder that was dropped.
# `modified_at`: when it was changed last; both null where they were not recorded. `duration`: of a
# video, in seconds; null where it is unknown, and for pictures. Videos have no `perceptual_hash`.
# `content_id`: what a phone wrote into the picture and the film of one Live Photo. `stack_name`:
# the name by which photos are joined in stacks, see `duplicates.stack_names`; null until that was
# tried. `film_start`, `film_bytes`: where the film of a motion photo is in its file; null in other
# photos. `description`: what a person wrote about the photo in another program; null for none.
# `place_id`: where it was taken, in `places`, of which no row is ever deleted; `place_source`:
# "gps" by its position, "neighbours" by those of photos taken shortly before and after it;
# `place_km`: how far its position is from the centre of the place. All null where the place is not
# known, or not looked up yet. `altitude_m`: above the sea; null in photos of earlier versions.
# `burst_id` to `exposure_mode`: how the photo was taken, see `photos.metadata`. `sharpness` to
# `tonal_range`: see `photos.quality`; null in videos, and where an earlier version did not measure
# them. `sequence_checked`: whether bursts, brackets and panoramas with the photo were looked for
# since it came in; null where not, see `duplicates.sequences`. `auto_clutter`: the kind of clutter
# that the program takes the photo for (a `clutter.ClutterKind`), null for none. `clutter_rule`: the
# version of the rule that decided so; null where none did. `human_clutter`: what a person decided:
# a kind sets the photo apart, empty means that it is no clutter. `clutter`: the effective kind.
# `awaits_rules`: whether the photo came in and standing rules have not handled it yet; null
# otherwise, see `rules.rule_passes`. `remote_url`: address of an original that is fetched when a
# person opens the photo, see `remote_originals`; then there is no copy and no `reference`.
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
    Column("auto_taken_at", Text),
    Column("auto_taken_source", Text),
    Column("auto_taken_confidence", Float),
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
    # Sorting by ascending score lists photos that need review first and reviewed ones last.
    Column(
        "class_score",
        Float,
        Computed("CASE WHEN human_class IS NULL THEN auto_class_score ELSE 1.0 END"),
    ),
    Column("trashed_at", Text),
    Column("fallback_class", Text, nullable=False, server_default=UNSURE_CLASS),
    Column("fallback_class_source", Text, nullable=False, server_default=NONE),
    Column("fallback_class_score", Float, nullable=False, server_default="0"),
    Column("auto_group", Text),
    Column("auto_group_score", Float),
    Column("guess", Text),
    Column("guess_score", Float),
    Column("favourite", Boolean, nullable=False, server_default="0"),
    Column("imported_rating", Integer),
    Column("human_rating", Integer),
    Column(
        "rating",
        Integer,
        Computed("coalesce(human_rating, imported_rating, 0)", persisted=False),
    ),
    Column("human_taken_at", Text),
    Column("human_taken_source", Text),
    Column("human_taken_confidence", Float),
    Column(
        "taken_at",
        Text,
        Computed("nullif(coalesce(human_taken_at, auto_taken_at), '')", persisted=False),
    ),
    Column("taken_source", Text, _effective_date_column("source")),
    Column("taken_confidence", Float, _effective_date_column("confidence")),
    Column("folder", Text),
    Column("modified_at", Text),
    Column("duration", Float),
    Column("content_id", Text),
    Column("stack_name", Text),
    Column("film_start", Integer),
    Column("film_bytes", Integer),
    Column("description", Text),
    Column("burst_id", Text),
    Column("subsecond", Float),
    Column("exposure_s", Float),
    Column("exposure_bias", Float),
    Column("f_number", Float),
    Column("iso", Integer),
    Column("exposure_mode", Integer),
    Column("sharpness", Float),
    Column("clipped", Float),
    Column("brightness", Float),
    Column("white_level", Float),
    Column("tonal_range", Float),
    Column("sequence_checked", Boolean),
    Column("place_id", Integer),
    Column("place_source", Text),
    Column("place_km", Float),
    Column("altitude_m", Float),
    Column("auto_clutter", Text),
    Column("clutter_rule", Integer),
    Column("human_clutter", Text),
    Column(
        "clutter",
        Text,
        Computed("nullif(coalesce(human_clutter, auto_clutter), '')", persisted=False),
    ),
    Column("awaits_rules", Boolean),
    Column("remote_url", Text),
)

# Places where photos were taken, see `photos.places`. `key`: makes them unique. `words` and
# `country_words`: the names of the place and of its country in all languages, each between two line
# breaks. They, `folded_name` and `folded_region` are folded by `photo_places.fold_place`.
places = Table(
    "places",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("region", Text),
    Column("folded_region", Text, nullable=False, server_default=""),
    Column("country", Text),
    Column("country_name", Text),
    Column("kind", Text, nullable=False),
    Column("geonames_id", Integer),
    Column("time_zone", Text),
    Column("words", Text, nullable=False),
    Column("country_words", Text, nullable=False),
)

# Embeddings by further networks, beside the one in the photo's row: the slot of each in the file of
# its network. Triggers remove the row of a photo whose own embedding is by the same network.
backbone_embeddings = Table(
    "backbone_embeddings",
    metadata,
    Column("photo", ForeignKey("photos.number", ondelete="CASCADE"), primary_key=True),
    Column("file", Text, primary_key=True),
    Column("slot", Integer, nullable=False),
)
Index(
    "backbone_embeddings_by_slot",
    backbone_embeddings.c.file,
    backbone_embeddings.c.slot,
    backbone_embeddings.c.photo,
    unique=True,
)

# Slots of embedding files that no photo uses, for reuse. Filled by triggers.
free_slots = Table(
    "free_slots",
    metadata,
    Column("file", Text, primary_key=True),
    Column("slot", Integer, primary_key=True),
    sqlite_with_rowid=False,
)

# Predicted tags; all of a photo's rows are replaced when it is classified again.
automatic_tags = Table(
    "automatic_tags",
    metadata,
    Column("photo_id", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("head", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("score", Float, nullable=False),
    Column("bundle", Text, nullable=False),
)

# A person's decision on one tag of one photo: "added" or "rejected". Retagging does not change it.
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

# Albums that people made. `query`: the search that the album follows; null for one of chosen
# photos. `sort`: "hand" for the order of `album_photos`, else a sort order as text. `cover`: the
# chosen one; it counts while the photo is in the album. A deleted album keeps its row and its
# photos, so that the deletion can be undone. `folded_name` makes names unique regardless of case.
albums = Table(
    "albums",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("query", Text),
    Column("sort", Text, nullable=False),
    Column("cover", ForeignKey("photos.number", ondelete="SET NULL")),
    Column("created_at", Text, nullable=False),
    Column("deleted_at", Text),
    # Edits refer to ids.
    sqlite_autoincrement=True,
)
Index(
    "albums_by_name",
    albums.c.folded_name,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
)
Index("albums_by_cover", albums.c.cover)

# The photos of an album; those in the trash stay in it. `position`: their order by hand.
album_photos = Table(
    "album_photos",
    metadata,
    Column("album_id", ForeignKey("albums.id", ondelete="CASCADE"), primary_key=True),
    Column("photo", ForeignKey("photos.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)
Index("album_photos_by_photo", album_photos.c.photo)

# Photos that show as one tile. `kind`: raw_jpeg, live, edit, burst, bracket or panorama. `made_by`:
# PROGRAM or PERSON; the program leaves a person's stack as it is. A stack that was taken apart
# keeps its row, since edits refer to it.
stacks = Table(
    "stacks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

# The stack of a photo, at most one. `stack_id`: null where a person wants the photo apart, so that
# the program never joins it again. `position`: the photo with the lowest outside the trash is the
# pick, which is the tile. Triggers keep `tile`, the number of that photo, in every row of a stack;
# null where all are in the trash.
stack_photos = Table(
    "stack_photos",
    metadata,
    Column(
        "photo",
        ForeignKey("photos.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("stack_id", ForeignKey("stacks.id", ondelete="CASCADE")),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("tile", Integer),
)
Index("stack_photos_by_stack", stack_photos.c.stack_id, stack_photos.c.position)
# Those that are no tile of their own.
Index(
    "stack_photos_hidden",
    stack_photos.c.photo,
    stack_photos.c.tile,
    sqlite_where=text("tile <> photo"),
)

# Trips. `state`: PROPOSED by the program, ACCEPTED or edited by a person, HIDDEN by a person, or
# ENDED, of a trip that was merged into another or never made after an undo; its row stays, since
# edits refer to it. Titles are unique among the others; `folded_title` is for searching.
# `kind`: "trip", "day trip" or "time only". `home_km`: how far from home it was; null where that is
# unknown. `first_at`, `last_at`: when its first and last photo with a date were taken.
trips = Table(
    "trips",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("folded_title", Text, nullable=False),
    Column("is_titled_by_person", Boolean, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("home_km", Float),
    Column("first_at", Text),
    Column("last_at", Text),
    sqlite_autoincrement=True,
)

# The trip of a photo, at most one. `trip_id`: null where a person took the photo out, so that the
# program puts it into none again. `day`: the day of the trip that it counts to, ISO 8601; null for
# a photo without a date. `chapter`: its part of the trip, from 0. `is_by_person`: whether a person
# put it there; the program then leaves it there.
trip_photos = Table(
    "trip_photos",
    metadata,
    Column(
        "photo",
        ForeignKey("photos.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("trip_id", ForeignKey("trips.id", ondelete="CASCADE")),
    Column("day", Text),
    Column("chapter", Integer, nullable=False, server_default="0"),
    Column("is_by_person", Boolean, nullable=False, server_default="0"),
)
Index(
    "trip_photos_by_trip",
    trip_photos.c.trip_id,
    trip_photos.c.day,
    trip_photos.c.chapter,
    trip_photos.c.photo,
)

# Albums of other programs, by their folded names there, and the albums made for them here, which
# people may have renamed or deleted since.
imported_albums = Table(
    "imported_albums",
    metadata,
    Column("folded_title", Text, primary_key=True),
    Column("album_id", ForeignKey("albums.id", ondelete="CASCADE"), nullable=False),
)

# Facts about files of an archive that came in a part without these files: a later part may bring
# them. `folder` and `name`: of the file with the facts. `facts`: JSON.
awaited_facts = Table(
    "awaited_facts",
    metadata,
    Column("folder", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("facts", Text, nullable=False),
)

# Every edit, with the values before and after it, for undo and redo. A change of an album itself
# has the album's id as `label` and an empty `photo_id`.
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

# For what people decided about a photo.
Index("edit_changes_by_photo", edit_changes.c.photo_id, edit_changes.c.field)

# Standing rules: what is done with new photos that match a query. `actions`: JSON, see
# `rules.rule_rows`. `position`: rules run in its order. `pause_reason`: why a rule that is not
# active paused itself; null where a person paused it.
rules = Table(
    "rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, unique=True),
    Column("query", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default="0"),
    Column("pause_reason", Text),
    Column("created_at", Text, nullable=False),
    sqlite_autoincrement=True,
)

# What rules did, also those that were deleted since. `edit_id`: the edit with the changes, which is
# no edit of a person and is undone only with its run; null where it was undone, or where all of its
# photos were deleted for ever. `words`: what was done, for people. `is_on_all`: whether it was run
# on all photos, not on those that came in. `copy_…`: of a rule that copies photos into a folder:
# `state` is "pending" until the copies are written, "failed" while they wait for a person, "done",
# "undoing" until they are removed, or "undone"; `token` names the journal in the folder; `count` is
# the number of copies; `note` says what could not be copied, or removed. `sidecar_…`: the same
# for a rule that writes sidecars.
rule_runs = Table(
    "rule_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rule_id", ForeignKey("rules.id", ondelete="SET NULL")),
    Column("rule_name", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("is_on_all", Boolean, nullable=False),
    Column("photo_count", Integer, nullable=False),
    Column("edit_id", ForeignKey("edits.id", ondelete="SET NULL"), unique=True),
    Column("undone_at", Text),
    Column("copy_state", Text),
    Column("copy_folder", Text),
    Column("copy_layout", Text),
    Column("copy_token", Text),
    Column("copy_count", Integer),
    Column("copy_note", Text),
    Column("sidecar_state", Text),
    Column("sidecar_count", Integer),
    Column("sidecar_note", Text),
    sqlite_autoincrement=True,
)
Index("rule_runs_by_rule", rule_runs.c.rule_id)

# Sidecars that runs of rules wrote, or were about to write when the program was killed. They are
# removed with their run while their content has the hash. `token`: in the name of the temporary
# file. `photo_id`: the photo may have been deleted since.
rule_sidecars = Table(
    "rule_sidecars",
    metadata,
    Column("path", PathColumn, primary_key=True),
    Column("run_id", ForeignKey("rule_runs.id", ondelete="CASCADE"), nullable=False),
    Column("photo_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("token", Text, nullable=False),
)
Index("rule_sidecars_by_run", rule_sidecars.c.run_id)

# The highest number of a photo. Arrays by these numbers are kept in memory (`in_memory`).
MOST_PHOTOS = 100_000_000

# A row for each change of a photo: `photo` is its number, or 0 where a change may affect photos
# that no row names. A program that keeps data of all photos in memory (`in_memory`) reads only
# the photos of the rows after the last row that it read. Triggers write the rows and delete all but
# the latest; the last row always stays, so that `seq` only rises.
photo_changes = Table(
    "photo_changes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("photo", Integer, nullable=False),
)

# Settings of this library, such as the model it is tagged with; also up to which number photos are
# settled, see `new_photos`.
choices = Table(
    "choices",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Saved searches. `folded_name` makes names unique regardless of case.
saved_searches = Table(
    "saved_searches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False, unique=True),
    Column("query", Text, nullable=False),
    Column("sort", Text, nullable=False),
    # Ids of deleted searches are not reused: another browser window may still refer to one.
    sqlite_autoincrement=True,
)

# The bands of each perceptual hash, and pairs of hashes that are near each other; one that several
# photos have, or had, is near itself. These are facts about hashes and independent of photos, see
# `duplicates.hash_neighbours`.
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

# The effective tags: those that people added (head "human", score 1), and predicted ones that no
# one decided about. Triggers derive them from the two tag tables, because a search may test
# 100,000 photos.
effective_tags = Table(
    "held_tags",
    metadata,
    Column("label", Text, primary_key=True),
    Column("photo", Integer, primary_key=True),
    Column("head", Text, primary_key=True),
    Column("score", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Tags that people taught by examples: one linear head per label and backbone. `told` is JSON:
# examples, counterexamples and figures. The predictions are in `automatic_tags` with TAUGHT as
# head.
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

# Photos that were compared with all earlier ones.
compared_photos = Table(
    "compared_photos",
    metadata,
    Column("number", ForeignKey("photos.number", ondelete="CASCADE"), primary_key=True),
    Column("embedding_file", Text),
)

# The pairs found by the comparison, `first` having the lower number: the same picture (kind
# "near", similarity is a correlation) or only similar (kind "similar", similarity is a cosine).
# `dismissed_at`: when a person marked the pair as not duplicates.
near_duplicates = Table(
    "twins",
    metadata,
    Column("one", ForeignKey("photos.number", ondelete="CASCADE"), key="first", primary_key=True),
    Column(
        "other", ForeignKey("photos.number", ondelete="CASCADE"), key="second", primary_key=True
    ),
    Column("kind", Text, nullable=False),
    Column("likeness", Float, key="similarity", nullable=False),
    Column("dismissed_at", Text),
    sqlite_with_rowid=False,
)
Index("twins_by_other", near_duplicates.c.second)

Index("tag_decisions_by_label", tag_decisions.c.label, tag_decisions.c.photo_id)
Index("class_decisions_by_label", class_decisions.c.label, class_decisions.c.photo_id)
# For searching descriptions, which few photos have.
Index(
    "photos_with_description",
    photos.c.number,
    photos.c.description,
    sqlite_where=photos.c.description.is_not(None),
)
Index(
    "photos_by_place",
    photos.c.place_id,
    photos.c.trashed_at,
    sqlite_where=text("place_id IS NOT NULL"),
)
# The photos that `is:clutter` and `is:apart` find, and those that the rule has not judged.
CLUTTER_INDEX = Index(
    "photos_with_clutter",
    photos.c.clutter,
    photos.c.human_clutter,
    photos.c.trashed_at,
    photos.c.number,
    sqlite_where=text("clutter IS NOT NULL"),
)
Index("photos_by_clutter_rule", photos.c.clutter_rule, photos.c.number)
Index("photos_by_slot", photos.c.embedding_file, photos.c.embedding_slot, unique=True)

# One covering index per sort order, by the order's leading column. The columns that queries test
# follow it, so that a page is read from the index alone, without the rows: in a library of
# 100,000 photos that takes milliseconds.
_COVERED_COLUMNS = (
    photos.c.folded_name,
    photos.c.number,
    photos.c.photo_class,
    photos.c.human_class,
    photos.c.auto_group,
    photos.c.decided_tags,
    photos.c.class_score,
    photos.c.camera,
    photos.c.added_at,
    photos.c.taken_at,
    photos.c.latitude,
    photos.c.longitude,
    photos.c.favourite,
    photos.c.rating,
)


def _order_index(name: str, column: Column[Any], first: ColumnElement[Any]) -> Index:
    remaining = [covered for covered in _COVERED_COLUMNS if covered is not column]
    return Index(name, photos.c.trashed_at, first, *remaining)


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
# For counting groups, see `library.groups`.
Index(
    "photos_by_group",
    photos.c.trashed_at,
    photos.c.auto_group,
    photos.c.human_class,
    photos.c.photo_class,
)
Index("photos_by_camera", photos.c.camera, photos.c.number)
# Conditions on these columns alone read these short indexes instead of one of an order.
Index(
    "photos_with_human_class",
    photos.c.human_class,
    sqlite_where=photos.c.human_class.is_not(None),
)
Index("photos_by_decided_tags", photos.c.decided_tags)
Index(
    "photos_by_position",
    photos.c.latitude,
    photos.c.longitude,
    sqlite_where=photos.c.latitude.is_not(None),
)
# Photos whose positions were not looked up yet.
Index(
    "photos_without_place",
    photos.c.number,
    sqlite_where=text(
        "latitude IS NOT NULL AND longitude IS NOT NULL AND place_source IS NOT 'gps'"
    ),
)
Index("photos_by_lens", photos.c.lens, photos.c.number)
Index("photos_by_stack_name", photos.c.stack_name, photos.c.folder)
# For the neighbours in time of one camera, and for the photos whose neighbours were not looked at.
Index("photos_by_moment", photos.c.camera, photos.c.auto_taken_at)
Index(
    "photos_outside_sequences",
    photos.c.camera,
    photos.c.auto_taken_at,
    sqlite_where=text("sequence_checked IS NULL"),
)
Index(
    "photos_awaiting_rules",
    photos.c.number,
    sqlite_where=text("awaits_rules IS NOT NULL"),
)
Index("photos_with_film", photos.c.number, sqlite_where=text("film_start IS NOT NULL"))
Index(
    "photos_by_content_id",
    photos.c.content_id,
    sqlite_where=text("content_id IS NOT NULL"),
)
HASH_INDEX = Index("photos_by_hash", photos.c.trashed_at, photos.c.perceptual_hash, photos.c.number)
