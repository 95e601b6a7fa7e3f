# ruff: noqa: S608 - the statements are built from constants in this file
"""Triggers that update denormalised data on every write.

`photos.human_class` repeats `class_decisions`; `photos.decided_tags` counts `tag_decisions`;
`held_tags` contains the effective tags (`schema.effective_tags` in Python); `free_slots` lists the
embedding slots that no photo uses. A photo has one embedding by each network. `stack_photos.tile`
is the photo that shows for its stack. A photo whose position changes loses its place. The number of
the last settled photo (`new_photos`) is never above that of a photo. `photo_changes` lists the
photos that changed last, or whose stack or embeddings did.
"""

# `labels.HUMAN`, with score 1.
_HUMAN_AND_SCORE = "'human', 1.0"
_PHOTO = "(SELECT number FROM photos WHERE id = {row}.photo_id)"
_OF_LABEL = "label = {row}.label AND photo = " + _PHOTO
_IS_DECIDED = (
    "EXISTS (SELECT 1 FROM tag_decisions d WHERE d.photo_id = {row}.photo_id "
    "AND d.label = {row}.label)"
)
_DELETE_EFFECTIVE = f"DELETE FROM held_tags WHERE {_OF_LABEL};"
_INSERT_HUMAN = (
    "INSERT INTO held_tags (label, photo, head, score) "
    f"SELECT NEW.label, number, {_HUMAN_AND_SCORE} FROM photos "
    "WHERE id = NEW.photo_id AND NEW.verdict = 'added';"
)
_INSERT_AUTOMATIC = (
    "INSERT OR IGNORE INTO held_tags (label, photo, head, score) "
    "SELECT a.label, p.number, a.head, a.score FROM automatic_tags a "
    "JOIN photos p ON p.id = a.photo_id "
    "WHERE a.photo_id = {row}.photo_id AND a.label = {row}.label "
)

_APPLY_DECISION = _DELETE_EFFECTIVE.format(row="NEW") + _INSERT_HUMAN
_COUNT_DECISION = (
    "UPDATE photos SET decided_tags = decided_tags {change} WHERE id = {row}.photo_id;"
)
_SET_HUMAN_CLASS = "UPDATE photos SET human_class = NEW.label WHERE id = NEW.photo_id;"
_FREE_SLOT = "INSERT OR IGNORE INTO free_slots VALUES (OLD.embedding_file, OLD.embedding_slot);"
_REMOVE_SECOND = (
    "DELETE FROM backbone_embeddings WHERE photo = NEW.number AND file = NEW.embedding_file;"
)

_SET_TILES = (
    "UPDATE stack_photos SET tile = (SELECT member.photo FROM stack_photos member "
    "JOIN photos ON photos.number = member.photo "
    "WHERE member.stack_id = {stack} AND photos.trashed_at IS NULL "
    "ORDER BY member.position, member.photo LIMIT 1) WHERE stack_id = {stack};"
)
_NOTE_CHANGE = "INSERT INTO photo_changes (photo) VALUES ({photo});"
# How many rows `photo_changes` keeps. Data in memory is read anew after more than
# `changes.MOST_CHANGES` of them, which must not be more than are kept. Short vectors are written
# anew after `embedding_projection._MOST_COMPARED` changed photos, and made anew from all embeddings
# after more rows than are kept.
KEPT_CHANGES = 20_000
_STACK_OF_NEW_PHOTO = "(SELECT stack_id FROM stack_photos WHERE photo = NEW.number)"

# Trigger names are part of existing databases and must not change.
_ACTIONS = {
    "automatic_tag_said": (
        "AFTER INSERT ON automatic_tags",
        _INSERT_AUTOMATIC.format(row="NEW") + "AND NOT " + _IS_DECIDED.format(row="NEW") + ";",
    ),
    "automatic_tag_withdrawn": (
        "AFTER DELETE ON automatic_tags",
        _DELETE_EFFECTIVE.format(row="OLD").removesuffix(";") + " AND head = OLD.head;",
    ),
    "tag_decided": (
        "AFTER INSERT ON tag_decisions",
        _APPLY_DECISION + _COUNT_DECISION.format(row="NEW", change="+ 1"),
    ),
    "tag_decided_anew": ("AFTER UPDATE OF verdict ON tag_decisions", _APPLY_DECISION),
    "tag_decision_withdrawn": (
        "AFTER DELETE ON tag_decisions",
        _DELETE_EFFECTIVE.format(row="OLD")
        + _INSERT_AUTOMATIC.format(row="OLD")
        + ";"
        + _COUNT_DECISION.format(row="OLD", change="- 1"),
    ),
    "class_decided": ("AFTER INSERT ON class_decisions", _SET_HUMAN_CLASS),
    "class_decided_anew": ("AFTER UPDATE OF label ON class_decisions", _SET_HUMAN_CLASS),
    "class_decision_withdrawn": (
        "AFTER DELETE ON class_decisions",
        "UPDATE photos SET human_class = NULL WHERE id = OLD.photo_id;",
    ),
    # BEFORE: the rows of the other tables that list its tags are deleted with the photo.
    "photo_tags_withdrawn": (
        "BEFORE DELETE ON photos",
        "DELETE FROM held_tags WHERE photo = OLD.number AND label IN ("
        "SELECT label FROM automatic_tags WHERE photo_id = OLD.id "
        "UNION SELECT label FROM tag_decisions WHERE photo_id = OLD.id);",
    ),
    "slot_freed": ("AFTER DELETE ON photos WHEN OLD.embedding_slot IS NOT NULL", _FREE_SLOT),
    "slot_left": (
        "AFTER UPDATE OF embedding_file, embedding_slot ON photos "
        "WHEN OLD.embedding_slot IS NOT NULL AND (OLD.embedding_slot, OLD.embedding_file) "
        "IS NOT (NEW.embedding_slot, NEW.embedding_file)",
        _FREE_SLOT,
    ),
    "backbone_slot_freed": (
        "AFTER DELETE ON backbone_embeddings",
        "INSERT OR IGNORE INTO free_slots VALUES (OLD.file, OLD.slot);",
    ),
    "backbone_slot_left": (
        "AFTER UPDATE OF file, slot ON backbone_embeddings "
        "WHEN (OLD.file, OLD.slot) IS NOT (NEW.file, NEW.slot)",
        "INSERT OR IGNORE INTO free_slots VALUES (OLD.file, OLD.slot);",
    ),
    # The photo's own embedding is by this network from now on.
    "backbone_embedding_doubled": (
        "AFTER UPDATE OF embedding_file ON photos "
        "WHEN OLD.embedding_file IS NOT NEW.embedding_file",
        _REMOVE_SECOND,
    ),
    # Whoever changed the position names the place anew, or the next job does.
    "place_left": (
        "AFTER UPDATE OF latitude, longitude ON photos "
        "WHEN (OLD.latitude, OLD.longitude) IS NOT (NEW.latitude, NEW.longitude)",
        "UPDATE photos SET place_id = NULL, place_source = NULL, place_km = NULL "
        "WHERE number = NEW.number;",
    ),
    # The next photo gets the number of the deleted one, and is new.
    "settled_photo_deleted": (
        "AFTER DELETE ON photos",
        "UPDATE choices SET value = (SELECT coalesce(max(number), 0) FROM photos) "
        "WHERE name = 'settled_photo' "
        "AND CAST(value AS INTEGER) > (SELECT coalesce(max(number), 0) FROM photos);",
    ),
    "photo_added": ("AFTER INSERT ON photos", _NOTE_CHANGE.format(photo="NEW.number")),
    "photo_deleted": ("AFTER DELETE ON photos", _NOTE_CHANGE.format(photo="OLD.number")),
    # No photo: which others had a near hash is unknown then, as after `hash_changed`.
    "hash_deleted": (
        "AFTER DELETE ON photos WHEN OLD.perceptual_hash IS NOT NULL",
        _NOTE_CHANGE.format(photo="0"),
    ),
    "photo_changed": ("AFTER UPDATE ON photos", _NOTE_CHANGE.format(photo="NEW.number")),
    "effective_tag_added": ("AFTER INSERT ON held_tags", _NOTE_CHANGE.format(photo="NEW.photo")),
    "effective_tag_removed": ("AFTER DELETE ON held_tags", _NOTE_CHANGE.format(photo="OLD.photo")),
    # No photo: which others had a near hash before is unknown now.
    "hash_changed": (
        "AFTER UPDATE OF perceptual_hash ON photos "
        "WHEN OLD.perceptual_hash IS NOT NULL "
        "AND NEW.perceptual_hash IS NOT OLD.perceptual_hash",
        _NOTE_CHANGE.format(photo="0"),
    ),
    "backbone_embedding_added": (
        "AFTER INSERT ON backbone_embeddings",
        _NOTE_CHANGE.format(photo="NEW.photo"),
    ),
    "backbone_embedding_changed": (
        "AFTER UPDATE ON backbone_embeddings",
        _NOTE_CHANGE.format(photo="NEW.photo"),
    ),
    "stack_join_noted": (
        "AFTER INSERT ON stack_photos",
        _NOTE_CHANGE.format(photo="NEW.photo"),
    ),
    "stack_leave_noted": (
        "AFTER DELETE ON stack_photos",
        _NOTE_CHANGE.format(photo="OLD.photo"),
    ),
    "stack_change_noted": (
        "AFTER UPDATE OF stack_id ON stack_photos",
        _NOTE_CHANGE.format(photo="NEW.photo"),
    ),
    # One row for all changes of a photo in a row, such as its tags. It is the latest that stays,
    # because a program may have read the earlier ones.
    "photo_change_noted": (
        "AFTER INSERT ON photo_changes",
        "DELETE FROM photo_changes WHERE seq = NEW.seq - 1 AND photo = NEW.photo;"
        f"DELETE FROM photo_changes WHERE seq <= NEW.seq - {KEPT_CHANGES};",
    ),
    "stack_joined": ("AFTER INSERT ON stack_photos", _SET_TILES.format(stack="NEW.stack_id")),
    "stack_left": ("AFTER DELETE ON stack_photos", _SET_TILES.format(stack="OLD.stack_id")),
    "stack_changed": (
        "AFTER UPDATE OF stack_id, position ON stack_photos",
        "UPDATE stack_photos SET tile = NULL WHERE photo = NEW.photo AND stack_id IS NULL;"
        + _SET_TILES.format(stack="OLD.stack_id")
        + _SET_TILES.format(stack="NEW.stack_id"),
    ),
    "stacked_photo_moved": (
        "AFTER UPDATE OF trashed_at ON photos WHEN NEW.trashed_at IS NOT OLD.trashed_at "
        "AND EXISTS (SELECT 1 FROM stack_photos WHERE photo = NEW.number)",
        _SET_TILES.format(stack=_STACK_OF_NEW_PHOTO),
    ),
}

TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {name} {when} BEGIN {action} END"
    for name, (when, action) in _ACTIONS.items()
)

# Fills the denormalised data for rows inserted before the triggers existed.
INITIAL_FILL = (
    "UPDATE photos SET human_class = "
    "(SELECT label FROM class_decisions WHERE photo_id = photos.id), "
    "decided_tags = (SELECT count(*) FROM tag_decisions WHERE photo_id = photos.id)",
    "INSERT OR IGNORE INTO held_tags (label, photo, head, score) "
    "SELECT t.label, p.number, t.head, t.score FROM automatic_tags t "
    f"JOIN photos p ON p.id = t.photo_id WHERE NOT {_IS_DECIDED.format(row='t')}",
    "INSERT OR IGNORE INTO held_tags (label, photo, head, score) "
    f"SELECT t.label, p.number, {_HUMAN_AND_SCORE} FROM tag_decisions t "
    "JOIN photos p ON p.id = t.photo_id WHERE t.verdict = 'added'",
)
